"""How long a run will take: from the newest run that was measured here on the same device, never from one of another machine."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import pytest
from make_run import make_run

from dhc.analysis.estimate import Estimate, estimate
from dhc.config import RunConfig
from dhc.runs import rundir
from dhc.runs.store import RunInfo, Store


@pytest.fixture
def measured_run(tmp_path: Path, tiny_data: Path) -> RunInfo:
    """A run of the full network at 900 pictures/s on the CPU."""
    folder = make_run(tmp_path, tiny_data)
    summary = rundir.read_json(folder / rundir.SUMMARY) or {}
    rundir.write_json(folder / rundir.SUMMARY, summary | {"pictures_per_second": 900.0})
    return Store(tmp_path).run(folder.name)


def expected(earlier_runs: list[RunInfo], device: str = "cpu", **changes: object) -> Estimate:
    config = RunConfig().with_values({name.replace("__", "."): value for name, value in changes.items()})
    return estimate(
        config, device, classes=96, train=1000, val=100, earlier_runs=earlier_runs, matrix_rate=lambda: 1e11
    )


def test_the_same_settings_take_what_they_took(measured_run: RunInfo) -> None:
    estimated = expected([measured_run])
    assert estimated.pictures_per_second == pytest.approx(900, rel=0.01)
    assert measured_run.id in estimated.source


def test_a_narrower_network_is_faster(measured_run: RunInfo) -> None:
    assert (expected([measured_run], model__width=0.25).pictures_per_second or 0) > 2 * 900


def test_the_measure_is_the_run_most_like_it_not_the_newest(measured_run: RunInfo) -> None:
    config = measured_run.config
    assert config is not None
    small = dataclasses.replace(
        measured_run, id="small", config=config.with_values({"model.name": "cnn3"}), pictures_per_second=50.0
    )
    elsewhere = dataclasses.replace(
        measured_run, id="elsewhere", config=config.with_values({"data.path": "other"}), pictures_per_second=10.0
    )
    runs = [small, elsewhere, measured_run]
    for path in (config.data.path, os.path.relpath(config.data.path)):  # of one folder, as a form and a run may have it
        estimated = expected(runs, data__path=path)
        assert measured_run.id in estimated.source
        assert estimated.pictures_per_second == pytest.approx(900, rel=0.01)
    assert "small" in expected(runs, model__name="cnn3", fit__epochs=3).source


def test_half_the_bytes_are_multiplied_twice_as_fast() -> None:
    config = RunConfig()
    plain, half = (
        estimate(
            config,
            "cpu",
            classes=96,
            train=1000,
            val=100,
            earlier_runs=[],
            matrix_rate=lambda: 1e11,
            precision=lambda _, p=p: p,
        )
        for p in ("float32", "mixed_bfloat16")
    )
    assert (half.pictures_per_second or 0) == pytest.approx(2 * (plain.pictures_per_second or 0))
    assert half.cost.memory < plain.cost.memory


def test_how_long_a_cpu_emulates_a_precision_is_not_guessed(measured_run: RunInfo) -> None:
    policy = {
        "classes": 96,
        "train": 1000,
        "val": 100,
        "matrix_rate": lambda: 1e11,
        "precision": lambda _: "mixed_float16",
        "cpu_multiplies": lambda policy: policy == "float32",
    }
    config = RunConfig().with_values({"device.precision": "mixed_float16"})
    unknown = estimate(config, "cpu", earlier_runs=[measured_run], **policy)
    assert (unknown.seconds, unknown.source) == (None, "not known before the first run on this device")


def test_a_measured_run_in_another_precision_is_scaled(measured_run: RunInfo) -> None:
    def precision(config: RunConfig) -> str:
        return "mixed_bfloat16" if config.model.width == 1 else "float32"

    estimated = estimate(
        RunConfig().with_values({"model.width": 0.5}),
        "cpu",
        classes=96,
        train=1000,
        val=100,
        earlier_runs=[measured_run],
        matrix_rate=lambda: 1e11,
        precision=precision,
    )
    alike = expected([measured_run], model__width=0.5)
    assert (estimated.pictures_per_second or 0) == pytest.approx((alike.pictures_per_second or 0) / 2)


def test_an_example_of_another_machine_and_another_device_do_not_count(measured_run: RunInfo) -> None:
    example = dataclasses.replace(measured_run, example=True)
    assert "matrix-product" in expected([example]).source
    assert expected([measured_run], device="gpu:0").seconds is None
