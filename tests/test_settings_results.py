"""Settings against results: dots, repeats, parallel coordinates, and their figures."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dhc.analysis.settings import RESULTS, parallel, scatter
from dhc.config import RunConfig
from dhc.figures import settings as figures
from dhc.runs.status import State, Status
from dhc.runs.store import RunInfo

BASE = RunConfig()


def run(name: str, best: float | None, settings: dict[str, Any] | None = None, **more: Any) -> RunInfo:
    info = RunInfo(
        id=name,
        folder=Path(name),
        config=BASE.with_values(settings or {}),
        status=Status(State.FINISHED, ""),
        queued_at=None,
        epochs_done=1,
        best_val_accuracy=best,
        best_epoch=1,
        seconds=10.0,
        pictures_per_second=None,
        device="cpu",
    )
    return replace(info, **more)


RUNS = [
    run("a", 0.5, {"schedule.factor": 0.5}),
    run("b", 0.7, {"schedule.factor": 0.5, "fit.seed": 1}),
    run("c", 0.9, {"schedule.factor": 0.9}),
    run("d", 0.8, {"schedule.name": "constant"}),
    run("e", None, {"schedule.factor": 0.9}),
    run("f", 0.1, config=None),
]


def test_repeats_are_one_group_with_mean_and_spread_and_each_run_stays_a_dot() -> None:
    record = scatter(RUNS, "schedule.factor", "val_accuracy")
    dots = [(dot.run, dot.value, dot.result) for dot in record.dots]
    assert dots == [("d", None, 0.8), ("a", 0.5, 0.5), ("b", 0.5, 0.7), ("c", 0.9, 0.9)]
    none, pair, single = record.repeats
    assert (none.value, none.spread, single.spread) == (None, None, None)
    assert (pair.mean, pair.spread) == (pytest.approx(0.6), pytest.approx(math.sqrt(0.02)))
    assert pair.runs == ("a", "b")
    assert record.numeric


def test_of_the_seed_itself_there_are_no_repeats() -> None:
    assert all(len(group.runs) == 1 for group in scatter(RUNS, "fit.seed", "val_accuracy").repeats)


def test_time_and_gap_are_results_too() -> None:
    gap = run("g", 0.5, accuracy=0.9, val_accuracy=0.4)
    assert scatter([gap, RUNS[0]], "fit.epochs", "gap").dots[0].result == pytest.approx(0.5)
    assert len(scatter(RUNS, "fit.epochs", "seconds").dots) == 5


@given(st.lists(st.tuples(st.sampled_from([0.2, 0.5, 0.8]), st.integers(0, 3), st.floats(0, 1)), max_size=15))
def test_groups_share_out_the_dots(triples: list[tuple[float, int, float]]) -> None:
    runs = [run(str(i), best, {"schedule.factor": f, "fit.seed": s}) for i, (f, s, best) in enumerate(triples)]
    record = scatter(runs, "schedule.factor", "val_accuracy")
    assert sorted(name for group in record.repeats for name in group.runs) == sorted(info.id for info in runs)
    for group in record.repeats:
        values = [best for f, _, best in triples if f == group.value]
        assert group.mean == pytest.approx(mean(values))
        assert group.spread == (pytest.approx(stdev(values)) if len(values) > 1 else None)


def test_parallel_coordinates_place_the_values_tried_in_order() -> None:
    record = parallel(RUNS, "val_accuracy")
    assert record.runs == ("a", "b", "c", "d")
    assert {one.name: (one.ticks, one.places) for one in record.dimensions} == {
        "schedule.name": (("constant", "plateau"), (1, 1, 1, 0)),
        "schedule.factor": (("–", "0.5", "0.9"), (1, 1, 2, 0)),
        "fit.seed": (("0", "1"), (0, 1, 0, 0)),
    }
    assert record.results == (0.5, 0.7, 0.9, 0.8)


@pytest.mark.parametrize("result", RESULTS)
@pytest.mark.parametrize("runs", [RUNS, RUNS[:1], []])
def test_figures_of_anything_are_drawn(runs: list[RunInfo], result: Any) -> None:
    for name in ("schedule.factor", "schedule.name", "fit.seed"):
        assert len(figures.scatter(scatter(runs, name, result), title="x", result=result).data) == 2
    assert len(figures.parallel(parallel(runs, result), result=result, titles={}).data) == 1


def test_a_dot_carries_its_run_and_a_mean_its_sd_bar() -> None:
    figure = figures.scatter(scatter(RUNS, "schedule.factor", "val_accuracy"), title="LR factor", result="val_accuracy")
    dots, means = figure.data
    assert list(dots.customdata) == ["d", "a", "b", "c"]
    assert list(figure.layout.xaxis.categoryarray) == ["–", "0.5", "0.9"]
    np.testing.assert_allclose(means.error_y.array, [math.sqrt(0.02)], rtol=1e-6)


def test_a_knob_of_decades_has_a_logarithmic_axis_with_the_values_tried() -> None:
    runs = [run(str(rate), 0.5, {"optimizer.learning_rate": rate}) for rate in (1e-3, 3e-4)]
    record = scatter(runs, "optimizer.learning_rate", "val_accuracy")
    axis = figures.scatter(record, title="rate", result="val_accuracy", log=True).layout.xaxis
    assert (axis.type, list(axis.tickvals), list(axis.ticktext)) == ("log", [3e-4, 1e-3], ["0.0003", "0.001"])
    without_decay = run("z", 0.5, {"optimizer.name": "adamw", "optimizer.weight_decay": 0})
    zero = scatter([without_decay], "optimizer.weight_decay", "val_accuracy")
    assert figures.scatter(zero, title="decay", result="val_accuracy", log=True).layout.xaxis.type is None


def test_of_many_values_some_are_named_the_ends_among_them() -> None:
    runs = [run(str(n), n / 40, {"fit.seed": n}) for n in range(40)]
    (axis, _) = figures.parallel(parallel(runs, "val_accuracy"), result="val_accuracy", titles={}).data[0].dimensions
    assert len(axis.tickvals) <= figures.MAX_TICKS + 1
    assert (axis.ticktext[0], axis.ticktext[-1]) == ("0", "39")
