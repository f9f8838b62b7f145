"""Figures: what they show is compared with the records, their colours are measured; how they look was looked at."""

from __future__ import annotations

import base64
import json
import math
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dhc.analysis.confusion import normalize
from dhc.figures import bars, confusion, curves, schedule, theme
from dhc.figures.recall import recall_curves
from dhc.runs.records import LR_COLUMNS, History

FIGURES = Path(theme.__file__).parent
LIGHT, DARK = (255, 255, 255), (20, 19, 28)  # the backgrounds of .streamlit/config.toml


def history(epochs: int, *, per_epoch: int = 20, part: float = 0.0, drops: tuple[int, ...] = ()) -> History:
    """A run of a given number of finished epochs and a part of the next; val_accuracy peaks two epochs before the end."""
    n = np.arange(1, epochs + 1)
    position = np.arange(1, round((epochs + part) * per_epoch) + 1) / per_epoch
    val_accuracy = 0.9 - 0.1 * np.abs(n - (epochs - 2)) / max(epochs, 1)
    table = pd.DataFrame(
        {
            "t": 30.0 * n,
            "epoch": n,
            "loss": 4.0 / n,
            "accuracy": 1 - 0.9 / n,
            "val_loss": 5.0 / n,
            "val_accuracy": val_accuracy,
            "learning_rate": 1e-3,
            "seconds": 30.0,
            "pictures_per_second": 400.0,
            "best": n <= epochs - 2,
        }
    )
    batches = pd.DataFrame(
        {
            "t": 30 * position,
            "epoch": np.ceil(position).astype(int),
            "position": position,
            "loss": 4 / (1 + position),
            "accuracy": 0.5,
            "pictures_per_second": 400.0,
        }
    )
    changes = [(epoch, 1e-3 * 0.8**k, 1e-3 * 0.8 ** (k + 1)) for k, epoch in enumerate(drops)]
    return History(batches, table, pd.DataFrame(changes, columns=list(LR_COLUMNS)).astype(dict(LR_COLUMNS)))


def trace(figure: go.Figure, uid: str) -> Any:
    (trace,) = [one for one in figure.data if one.uid == uid]
    return trace


def texts(figure: go.Figure) -> str:
    return " | ".join(annotation.text for annotation in figure.layout.annotations)


# Learning curves


def test_epochs_stand_where_they_end_and_the_best_one_is_starred_and_named() -> None:
    run = history(10)
    figure = curves.learning_curves(run, metric="accuracy")
    assert trace(figure, "val_accuracy").x.tolist() == list(range(1, 11))
    np.testing.assert_allclose(trace(figure, "val_accuracy").y, run.epochs["val_accuracy"], rtol=1e-6)
    np.testing.assert_allclose(trace(figure, "accuracy").y, run.epochs["accuracy"], rtol=1e-6)
    assert trace(figure, "best").x.tolist() == [8]
    assert (trace(figure, "best").name, trace(figure, "best").showlegend) == ("best epoch 8: 0.900", True)
    assert (figure.layout.xaxis.title.text, figure.layout.yaxis.title.text) == ("epoch", "accuracy")


def test_the_loss_curve_stars_the_epoch_of_the_best_val_accuracy_not_of_the_lowest_loss() -> None:
    figure = curves.learning_curves(history(10), metric="loss")
    assert trace(figure, "best").x.tolist() == [8]
    assert trace(figure, "best").y.tolist() == [pytest.approx(5 / 8)]
    assert trace(figure, "best").name == "best epoch 8: 0.625"


def test_only_a_logarithmic_axis_of_loss_may_begin_below_0() -> None:
    plain, log = (curves.learning_curves(history(10), metric="loss", log=log).layout.yaxis for log in (False, True))
    assert (plain.type, plain.rangemode) == ("linear", "nonnegative")
    assert (log.type, log.rangemode) == ("log", "normal")


