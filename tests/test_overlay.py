"""Curves of several runs on common axes: positions, smoothing, the best epoch, and the figure made of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from make_run import make_run
from test_figures import BLINDNESS, DARK, LIGHT, linear, oklab

from dhc.analysis.overlay import METRICS, Metric, curve, smooth
from dhc.figures import palette, theme
from dhc.figures.overlay import Line, overlay
from dhc.runs import rundir
from dhc.runs.records import EPOCH_COLUMNS, History
from dhc.runs.store import Store


def history(val_accuracy: list[float], *, seconds: list[float] | None = None, first: int = 1) -> History:
    """Epochs from `first` on with that val_accuracy; accuracy a tenth more, both losses 1 minus theirs."""
    n = len(val_accuracy)
    val = np.array(val_accuracy, dtype=np.float64)
    values = {
        "t": np.arange(n) + 1e9,
        "epoch": np.arange(first, first + n),
        "loss": 0.9 - val,
        "accuracy": val + 0.1,
        "val_loss": 1 - val,
        "val_accuracy": val,
        "learning_rate": np.full(n, 1e-3),
        "seconds": np.array(seconds or [2.0] * n),
        "pictures_per_second": np.full(n, 50.0),
        "best": np.zeros(n, bool),
    }
    epochs = pd.DataFrame({name: pd.Series(values[name], dtype=dtype) for name, dtype in EPOCH_COLUMNS.items()})
    return History(History.empty().batches, epochs, History.empty().lr_changes)


def test_x_is_the_epoch_the_seconds_trained_or_the_pictures_seen() -> None:
    run = history([0.1, 0.3, 0.2], seconds=[5.0, 2.0, 2.5])
    assert curve(run, "accuracy", "epoch").x.tolist() == [1, 2, 3]
    assert curve(run, "accuracy", "time").x.tolist() == [5, 7, 9.5]
    assert curve(run, "accuracy", "pictures", pictures=100).x.tolist() == [100, 200, 300]
    assert np.isnan(curve(run, "accuracy", "pictures").x).all()


def test_an_epoch_that_does_not_tell_its_seconds_moves_nothing() -> None:
    assert curve(history([0.1, 0.2, 0.3], seconds=[1.0, np.nan, 2.0]), "loss", "time").x.tolist() == [1, 1, 3]


def test_the_best_epoch_is_that_of_val_accuracy_whatever_is_drawn() -> None:
    run = history([0.1, 0.3, 0.2], first=4)
    for metric in ("accuracy", "loss", "learning_rate"):
        assert curve(run, metric, "epoch").best == 1  # type: ignore[arg-type]
    assert curve(history([np.nan, np.nan]), "accuracy", "epoch").best is None
    assert curve(History.empty(), "loss", "epoch").x.shape == (0,)


def test_the_learning_rate_has_no_val() -> None:
    rate = curve(history([0.1, 0.3]), "learning_rate", "epoch")
    assert rate.train.tolist() == [1e-3, 1e-3]
    assert rate.val.shape == (0,)


def test_smoothing_by_hand() -> None:
    assert smooth(np.array([0.0, 3.0]), 0.5).tolist() == [0.0, 2.0]
    np.testing.assert_array_equal(smooth(np.array([1.0, np.nan, 1.0]), 0.9), [1.0, np.nan, 1.0])
    assert smooth(np.array([]), 0.9).shape == (0,)


@given(st.lists(st.floats(-10, 10), min_size=1, max_size=50), st.floats(0.01, 0.99))
def test_smoothing_is_the_bias_corrected_average(values: list[float], weight: float) -> None:
    """The recursion of Kingma and Ba as it is written there."""
    mean, expected = 0.0, []
    for step, value in enumerate(values, start=1):
        mean = weight * mean + (1 - weight) * value
        expected.append(mean / (1 - weight**step))
    np.testing.assert_allclose(smooth(np.array(values), weight), expected, rtol=1e-9, atol=1e-9)


@given(st.lists(st.floats(-5, 5) | st.just(np.nan) | st.just(np.inf), max_size=40), st.floats(0, 0.99))
def test_smoothing_keeps_gaps_and_never_leaves_the_range(values: list[float], weight: float) -> None:
    y = np.array(values, dtype=np.float64)
    smoothed = smooth(y, weight)
    assert smoothed.shape == y.shape
    if weight:
        np.testing.assert_array_equal(np.isfinite(smoothed), np.isfinite(y))
    inside = smoothed[np.isfinite(y)]
    if len(inside):
        assert y[np.isfinite(y)].min() - 1e-9 <= inside.min()
        assert inside.max() <= y[np.isfinite(y)].max() + 1e-9


def line(name: str, run: History, color: str = "#2f7fd6", metrics: tuple[Metric, ...] = METRICS, **more: Any) -> Line:
    return Line(name, name, f"about {name}", color, {metric: curve(run, metric, "epoch", **more) for metric in metrics})


def of(figure: go.Figure, uid: str) -> Any:
    (trace,) = [trace for trace in figure.data if trace.uid == uid]
    return trace


def test_train_and_val_of_a_run_share_colour_and_group_and_one_legend_entry_names_it() -> None:
    figure = overlay([line("a", history([0.1, 0.2]), "#111111"), line("b", history([0.3, 0.4]), "#222222")], METRICS)
    for name, color in (("a", "#111111"), ("b", "#222222")):
        own = [trace for trace in figure.data if trace.legendgroup == name]
        assert {(trace.line.color or trace.marker.color) for trace in own} == {color}
        assert [trace.uid for trace in own if trace.showlegend] == [f"{name}-val_accuracy"]
        assert of(figure, f"{name}-accuracy").line.dash == "dot"
        assert of(figure, f"{name}-val_accuracy").line.dash is None
    assert figure.layout.legend.itemclick == "toggleothers"
    assert len({trace.uid for trace in figure.data}) == len(figure.data)
    assert [figure.layout[axis].title.text for axis in ("yaxis", "yaxis2", "yaxis3")] == [
        "accuracy",
        "loss",
        "learning rate",
    ]


@given(st.lists(st.floats(0, 1), min_size=300, max_size=900), st.integers(1, 120))
@settings(max_examples=30)  # of sixty lines each, on average
@pytest.mark.slow
def test_however_many_runs_the_best_epoch_the_peak_and_the_dip_are_drawn(values: list[float], runs: int) -> None:
    run = history(values)
    curves = {"loss": curve(run, "loss", "epoch")}
    figure = overlay([Line(name, name, "", "#2f7fd6", curves) for name in map(str, range(runs))], ["loss"])
    thinned, star = of(figure, "0-val_loss"), of(figure, "0-loss-best")
    assert len(thinned.x) <= max(123, 60_000 // (2 * runs) + 3)
    assert star.x[0] == run.best_epoch
    assert run.best_epoch in thinned.x
    loss = run.epochs["val_loss"].to_numpy(np.float32)
    assert {loss.min(), loss.max(), loss[0], loss[-1]} <= set(thinned.y)


def test_smoothing_leaves_the_raw_line_faint_behind_and_the_star_where_it_was() -> None:
    figure = overlay([line("a", history([0.0, 0.8, 0.4]))], ["accuracy"], smoothing=0.5)
    assert [trace.uid for trace in figure.data] == ["a-accuracy-raw", "a-accuracy", "a-val_accuracy", "a-accuracy-best"]
    raw = figure.data[0]
    assert raw.line.color == palette.faint("#2f7fd6") == "rgba(47,127,214,0.3)"
    np.testing.assert_allclose(raw.y, [0.1, 0.9, 0.5, np.nan, 0.0, 0.8, 0.4, np.nan], rtol=1e-6)
    assert of(figure, "a-accuracy-best").y[0] == np.float32(0.8)
    assert of(figure, "a-val_accuracy").y[1] < 0.8


def test_val_only_draws_no_train() -> None:
    figure = overlay([line("a", history([0.1, 0.8]))], ["accuracy"], train=False, smoothing=0.9)
    assert [trace.uid for trace in figure.data] == ["a-accuracy-raw", "a-val_accuracy", "a-accuracy-best"]
    assert len(figure.data[0].x) == 3


def test_only_loss_and_rate_can_be_logarithmic_and_the_unit_of_time_fits_the_longest_run() -> None:
    runs = [history([0.1, 0.2], seconds=[60.0, 120.0]), history([0.1, 0.2], seconds=[5000.0, 5000.0])]
    lines = [Line(str(i), "", "", "#111111", {m: curve(run, m, "time") for m in METRICS}) for i, run in enumerate(runs)]
    figure = overlay(lines, METRICS, against="time", log=True)
    assert [figure.layout[axis].type for axis in ("yaxis", "yaxis2", "yaxis3")] == ["linear", "log", "log"]
    assert figure.layout.xaxis.title.text == "hours of training"
    assert of(figure, "1-val_loss").x.tolist() == pytest.approx([5000 / 3600, 10000 / 3600])
    assert overlay(lines[:1], METRICS, against="time").layout.xaxis2.title.text == "minutes of training"


def test_no_run_and_empty_runs_draw_empty_axes() -> None:
    assert len(overlay([], ["loss"]).data) == 0
    figure = overlay([line("a", History.empty()), line("b", history([np.nan]))], METRICS, smoothing=0.5)
    assert "a-accuracy-best" not in [trace.uid for trace in figure.data]


def test_the_whole_figure_is_one_that_plotly_knows() -> None:
    """It was made without Plotly's own check, for speed."""
    figure = overlay([line("a", history([0.1, 0.3, 0.2]))], METRICS, smoothing=0.5, log=True)
    go.Figure(figure.to_dict())


