"""How much better the winner looks than it is: known order statistics, and runs that are all luck or all merit."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from make_run import make_run

from dhc.analysis.optimism import (
    expected_maximum,
    expected_optimism,
    halves,
    judge_by_halves,
    mean_correlation,
    right_answers,
)
from dhc.analysis.pictures import JudgedPictures, judged_pictures, measured_on_same_pictures
from dhc.runs.contract import Environment
from dhc.runs.predictions import read_predictions
from dhc.runs.store import RunInfo, Store


@pytest.mark.parametrize(
    ("n", "expected"),  # Harter, Biometrika 48:151 (1961), table 1
    [(1, 0.0), (2, 0.56419), (3, 0.84628), (5, 1.16296), (10, 1.53875), (20, 1.86748), (100, 2.50759)],
)
def test_the_expected_maximum_is_the_published_one(n: int, expected: float) -> None:
    assert expected_maximum(n) == pytest.approx(expected, abs=5e-6)


def test_no_figure_has_no_maximum() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        expected_maximum(0)


def test_expected_optimism_is_the_maximum_times_the_standard_error() -> None:
    # p = 0.5, 2,500 pictures: a standard error of 0.01
    assert expected_optimism(0.5, 2500, 10) == pytest.approx(0.0153875, abs=1e-6)
    assert expected_optimism(0.5, 2500, 10, correlation=0.75) == pytest.approx(0.0153875 / 2, abs=1e-6)
    assert expected_optimism(0.5, 2500, 1) == pytest.approx(0.0, abs=1e-12)
    assert expected_optimism(1.0, 100, 50) == 0.0


def test_luck_that_is_simulated_is_the_luck_that_is_expected() -> None:
    rng = np.random.default_rng(0)
    pictures, runs, p, shared = 1000, 20, 0.7, 0.5
    best = []
    for _ in range(300):  # a picture is right by its own coin or by one that all runs share
        common = rng.random(pictures) < p
        own = rng.random((runs, pictures)) < p
        correct = np.where(rng.random((runs, pictures)) < math.sqrt(shared), common, own)
        best.append(correct.mean(axis=1).max() - p)
    assert np.mean(best) == pytest.approx(expected_optimism(p, pictures, runs, shared), rel=0.1)
    assert mean_correlation(correct) == pytest.approx(shared, abs=0.1)


def test_correlation_of_the_same_answers_is_one_and_of_opposite_ones_minus_one() -> None:
    answers = np.array([1, 0, 1, 1], dtype=bool)
    assert mean_correlation(np.array([answers, answers])) == pytest.approx(1.0)
    assert mean_correlation(np.array([answers, ~answers])) == pytest.approx(-1.0)
    assert mean_correlation(np.array([answers, np.ones(4, dtype=bool)])) == 0.0


def test_a_pictures_half_is_a_bit_of_its_names_hash() -> None:
    bits = bin(int(hashlib.sha256(b"val_images/7.png").hexdigest(), 16))[2:].zfill(256)
    assert halves(["val_images/7.png"], 256)[0].tolist() == [bit == "1" for bit in bits]
    table = halves([f"{i}.png" for i in range(4000)], 50)
    assert abs(table.mean() - 0.5) < 0.01
    with pytest.raises(ValueError, match="1 to 256"):
        halves(["x"], 257)


@given(st.permutations(list(range(30))))
def test_halves_do_not_hang_on_the_order(order: list[int]) -> None:
    ids = np.array([f"{i}.png" for i in range(30)])
    assert (halves(ids[order]) == halves(ids)[order]).all()


def test_runs_that_are_all_luck_are_found_out_and_a_real_winner_is_not() -> None:
    rng = np.random.default_rng(1)
    ids = np.array([f"val_images/{i}.png" for i in range(1000)])
    luck = {f"run {i}": rng.random((5, 1000)) < 0.7 for i in range(30)}
    result = judge_by_halves(ids, luck)
    assert result.optimism == pytest.approx(expected_maximum(150) * math.sqrt(0.7 * 0.3 / 500), rel=0.25)
    assert result.held_back_accuracy == pytest.approx(0.7, abs=0.02)
    better = {"good": rng.random((1, 1000)) < 0.9, **luck}
    real = judge_by_halves(ids, better)
    assert abs(real.optimism) < 0.005
    assert real.winners == {"good": 1.0}
    assert real.runs == 31


def test_too_few_pictures_are_refused() -> None:
    with pytest.raises(ValueError, match="cannot be halved"):
        judge_by_halves(np.array(["a", "b"]), {"run": np.ones((1, 2), dtype=bool)})


def test_val_counts_as_used_by_every_ended_run_on_the_same_pictures(tiny_data: Path, tmp_path: Path) -> None:
    ids = [f"20260101-00000{n}-vgg16-000a" for n in range(5)]
    for run_id, settings, how in zip(
        ids,
        ({}, {"fit.seed": 1}, {"data.classes": 2}, {}, {}),
        ("finished", "stopped", "finished", "running", "failed"),
        strict=True,
    ):
        make_run(tmp_path, tiny_data, run_id=run_id, settings=settings, how=how, epochs=2)  # type: ignore[arg-type]
    runs = Store(tmp_path).runs()
    own = next(info for info in runs if info.id == ids[0])
    assert own.config is not None

    def pictures_of(info: RunInfo) -> JudgedPictures:
        assert info.config is not None
        return judged_pictures(info.config, Environment.of(info.folder))

    assert sorted(info.id for info in measured_on_same_pictures(own, runs, pictures_of)) == ids[:2]
    predictions = read_predictions(own.folder)
    assert right_answers(predictions).shape == (2, 9)