def test_a_rates_label_is_left_out_where_the_one_before_it_takes_its_place() -> None:
    figure = curves.learning_curves(history(40, drops=(10, 11, 12, 30)), metric="loss")
    drops = trace(figure, "rate-drops")
    assert [bool(text) for text in drops.text] == [True, False, False, True]
    assert all("learning rate" in words for words in drops.customdata)


def test_above_rising_curves_there_is_room_for_the_labels_of_the_rates() -> None:
    axis = curves.learning_curves(history(10, drops=(5,)), metric="accuracy").layout.yaxis
    assert axis.autorangeoptions.include == pytest.approx([1.2 * 0.91])
    assert curves.learning_curves(history(10), metric="accuracy").layout.yaxis.autorangeoptions.include is None


def test_of_the_two_zeros_in_the_corner_one_is_written() -> None:
    for figure in (curves.learning_curves(history(10), metric="loss"), curves.learning_rate(history(10))):
        assert figure.layout.xaxis.labelalias == {"0": ""}


def test_train_and_val_differ_without_colour() -> None:
    figure = curves.learning_curves(history(5), metric="loss")
    train, val = trace(figure, "loss"), trace(figure, "val_loss")
    assert train.line.dash != val.line.dash
    assert train.marker.symbol != val.marker.symbol


def test_a_drop_of_the_rate_stands_at_the_end_of_the_epoch_before_and_tells_both_rates() -> None:
    figure = curves.learning_curves(history(10, drops=(5, 9)), metric="loss")
    assert [line.x0 for line in figure.layout.shapes] == [4, 8]
    assert list(trace(figure, "rate-drops").customdata) == [
        "learning rate 0.001 → 0.0008 after epoch 4",
        "learning rate 0.0008 → 0.00064 after epoch 8",
    ]


def test_a_rate_that_changes_every_epoch_is_not_hatched() -> None:
    assert len(curves.learning_curves(history(60, drops=tuple(range(2, 60))), metric="loss").layout.shapes) == 0


@pytest.mark.parametrize("metric", ["loss", "accuracy"])
def test_before_the_first_batch_there_are_axes_and_a_sentence(metric: Any) -> None:
    figure = curves.learning_curves(History.empty(), metric=metric, epochs_total=250)
    assert texts(figure) == "no batch recorded"
    assert figure.layout.yaxis.title.text == metric
    assert not any(one.showlegend for one in figure.data)


def test_within_the_first_epoch_the_batches_are_shown_alone() -> None:
    figure = curves.learning_curves(history(0, part=0.5), metric="loss", epochs_total=4)
    assert len(trace(figure, "batches").x) == 10
    assert texts(figure) == ""
    assert figure.layout.xaxis.range == (0.0, 1.02)


def test_traces_keep_their_places_from_the_first_batch_to_the_end() -> None:
    """So that a trace that a person has hidden stays hidden, and no other one is."""
    runs = [History.empty(), history(0, part=0.5), history(1), history(9, part=0.2, drops=(4,))]
    names = [[one.uid for one in curves.learning_curves(run, metric="loss").data] for run in runs]
    assert names == [["batches", "loss", "val_loss", "best", "rate-drops"]] * 4
    hidden = curves.learning_curves(runs[-1], metric="loss", show_batches=False)
    assert len(trace(hidden, "batches").x) == 0


def test_the_right_edge_stands_still_for_a_while_and_ends_at_the_last_epoch() -> None:
    def edge(epochs: int, total: int | None) -> float:
        figure = curves.learning_curves(history(epochs), metric="loss", epochs_total=total)
        return float(figure.layout.xaxis.range[1]) / 1.02

    assert [edge(n, 12) for n in (1, 3, 4, 5, 9, 11, 12)] == pytest.approx([1, 3, 5, 5, 10, 12, 12])
    assert edge(21, None) == pytest.approx(30)
    assert edge(14, 12) == pytest.approx(14)  # more epochs than were planned are still shown


