"""Reading a sweep: planted optima, failed runs, and the tuning curve against opda's figures."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dhc.analysis.sweeps import Edge, edge, infeasible, isolate, together
from dhc.analysis.tuning import FEWEST, tuning_curve, worth_of_more
from dhc.config import RunConfig
from dhc.figures import sweeps as figures
from dhc.runs.status import State, Status
from dhc.runs.store import RunInfo

# Of opda 0.8: EmpiricalDistribution.confidence_bands(results, 0.95, a=0, b=1, method="dkw"), average_tuning_curve of each.
OPDA = json.loads((Path(__file__).parent / "goldens" / "tuning.json").read_text(encoding="utf-8"))
RESULTS = st.lists(st.floats(0, 1), min_size=FEWEST, max_size=30)


def run(number: int, result: float | None, changes: Mapping[str, Any], state: State = State.FINISHED) -> RunInfo:
    run_id = f"20260101-000000-vgg16-{number:04x}"
    return RunInfo(
        id=run_id,
        folder=Path(run_id),
        config=RunConfig().with_values(changes),
        status=Status(state, cause="nan" if state is State.FAILED else ""),
        queued_at=float(number),
        epochs_done=1,
        best_val_accuracy=result,
        best_epoch=1,
        seconds=1.0,
        pictures_per_second=None,
        device="cpu",
    )


def sweep(results: Mapping[tuple[float, float], float], seeds: int = 1) -> list[RunInfo]:
    """A run for each pair of factor and dropout and each seed, whose results lie 0.01 apart."""
    runs = []
    for (factor, dropout), result in results.items():
        for seed in range(seeds):
            changes = {"schedule.factor": factor, "model.conv_dropout": dropout, "fit.seed": seed}
            runs.append(run(len(runs), result + seed / 100, changes))
    return runs


GRID = {(f, d): 0.5 + f / 10 - abs(d - 0.2) for f in (0.3, 0.5, 0.8) for d in (0.0, 0.2, 0.4)}


def test_the_best_of_each_value_has_the_other_settings_tuned_away() -> None:
    best = isolate(sweep(GRID, seeds=2), "schedule.factor")
    assert [one.value for one in best] == [0.3, 0.5, 0.8]
    assert [one.results.mean for one in best] == pytest.approx([0.535, 0.555, 0.585])
    assert [(one.settings, len(one.runs)) for one in best] == [(3, 2)] * 3
    assert best[0].results.sd == pytest.approx(0.01 / np.sqrt(2))


def test_an_optimum_at_the_edge_is_found_and_one_within_is_not() -> None:
    runs = sweep(GRID)
    assert edge(isolate(runs, "schedule.factor"), "schedule.factor") == Edge(0.8, 0.5, (0.9,))  # 1.1 is out of bounds
    assert edge(isolate(runs, "model.conv_dropout"), "model.conv_dropout") is None
    assert edge(isolate(runs, "model.conv_dropout")[:2], "model.conv_dropout") is None


def test_equal_results_have_no_edge() -> None:
    runs = [run(number, 0.167, {"schedule.factor": factor}) for number, factor in enumerate((0.3, 0.5, 0.7))]
    assert edge(isolate(runs, "schedule.factor"), "schedule.factor") is None


@pytest.mark.parametrize(
    ("name", "values", "further"),
    [
        ("fit.epochs", (10, 20, 40), (60.0, 80.0)),
        ("optimizer.learning_rate", (1e-4, 1e-3, 1e-2), (0.1, 1.0)),
        ("model.conv_dropout", (0.4, 0.2, 0.1), (0.0,)),
        ("model.conv_dropout", (0.5, 0.3, 0.1), (0.0,)),
        ("model.conv_dropout", (0.4, 0.2, 0.0), ()),
        ("schedule.factor", (0.8, 0.5, 0.2), (0.1,)),
        ("schedule.patience", (20, 12, 2), (1.0,)),
    ],
)
def test_a_sweep_is_widened_in_its_own_steps_within_the_bounds(
    name: str, values: tuple[float, ...], further: tuple[float, ...]
) -> None:
    runs = [run(number, 0.1 * number, {name: value}) for number, value in enumerate(values)]
    record = edge(isolate(runs, name), name)
    assert record is not None
    assert record.value == values[-1]
    assert record.further == further


def test_runs_that_failed_are_points_and_not_gaps() -> None:
    runs = [*sweep(GRID), run(50, None, {"schedule.factor": 0.9}, State.FAILED), run(51, 0.1, {}, State.STOPPED)]
    assert [(one.run[-2:], one.value, one.cause) for one in infeasible(runs, "schedule.factor")] == [("32", 0.9, "nan")]


@pytest.mark.parametrize(
    ("values", "failed", "further", "limit"),
    [
        ((1e-4, 1e-3, 1e-2), (0.5,), (0.1,), 0.5),
        ((1e-4, 1e-3, 1e-2), (0.1, 0.5), (), 0.1),
        ((1e-4, 1e-3, 1e-2), (0.05,), (), 0.05),
        ((1e-4, 1e-3, 1e-2), (2e-4, 1e-2), (0.1, 1.0), None),
        ((1.0, 0.1, 0.01), (5.0, 5e-4), (1e-3,), 5e-4),
    ],
)
def test_nothing_is_tried_from_where_a_run_failed_on(
    values: tuple[float, ...], failed: tuple[float, ...], further: tuple[float, ...], limit: float | None
) -> None:
    name = "optimizer.learning_rate"
    runs = [run(number, 0.1 * number, {name: value}) for number, value in enumerate(values)]
    losses = [run(50 + number, None, {name: value}, State.FAILED) for number, value in enumerate(failed)]
    record = edge(isolate(runs, name), name, infeasible(losses, name))
    assert record is not None
    assert (record.further, record.failed) == (further, limit)


def test_two_settings_together() -> None:
    record = together(
        sweep({(0.3, 0.0): 0.5, (0.3, 0.2): 0.6, (0.5, 0.0): 0.7}), "schedule.factor", "model.conv_dropout"
    )
    assert record.rows == ((0.3, 0.3), (0.5, 0.5))
    assert record.columns == ((0.0, 0.0), (0.2, 0.2))
    assert record.best == ((0.5, 0.6), (0.7, None))


def drawn(count: int = 60, *, best: float = 1e-2) -> list[RunInfo]:
    """Runs whose rate and dropout were drawn, better the nearer the rate is to `best`; the dropout does nothing."""
    draw = np.random.default_rng(0)
    rates, dropouts = 10 ** draw.uniform(-4, -2, count), draw.uniform(0, 0.6, count)
    return [
        run(
            number,
            0.8 - 0.1 * abs(np.log10(rate / best)) + draw.normal(0, 0.001),
            {"optimizer.learning_rate": float(f"{rate:.3g}"), "model.conv_dropout": float(f"{dropout:.3g}")},
        )
        for number, (rate, dropout) in enumerate(zip(rates, dropouts, strict=True))
    ]


def test_drawn_values_are_seen_by_ranges_and_a_planted_edge_of_them_is_found() -> None:
    runs, name = drawn(), "optimizer.learning_rate"
    best = isolate(runs, name)
    assert [one.span[1] for one in best[:-1]] == [one.span[0] for one in best[1:]], "they lie side by side"
    assert all(one.span[0] * 0.99 <= one.value <= one.span[1] * 1.01 for one in best)
    assert [one.results.mean for one in best] == sorted(one.results.mean for one in best)
    assert sum(one.settings for one in best) == len(runs)
    record = edge(best, name)
    assert record is not None
    assert all(best[-1].span[1] < value < 0.1 for value in record.further), "on in steps of a range"
    assert edge(isolate(drawn(best=1e-3), name), name) is None
    reach = figures.isolation(best, (), title="rate", log=True).data[0].error_x
    assert all(length >= 0 for length in (*reach.array, *reach.arrayminus)), "a bar from end to end of its range"
    pairs = together(runs, name, "model.conv_dropout")
    assert (len(pairs.rows), len(pairs.columns)) == (5, 5)
    assert max(value for row in pairs.best for value in row if value is not None) == best[-1].results.mean


def test_a_setting_without_effect_has_no_place() -> None:
    runs = [run(0, 0.5, {"schedule.name": "cosine"})]
    assert isolate(runs, "schedule.factor") == ()
    assert infeasible(runs, "schedule.factor") == ()
    assert edge((), "schedule.factor") is None


def test_the_tuning_curve_and_its_band_are_opdas() -> None:
    curve = tuning_curve(OPDA["results"], OPDA["runs"])
    for name in ("expected", "low", "high"):
        assert getattr(curve, name) == pytest.approx(OPDA[name], abs=1e-12)


@given(RESULTS)
def test_more_runs_are_never_worth_less_and_the_band_holds_the_curve(results: list[float]) -> None:
    curve = tuning_curve(results, range(1, 40))
    for values in (curve.expected, curve.low, curve.high):
        assert (np.diff(values) >= -1e-12).all()
    assert (curve.low <= curve.expected + 1e-12).all()
    assert (curve.expected <= curve.high + 1e-12).all()
    assert curve.expected[0] == pytest.approx(np.mean(results))
    assert worth_of_more(results, 10) >= -1e-12


@given(RESULTS, st.integers(1, 10))
def test_the_expectation_is_that_of_drawn_samples(results: list[float], runs: int) -> None:
    draws = np.random.default_rng(0).choice(results, size=(4000, runs)).max(axis=1)
    assert tuning_curve(results, [runs]).expected[0] == pytest.approx(draws.mean(), abs=0.03)


def test_too_few_runs_say_nothing() -> None:
    with pytest.raises(ValueError, match="4 runs are too few"):
        tuning_curve([0.5] * 4, [1])
