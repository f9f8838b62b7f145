"""Sweeps whose values are drawn."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from dhc.cli import cli
from dhc.config import RunConfig
from dhc.errors import ConfigError
from dhc.jobs.sample import sample
from dhc.runs.store import Store

BASE = RunConfig()
AXES: dict[str, tuple[Any, ...]] = {
    "schedule.factor": (0.1, 0.9),
    "optimizer.learning_rate": (1e-4, 1e-2),
    "fit.batch_size": (16, 19),
    "optimizer.name": ("adam", "sgd"),
}


@given(st.sampled_from(["random", "sobol"]), st.integers(0, 50), st.integers(1, 20))
def test_draws_lie_between_the_values_and_no_two_are_alike(design: Any, seed: int, runs: int) -> None:
    configs = sample(BASE, AXES, runs, design, seed)
    assert len({repr(config) for config in configs}) == runs
    assert configs == sample(BASE, AXES, runs, design, seed)
    for config in configs:
        assert 0.1 <= config.schedule.factor <= 0.9
        assert 1e-4 <= config.optimizer.learning_rate <= 1e-2
        assert config.fit.batch_size in range(16, 20)
        assert config.optimizer.name in ("adam", "sgd")
        assert config.fit.seed == BASE.fit.seed


def test_a_rate_is_drawn_evenly_in_its_decades_and_sobol_leaves_smaller_gaps() -> None:
    gaps = {}
    for design in ("random", "sobol"):
        rates = [
            one.optimizer.learning_rate for one in sample(BASE, {"optimizer.learning_rate": (1e-4, 1e-2)}, 64, design)
        ]  # type: ignore[arg-type]
        logs = np.sort(np.log10(rates))
        assert np.mean(logs) == pytest.approx(-3, abs=0.15)
        gaps[design] = np.diff(logs).max()
    assert gaps["sobol"] < gaps["random"] * 0.75


@pytest.mark.parametrize(
    ("axes", "runs", "sentence"),
    [
        ({}, 4, "needs a setting that varies"),
        ({"device.where": ["ray", "slurm"]}, 2, "device.where says where runs go"),
        ({"schedule.factor": (0.1, 0.9)}, 0, "0 runs cannot be drawn"),
        ({"schedule.factor": (0.1, 0.9)}, 10**6, "a sweep has 1 to 200"),
        ({"fit.batch_size": (16, 18)}, 9, "hold only 3 combinations"),
        ({"knn.k": (1, 9)}, 2, "has no effect with model.name vgg16"),
        ({"fit.seed": (0, 9)}, 2, "it is what repeats differ in"),
        ({"schedule.factor": (0.1, 7)}, 2, "schedule.factor cannot be 7"),
    ],
)
def test_what_cannot_be_drawn_is_refused(axes: dict[str, Any], runs: int, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        sample(BASE, axes, runs, "random")


def test_the_command_writes_down_how_its_runs_were_chosen(
    tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dhc.jobs.launch.start_worker", lambda *_: None)
    words = [
        "sweep",
        "--data",
        str(tiny_data),
        "--runs",
        str(tmp_path),
        "--grid",
        "schedule.factor=0.1,0.9",
        "--detach",
    ]
    for more in (["--sample", "3", "--design", "sobol"], []):
        assert CliRunner().invoke(cli, [*words, *more]).exit_code == 0
    assert sorted(info.design for info in Store(tmp_path).runs()) == ["grid", "grid", "sobol", "sobol", "sobol"]
    both = CliRunner().invoke(cli, [*words, "--sample", "3", "--repeats", "2"])
    assert "exclude each other" in str(both.exception)
    alone = CliRunner().invoke(cli, [*words, "--design", "sobol"])
    assert "name the number of runs by --sample, too" in str(alone.exception)
    assert json.loads((Store(tmp_path).runs()[0].folder / "request.json").read_text())["design"] == "grid"