def test_a_run_whose_loss_broke_says_since_when_and_still_draws() -> None:
    run = history(4)
    run.batches.loc[run.batches["position"] > 2.5, "loss"] = np.nan
    run.epochs.loc[2:, ["loss", "val_loss", "val_accuracy"]] = [np.nan, np.inf, np.nan]
    figure = curves.learning_curves(run, metric="loss")
    assert "loss is not a number since epoch 3" in texts(figure)
    assert np.isnan(trace(figure, "val_loss").y[2:]).all()
    assert "Infinity" not in figure.to_json()
    assert "is not a number" not in texts(curves.learning_curves(history(4), metric="loss"))


def test_a_run_of_only_nan_has_no_star() -> None:
    run = history(3)
    run.epochs[["loss", "val_loss", "val_accuracy"]] = np.nan
    figure = curves.learning_curves(run, metric="accuracy")
    assert len(trace(figure, "best").x) == 0
    assert "best" not in texts(figure)


def test_250_epochs_of_batches_make_a_small_message() -> None:
    figure = curves.learning_curves(history(250, per_epoch=400), metric="loss", epochs_total=250)
    assert len(trace(figure, "batches").x) <= curves.MAX_BATCH_POINTS
    assert len(figure.to_json()) < 40_000


FLOATS = st.one_of(st.floats(-1e6, 1e6), st.just(math.nan), st.just(math.inf))


@settings(deadline=None)
@given(st.lists(FLOATS, max_size=300), st.integers(4, 60))
def test_thinning_keeps_the_order_the_ends_the_peak_and_the_dip(values: list[float], limit: int) -> None:
    y = np.array(values, dtype=np.float64)
    rows = curves.thin(y, limit)
    assert len(rows) <= max(limit, 1)
    assert (np.diff(rows) > 0).all()
    finite = y[np.isfinite(y)]
    if len(y):
        assert (rows[0], rows[-1]) == (0, len(y) - 1)
    if len(finite):
        thinned = y[rows][np.isfinite(y[rows])]
        assert (thinned.min(), thinned.max()) == (finite.min(), finite.max())


def test_thinning_leaves_a_gap_a_gap() -> None:
    y = np.ones(1000)
    y[300:700] = np.nan
    rows = curves.thin(y, 50)
    assert np.isnan(y[rows]).any()


# The learning rate


def test_the_rate_of_an_epoch_runs_from_its_start_to_its_end() -> None:
    run = history(3)
    run.epochs["learning_rate"] = [1e-3, 1e-3, 5e-4]
    line = trace(curves.learning_rate(run), "learning-rate")
    assert (line.x.tolist(), line.line.shape) == ([0, 1, 2, 3], "hv")
    np.testing.assert_allclose(line.y, [1e-3, 1e-3, 5e-4, 5e-4], rtol=1e-6)
    assert line.text[2] == "epoch 3: learning rate 0.0005"


def test_a_drop_that_no_epoch_has_run_with_yet_is_already_drawn() -> None:
    line = trace(curves.learning_rate(history(3, drops=(4,))), "learning-rate")
    np.testing.assert_allclose(line.y, [1e-3, 1e-3, 1e-3, 8e-4], rtol=1e-6)


def test_planned_rates_are_steps() -> None:
    figure = schedule.planned_rates([1e-3, 1e-3, 8e-4])
    line = trace(figure, "learning-rate")
    assert line.x.tolist() == [0, 1, 2, 3]
    np.testing.assert_allclose(line.y, [1e-3, 1e-3, 8e-4, 8e-4], rtol=1e-6)


def test_no_epochs_and_no_history_draw_empty_axes() -> None:
    assert len(trace(schedule.planned_rates([]), "learning-rate").x) == 0
    assert texts(curves.learning_rate(History.empty())) == "no batch recorded"
    assert texts(curves.learning_rate(History.empty(), first=0.001)) == "no batch recorded"


def test_the_learning_rate_is_drawn_from_the_first_batch_on() -> None:
    figure = curves.learning_rate(history(0, part=0.5), first=0.001)
    line = trace(figure, "learning-rate")
    assert (line.x.tolist(), line.y.tolist()) == ([0.0, 0.5], [pytest.approx(0.001)] * 2)
    assert texts(figure) == ""


