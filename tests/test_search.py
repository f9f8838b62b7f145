"""Which runs a filter lets pass, in which order, and the small curve of the table."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from make_run import make_run

from dhc.analysis.search import ORDERS, RunFilter, select_runs
from dhc.runs.labels import change_labels
from dhc.runs.line import thinned
from dhc.runs.store import RunInfo, Store


@pytest.fixture
def runs(tmp_path: Path, tiny_data: Path) -> list[RunInfo]:
    """a: factor 0.5, starred, tagged; b: factor 0.8, failed, noted; c: a cnn3, archived."""
    a = make_run(
        tmp_path, tiny_data, run_id="20260101-000001-vgg16-aaaa", accuracy=0.6, settings={"schedule.factor": 0.5}
    )
    b = make_run(
        tmp_path,
        tiny_data,
        run_id="20260101-000002-vgg16-bbbb",
        accuracy=0.9,
        how="failed",
        settings={"schedule.factor": 0.8},
    )
    c = make_run(tmp_path, tiny_data, run_id="20260101-000003-cnn3-cccc", accuracy=0.3, settings={"model.name": "cnn3"})
    change_labels(a, name="Zebra", tags=["good", "x"], star=True)
    change_labels(b, note="too bold, see the LOG")
    change_labels(c, archived=True)
    return Store(tmp_path).runs()


def names(runs: list[RunInfo]) -> list[str]:
    return [info.id[-4:] for info in runs]


@pytest.mark.parametrize(
    ("run_filter", "passes"),
    [
        (RunFilter(), ["bbbb", "aaaa"]),
        (RunFilter(archived=True), ["cccc", "bbbb", "aaaa"]),
        (RunFilter(words="zebra"), ["aaaa"]),
        (RunFilter(words="log bold"), ["bbbb"]),
        (RunFilter(words="log zebra"), []),
        (RunFilter(words="GOOD"), ["aaaa"]),
        (RunFilter(words="factor=0.8"), ["bbbb"]),
        (RunFilter(words="schedule.factor=0.5"), ["aaaa"]),
        (RunFilter(words="factor=0.55"), []),
        (RunFilter(words="no-such-setting=1"), []),
        (RunFilter(words="cnn3", archived=True), ["cccc"]),
        (RunFilter(words="failed"), ["bbbb"]),
        (RunFilter(states=("finished",)), ["aaaa"]),
        (RunFilter(tags=("good",)), ["aaaa"]),
        (RunFilter(tags=("good", "missing")), []),
        (RunFilter(starred=True), ["aaaa"]),
        (RunFilter(group="nobody's"), []),
    ],
)
def test_each_filter_lets_its_runs_pass(runs: list[RunInfo], run_filter: RunFilter, passes: list[str]) -> None:
    assert names(select_runs(runs, run_filter)) == passes


def test_orders(runs: list[RunInfo]) -> None:
    every = RunFilter(archived=True)
    assert names(select_runs(runs, every, "best")) == ["bbbb", "aaaa", "cccc"]
    assert names(select_runs(runs, every, "name")) == ["cccc", "bbbb", "aaaa"]
    for order in ORDERS:
        assert sorted(names(select_runs(runs, every, order))) == ["aaaa", "bbbb", "cccc"]


@given(st.lists(st.floats(0, 1) | st.just(math.nan), max_size=400))
def test_the_small_curve_keeps_its_first_last_and_best_point(curve: list[float]) -> None:
    finite = [value for value in curve if math.isfinite(value)]
    small = thinned(curve)
    assert len(small) <= 40
    assert bool(small) == bool(finite)
    if finite:
        assert (small[0], small[-1], max(small)) == (finite[0], finite[-1], max(finite))
    places = iter(finite)
    assert all(value in places for value in small), "points in their order"
