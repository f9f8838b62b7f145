"""The median rule: its arithmetic by hand, whom it compares with, and a real run that it stops."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from make_run import make_run

from dhc.cli.follow import follow
from dhc.config import RunConfig
from dhc.jobs.launch import launch, resume
from dhc.runs import rundir
from dhc.runs.contract import MEDIAN_ENOUGH, MEDIAN_GRACE
from dhc.runs.store import Store
from dhc.training.median import MedianRule, bar_to_clear, reason_to_stop, rule_of
from dhc.training.outcomes import StopRequested

ENDED = [[0.2, 0.4, 0.6, 0.8, 1.0], [0.5, 0.5, 0.5, 0.5, 0.5], [0.1, 0.1, 0.1, 0.1, 0.1]]


@pytest.mark.parametrize(
    ("curves", "epoch", "bar"),
    [
        ([[0.2, 0.4], [0.5, 0.7], [0.1, 0.9]], 2, 0.5),  # of 0.3, 0.6, 0.5
        ([[0.2, 0.4], [0.5, 0.7], [0.1, 0.9]], 1, 0.2),
        ([[0.2], [0.5, 0.7], [0.1, 0.9]], 2, 0.5),  # a run that stopped early by itself counts whole
        ([*ENDED, [0.7] * 5], 5, 0.55),  # of an even number the mean of the middle two: 0.5 and 0.6
        (ENDED[:2], 5, None),
        ([], 5, None),
    ],
)
def test_the_bar_by_hand(curves: Sequence[Sequence[float]], epoch: int, bar: float | None) -> None:
    assert bar_to_clear(curves, epoch) == (None if bar is None else pytest.approx(bar))


@pytest.mark.parametrize(
    ("curve", "stops"),
    [
        ([0.1, 0.2, 0.3, 0.4, 0.49], True),
        ([0.1, 0.2, 0.3, 0.5, 0.3], False),  # its best counts, and only what is strictly worse stops
        ([0.0, 0.0, 0.0, 0.0], False),  # within the grace
        ([float("nan")] * 5, True),
    ],
)
def test_only_what_is_strictly_below_the_median_stops(curve: list[float], stops: bool) -> None:
    assert bool(reason_to_stop(curve, ENDED)) is stops


def test_the_reason_says_when_and_by_how_much() -> None:
    assert reason_to_stop([0.31] * 7, [[0.52] * 9, [0.6] * 9, [0.5] * 9, [0.52] * 9]) == (
        "stopped early by the median rule at epoch 7: best val_accuracy 0.310 is below 0.520, the median of 4 ended runs"
    )


curves = st.lists(st.floats(0, 1), min_size=MEDIAN_GRACE, max_size=12)


@given(curves, st.lists(curves, max_size=8))
def test_it_is_viziers_rule(curve: list[float], curves: list[list[float]]) -> None:
    s = len(curve)
    if len(curves) < MEDIAN_ENOUGH:
        assert not reason_to_stop(curve, curves)
    else:
        averages = [statistics.fmean(other[:s]) for other in curves]
        assert bool(reason_to_stop(curve, curves)) == (max(curve) < statistics.median(averages))


def ask(folder: Path, **more: Any) -> None:
    rundir.write_json(folder / rundir.REQUEST, {**(rundir.read_json(folder / rundir.REQUEST) or {}), **more})


@pytest.fixture
def group(tmp_path: Path, tiny_data: Path) -> Path:
    """Three runs of a group that were right nearly always from the first epoch on."""
    for seed in range(3):
        ask(make_run(tmp_path, tiny_data, accuracy=1.0, best_epoch=1, epochs=8, seed=seed), group="trial")
    return tmp_path


def judged(runs: Path, config: RunConfig, group: str = "trial") -> StopRequested | None:
    """What the rule says of a run at chance after the grace."""
    try:
        MedianRule(runs / "20260101-000000-vgg16-0001", config, group).judge([0.3] * MEDIAN_GRACE)
    except StopRequested as request:
        return request
    return None


def test_only_ended_runs_of_the_group_on_the_same_pictures_count(group: Path, tiny_config: RunConfig) -> None:
    request = judged(group, tiny_config)
    assert request is not None
    assert request.cause == "median"
    assert "the median of 3 ended runs" in request.reason
    assert not judged(group, tiny_config, "another")
    assert not judged(group, tiny_config.with_values({"data.classes": 2}))
    first = sorted(group.iterdir())[0]
    (first / rundir.SUMMARY).unlink()  # as if it were stopped, or still training
    assert not judged(group, tiny_config)
    for text in ("{", '{"curve": 3}', '{"curve": [null, "x"]}'):
        (first / rundir.SUMMARY).write_text(text)
        assert not judged(group, tiny_config)


def test_the_rule_is_off_unless_the_request_names_it_and_a_group(tmp_path: Path, tiny_config: RunConfig) -> None:
    requests: list[dict[str, Any]] = [
        {},
        {"rule": "median"},
        {"group": "a"},
        {"rule": "mean", "group": "a"},
        {"rule": "median", "group": 3},
    ]
    for request in requests:
        rundir.write_json(tmp_path / rundir.REQUEST, request)
        assert rule_of(tmp_path, tiny_config) is None
    rundir.write_json(tmp_path / rundir.REQUEST, {"rule": "median", "group": "a"})
    assert rule_of(tmp_path, tiny_config) is not None


@pytest.mark.slow
@pytest.mark.usefixtures("forked")
def test_a_hopeless_run_is_stopped_with_its_reason_and_goes_on_when_a_person_wants_it_to(
    group: Path, tiny_config: RunConfig
) -> None:
    run_id = launch(tiny_config.with_values({"fit.epochs": MEDIAN_GRACE + 2}), group, group="trial", rule="median")
    store = Store(group)
    assert follow(store, run_id, lambda line: None) == "stopped"
    info = store.run(run_id)
    assert info.epochs_done == MEDIAN_GRACE
    assert info.status.reason.startswith(
        f"stopped early by the median rule at epoch {MEDIAN_GRACE}: best val_accuracy 0."
    )
    assert info.status.reason.endswith("the median of 3 ended runs; the best network so far is kept")
    assert (rundir.read_json(info.folder / rundir.EXIT) or {})["cause"] == "median"
    assert (info.folder / rundir.BEST).is_file()
    resume(group, run_id)
    assert follow(store, run_id, lambda line: None) == "finished"
    assert store.run(run_id).epochs_done == MEDIAN_GRACE + 2