# The confusion matrix

NAMES = ("ring", "star", "wave <b>")
COUNTS = np.array([[9, 0, 3], [1, 4, 0], [0, 0, 0]])
ORDER = np.array([2, 0, 1])


def cells(**changes: Any) -> Any:
    arguments: dict[str, Any] = {"matrix": COUNTS, "classes": NAMES, "order": ORDER, "counts": COUNTS, **changes}
    return confusion.heatmap(**arguments).data[0]


def test_cells_stand_in_the_order_asked_for_and_colour_by_the_square_root() -> None:
    nan = np.nan
    np.testing.assert_allclose(cells().z, [[nan, nan, nan], [3**0.5, 3, nan], [nan, 1, 2]], rtol=1e-6)
    np.testing.assert_allclose(cells(scale="linear").z, [[nan, nan, nan], [3, 9, nan], [nan, 1, 4]], rtol=1e-6)


def test_every_cell_carries_its_class_indices_whatever_the_order() -> None:
    data = cells().customdata
    assert data[1, 0].tolist() == [0, 2]  # shown second from the top, first from the left: true ring, predicted wave
    assert {tuple(cell) for cell in data.reshape(-1, 2).tolist()} == {(i, j) for i in range(3) for j in range(3)}
    many = confusion.heatmap(np.eye(300), [str(c) for c in range(300)], np.arange(300), counts=np.eye(300, dtype=int))
    assert many.data[0].customdata[299, 298].tolist() == [299, 298]


def test_hover_tells_pictures_and_their_share_of_the_true_class_also_of_empty_cells() -> None:
    heat = cells(matrix=normalize(COUNTS, "pred"))  # whatever the colour means, the hover speaks of pictures
    assert heat.hovertext[1] == ["3 pictures, 25%", "9 pictures, 75%", "none"]
    assert heat.hovertext[2][1] == "1 picture, 20%"
    assert heat.hoverongaps


def test_a_foreign_name_is_shown_not_obeyed() -> None:
    assert list(cells().x) == ["wave &lt;b&gt;", "ring", "star"]


def test_without_the_diagonal_its_cells_are_clear_and_the_scale_is_that_of_the_mistakes() -> None:
    heat = cells(hide_diagonal=True)
    assert np.isnan(np.diag(heat.z)).all()
    assert heat.zmax == pytest.approx(3**0.5)
    assert COUNTS[0, 0] == 9  # the matrix that was passed in stays as it was


def test_the_colour_bar_speaks_of_pictures_or_of_shares() -> None:
    assert list(cells().colorbar.ticktext) == ["1", "2", "5"]
    assert list(cells().colorbar.tickvals) == pytest.approx([1, 2**0.5, 5**0.5])
    assert list(cells(matrix=normalize(COUNTS, "true")).colorbar.ticktext)[-1] == "75%"


@pytest.mark.parametrize("cell", [(0, 2), (2, 2)])
def test_the_selected_cell_is_framed_where_it_is_shown_even_when_empty(cell: tuple[int, int]) -> None:
    figure = confusion.heatmap(COUNTS, NAMES, ORDER, counts=COUNTS, selected=cell)
    (frame,) = [shape for shape in figure.layout.shapes if shape.name == "selected"]
    column, row = (frame.x0 + frame.x1) / 2, (frame.y0 + frame.y1) / 2
    assert figure.data[0].customdata[int(row), int(column)].tolist() == list(cell)
    assert frame.x1 - frame.x0 == 1


def test_rows_run_from_the_top_and_cells_are_square() -> None:
    layout = confusion.heatmap(COUNTS, NAMES, ORDER, counts=COUNTS).layout
    assert (layout.yaxis.autorange, layout.yaxis.scaleanchor) == ("reversed", "x")
    assert (layout.xaxis.title.text, layout.yaxis.title.text) == ("predicted", "true")