@pytest.mark.parametrize("ground", [LIGHT, DARK])
@pytest.mark.parametrize("color", [*palette.TEN, *palette.ramp(9)])
def test_every_run_stands_out_from_the_page_three_to_one(color: str, ground: tuple[int, ...]) -> None:
    weights = np.array([0.2126, 0.7152, 0.0722])
    low, high = sorted([float(weights @ linear(numbers(color))), float(weights @ linear(ground))])
    assert (high + 0.05) / (low + 0.05) >= 3


@pytest.mark.parametrize("eyes", ["none", "protan", "deutan"])
def test_ten_runs_are_told_apart_by_every_eye(eyes: str) -> None:
    colors = [oklab(np.clip(BLINDNESS[eyes] @ linear(numbers(color)), 0, 1)) for color in palette.TEN]
    assert min(np.linalg.norm(a - b) for i, a in enumerate(colors) for b in colors[:i]) > 0.06  # thrice what is noticed


def numbers(color: str) -> tuple[float, ...]:
    return tuple(float(part) for part in palette.faint(color)[5:-1].split(",")[:3])


def test_equal_values_have_equal_colours_and_what_has_none_is_grey() -> None:
    low, none, high, again = palette.by_value([0.5, None, 0.9, 0.5])
    assert (low, none, high) == (again, theme.MUTED, palette.ramp(2)[1])
    assert palette.by_value(["sgd", "adam"]) == [palette.TEN[1], palette.TEN[0]]
    assert len(set(palette.distinct(100))) > 90
    assert palette.ramp(0) == palette.by_value([]) == []


def test_the_outline_is_the_history_without_its_batches_and_grows_with_it(tmp_path: Path, tiny_data: Path) -> None:
    folder = make_run(tmp_path, tiny_data, epochs=3)
    store = Store(tmp_path)
    history, start = store.outline(folder.name)
    whole = store.history(folder.name)
    pd.testing.assert_frame_equal(history.epochs, whole.epochs)
    assert (len(history.batches), len(whole.batches)) == (0, 6)
    assert start["train"] == 90
    with rundir.RunWriter(folder) as writer:
        writer.event("batch", epoch=4, position=3.5, loss=1.0, accuracy=0.5, pictures_per_second=1.0)
        writer.event("resume", epoch=3)
        writer.event("epoch", epoch=3, loss=9.0)
    assert store.outline(folder.name)[0].epochs["loss"].iloc[-1] == 9.0
