"""The figures of two runs: the flip board's difference of matrices and the noise panel's intervals, compared with their records."""

from __future__ import annotations

import numpy as np
import pytest

from dhc.analysis.significance import SeedResults
from dhc.figures import theme
from dhc.figures.flips import LESS, MORE, difference_heatmap, scale
from dhc.figures.noise import Interval, interval_chart, seed_chart

A = np.array([[5, 2, 0], [1, 4, 0], [0, 0, 3]])
B = np.array([[6, 1, 0], [1, 2, 2], [0, 0, 3]])


def test_more_of_b_is_above_zero_less_below_and_no_change_is_clear() -> None:
    (cells,) = difference_heatmap(A, B, ["a", "b", "c"], np.arange(3)).data
    z = np.array(cells.z, dtype=np.float64)
    assert np.sign(np.nan_to_num(z)).tolist() == [[1, -1, 0], [0, -1, 1], [0, 0, 0]]
    assert np.isnan(z[1, 0])
    assert z[1, 2] == pytest.approx(np.sqrt(2))
    assert cells.zmin == -cells.zmax
    assert list(cells.text[1]) == ["", "-2", "+2"]


def test_hover_says_both_counts_and_whether_the_change_is_for_the_better() -> None:
    (cells,) = difference_heatmap(A, B, ["a", "b", "c"], np.arange(3)).data
    assert cells.hovertext[0][0] == "A 5 pictures, B 6: 1 more, better"
    assert cells.hovertext[0][1] == "A 2 pictures, B 1: 1 fewer, better"
    assert cells.hovertext[1][2] == "A 0 pictures, B 2: 2 more, worse"
    assert cells.hovertext[2][2] == "A and B 3 pictures each"
    assert cells.hovertext[2][0] == "none"


def test_a_click_names_the_classes_whatever_their_order() -> None:
    order = np.array([2, 0, 1])
    figure = difference_heatmap(A, B, ["a", "<b>", "c"], order, selected=(1, 2))
    (cells,) = figure.data
    assert np.asarray(cells.customdata)[0, 1].tolist() == [2, 0]
    assert list(cells.x) == ["c", "a", "&lt;b&gt;"]
    frame = next(shape for shape in figure.layout.shapes if shape.name == "selected")
    assert (frame.x0, frame.y0) == (-0.5, 1.5), "true <b> is the third row, predicted c the first column"


def test_equal_matrices_draw_a_clear_board() -> None:
    (cells,) = difference_heatmap(A, A, ["a", "b", "c"], np.arange(3)).data
    assert not np.array(cells.z, dtype=np.float64).any(), "gaps alone are what Plotly cannot draw"
    assert {colour for _, colour in cells.colorscale} == {"rgba(0,0,0,0)"}
    assert np.asarray(cells.customdata)[2, 1].tolist() == [2, 1]


def test_the_scale_is_made_of_the_palettes_blue_and_orange() -> None:
    def as_hex(colour: tuple[int, int, int]) -> str:
        return "#" + "".join(f"{part:02x}" for part in colour)

    assert (as_hex(LESS), as_hex(MORE)) == (theme.TRAIN, theme.VAL)
    assert [stop for stop, _ in scale()] == sorted(stop for stop, _ in scale())


def test_an_interval_reaches_from_its_low_end_to_its_high_one() -> None:
    figure = interval_chart([Interval("these two runs", 0.012, -0.005, 0.029)])
    (trace,) = figure.data
    assert trace.x[0] - trace.error_x.arrayminus[0] == pytest.approx(-0.005)
    assert trace.x[0] + trace.error_x.array[0] == pytest.approx(0.029)
    low, high = figure.layout.xaxis.range
    assert low == -high
    assert high > 0.029
    assert figure.layout.xaxis.ticktext == ("−3.0", "−2.0", "−1.0", "0.0", "+1.0", "+2.0", "+3.0"), "in points"
    assert len(interval_chart([Interval("two seeds", 0.1, -9, 9.2)]).layout.xaxis.tickvals) == 5, "of any width"
    assert trace.text[0] == "+1.2 points, 95% interval −0.5 to +2.9", "one unit and one sign beside the axis"


def test_each_seed_is_a_dot_and_each_side_has_its_mean() -> None:
    figure = seed_chart(SeedResults((0.6, 0.7)), SeedResults((0.8,)))
    by_uid = {trace.uid: trace for trace in figure.data}
    assert list(by_uid["A"].x) == [0.6, 0.7]
    assert by_uid["mean A"].x[0] == pytest.approx(0.65)
    assert "mean B" in by_uid
    assert "mean A" not in {trace.uid for trace in seed_chart(SeedResults(()), SeedResults((0.8,))).data}