def test_96_classes_make_a_small_message() -> None:
    matrix = np.random.default_rng(0).poisson(0.3, (96, 96)) + np.diag(np.full(96, 9))
    figure = confusion.heatmap(matrix, [f"class {c}" for c in range(96)], np.arange(96), counts=matrix, selected=(3, 4))
    assert len(figure.to_json()) < 250_000
    assert figure.data[0].texttemplate is None
    assert not figure.data[0].xgap


@pytest.mark.parametrize("k", [1, 2])
@pytest.mark.parametrize("count", [0, 5])
def test_the_smallest_and_the_empty_matrix_are_drawn(k: int, count: int) -> None:
    matrix = np.full((k, k), count)
    figure = confusion.heatmap(matrix, ["a", "b"][:k], np.arange(k), counts=matrix, hide_diagonal=True, selected=(0, 0))
    assert json.loads(figure.to_json())["data"][0]["type"] == "heatmap"


def test_recall_is_drawn_for_each_class_with_the_best_epoch_and_the_drops() -> None:
    recall = np.array([[0.5, np.nan, 0.0], [1.0, np.nan, 0.5]])
    figure = recall_curves(recall, ["a", "none", "<c>"], [2, 0], best_epoch=1, rate_changes=[2], epoch=2)
    assert [(line.name, np.asarray(line.y).tolist()) for line in figure.data] == [
        ("mean of all classes", [0.25, 0.75]),
        ("&lt;c&gt;", [0.0, 0.5]),
        ("a", [0.5, 1.0]),
        ("best epoch 1: 25%", [0.25]),
    ]
    assert [(shape.name, shape.x0) for shape in figure.layout.shapes] == [("rate", 1.5), ("best", 1), ("shown", 2)]


def test_an_axis_of_few_epochs_has_a_tick_at_each_and_none_between() -> None:
    few, many = (recall_curves(np.full((epochs, 1), 0.5), ["a"], [0], best_epoch=1) for epochs in (3, 13))
    assert (few.layout.xaxis.dtick, many.layout.xaxis.nticks) == (1, 12)
    rounded = [path for path in FIGURES.glob("*.py") if re.search(r'tickformat"?[:=] ?"d"', path.read_text("utf-8"))]
    assert not rounded, "whole numbers alone name two ticks alike: theme.epoch_ticks"


def test_recall_of_very_many_epochs_is_thinned_and_keeps_the_best() -> None:
    long = recall_curves(np.linspace(0, 1, 9001)[:, None], ["a"], [0], best_epoch=4444)
    epochs = np.asarray(long.data[1].x)
    assert len(epochs) <= 2001
    assert {1, 4444, 9001} <= set(epochs.tolist())


# Bars


def test_bars_keep_their_order_and_name_the_true_class_in_words_too() -> None:
    figure = bars.probability_bars(["ring", "<star>", "wave"], [0.62, 0.3, 0.0004], "<star>")
    (bar,) = figure.data
    assert list(bar.y) == ["ring", "&lt;star&gt;", "wave"]
    assert list(bar.text) == ["62%", "30% ✓ true", "<1%"]
    assert [color == theme.BEST for color in bar.marker.color] == [False, True, False]
    assert figure.layout.yaxis.autorange == "reversed"


# The common ground


def every_figure() -> list[go.Figure]:
    run = history(12, part=0.5, drops=(5,))
    return [
        curves.learning_curves(run, metric="loss", epochs_total=20),
        curves.learning_curves(History.empty(), metric="accuracy"),
        curves.learning_rate(run),
        schedule.planned_rates([1e-3] * 4),
        confusion.heatmap(COUNTS, NAMES, ORDER, counts=COUNTS, selected=(0, 1)),
        bars.probability_bars(["a"], [1.0], "a"),
    ]


def test_no_figure_fixes_the_colour_of_text_or_ground_outside_its_template() -> None:
    for figure in every_figure():
        layout = figure.to_dict()["layout"]
        layout.pop("template")
        text = json.dumps(layout, default=str)
        assert "paper_bgcolor" not in text
        assert "plot_bgcolor" not in text
        assert '"color"' not in json.dumps(layout.get("annotations", []))
        assert "font" not in layout or "color" not in layout["font"]
        assert layout["uirevision"] == "keep"


def test_arrays_travel_as_bytes_that_read_back() -> None:
    array = json.loads(curves.learning_curves(history(5), metric="loss").to_json())["data"][1]["y"]
    assert array["dtype"] == "f4"
    np.testing.assert_allclose(
        np.frombuffer(base64.b64decode(array["bdata"]), np.float32), 4 / np.arange(1, 6), rtol=1e-6
    )


def linear(color: tuple[float, ...]) -> np.ndarray:
    c = np.array(color) / 255
    result: np.ndarray = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    return result


def rgb(color: str) -> tuple[float, ...]:
    return tuple(int(color[i : i + 2], 16) for i in (1, 3, 5))


def oklab(color: np.ndarray) -> np.ndarray:
    """Linear sRGB (3,) to OKLab (Ottosson 2020): equal distances look about equally far apart."""
    lms = np.cbrt(
        np.array(
            [
                [0.4122214708, 0.5363325363, 0.0514459929],
                [0.2119034982, 0.6806995451, 0.1073969566],
                [0.0883024619, 0.2817188376, 0.6299787005],
            ]
        )
        @ color
    )
    return (
        np.array(
            [
                [0.2104542553, 0.7936177850, -0.0040720468],
                [1.9779984951, -2.4285922050, 0.4505937099],
                [0.0259040371, 0.7827717662, -0.8086757660],
            ]
        )
        @ lms
    )


@pytest.mark.parametrize("color", [theme.TRAIN, theme.VAL, theme.BEST, theme.MUTED, theme.SELECTED])
@pytest.mark.parametrize("ground", [LIGHT, DARK])
def test_every_line_stands_out_from_the_page_three_to_one(color: str, ground: tuple[int, ...]) -> None:
    weights = np.array([0.2126, 0.7152, 0.0722])
    low, high = sorted([float(weights @ linear(rgb(color))), float(weights @ linear(ground))])
    assert (high + 0.05) / (low + 0.05) >= 3


# Machado, Oliveira and Fernandes 2009, severity 1.0, on linear RGB.
BLINDNESS = {
    "none": np.eye(3),
    "protan": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deutan": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritan": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}


@pytest.mark.parametrize("eyes", BLINDNESS)
def test_train_and_val_are_told_apart_by_every_eye(eyes: str) -> None:
    train, val = (oklab(np.clip(BLINDNESS[eyes] @ linear(rgb(color)), 0, 1)) for color in (theme.TRAIN, theme.VAL))
    assert np.linalg.norm(train - val) > 0.15  # about seven times what is just noticed


@pytest.mark.parametrize("ground", [LIGHT, DARK])
def test_more_pictures_look_like_more_in_even_steps_on_either_ground(ground: tuple[int, ...]) -> None:
    (_, low), (_, high) = theme.RAMP
    first, last = (np.array([float(v) for v in stop[5:-1].split(",")]) for stop in (low, high))
    colors = []
    for t in np.linspace(0, 1, 11):
        *color, alpha = first + t * (last - first)
        colors.append(oklab(linear(tuple(alpha * np.array(color) + (1 - alpha) * np.array(ground)))))
    away = np.array([np.linalg.norm(color - oklab(linear(ground))) for color in colors])
    steps = np.diff(away)
    assert (steps > 0).all()
    assert steps.max() / steps.min() < 1.35
    assert away[0] > 0.04  # a single mistake is not taken for an empty cell


def test_figures_import_no_keras_no_scikit_learn_and_no_streamlit() -> None:
    code = (
        "import sys, dhc.figures.bars, dhc.figures.confusion, dhc.figures.curves, dhc.figures.schedule;"
        "heavy = {'keras', 'tensorflow', 'sklearn', 'scipy', 'streamlit', 'plotly.express'} & set(sys.modules);"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
