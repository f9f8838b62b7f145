"""The junction of a run with the one that it went on from: what it took over thin, a line where its own part begins."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import pandas as pd
import plotly.graph_objects as go

from dhc.figures import theme
from dhc.text import shorten

THIN = 1.0  # pixels; a run's own curves have more than twice of that
COLOR = "#7a4fd8"  # of the line, as of the other marks on a curve
LINE = {"color": COLOR, "width": 1.5, "dash": "dashdot"}
TITLE_LENGTH = 28  # characters of a run's name
MOST = 12  # lines that are shapes of their own: for hundreds Plotly takes a minute


@dataclass(frozen=True)
class Joint:
    """A junction as a figure shows it: the last epoch that was taken over, and from which run."""

    epoch: int
    title: str

    @property
    def text(self) -> str:
        """``from dropout 0.5, epoch 12``, as Plotly's HTML."""
        return f"from {theme.escape_html(shorten(self.title, TITLE_LENGTH))}, epoch {self.epoch}"


def split(epochs: pd.DataFrame, joints: Sequence[Joint]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows of a table of epochs that were taken over, and the run's own."""
    is_own = epochs["epoch"] > (joints[-1].epoch if joints else 0)
    return epochs[~is_own], epochs[is_own]


def mark(figure: go.Figure, joints: Sequence[Joint], *, length: float, high: bool = False) -> None:
    """Draw a line at each of the last junctions, from where the text says; `high` writes it at the top.

    length: of the axis, in epochs.
    """
    for level, joint in enumerate(joints[-MOST:]):
        draw_line(figure, joint.epoch, joint.text, left=joint.epoch < length / 2, high=high, level=level)


def draw_line(
    figure: go.Figure, x: float, text: str, *, left: bool, high: bool = False, level: int = 0, chart: int = 0
) -> None:
    """Draw one line at x, with the text on its right where it stands `left` in its chart, else on its left.

    level: how many texts stand there already. chart: its number among charts side by side, 0 for the first or only one.
    """
    number = "" if chart == 0 else str(chart + 1)
    place = {"xref": f"x{number}", "yref": f"y{number} domain"}
    figure.add_shape(type="line", x0=x, x1=x, y0=0, y1=1, line=LINE, layer="below", **place)
    if not text:
        return
    figure.add_annotation(
        x=x,
        y=1 if high else 0,
        text=text,
        font={"size": 11},
        xanchor="left" if left else "right",
        yanchor="top" if high else "bottom",
        xshift=4 if left else -4,
        yshift=-18 - 15 * level if high else 11 + 15 * level,
        showarrow=False,
        **place,
    )


def draw_bare_lines(figure: go.Figure, xs: Collection[float]) -> None:
    """Draw lines without a text in the first chart; more than MOST are one shape."""
    if len(xs) <= MOST:
        for x in xs:
            draw_line(figure, x, "", left=True)
    else:
        path = "".join(f"M{x},0V1" for x in xs)
        figure.add_shape(type="path", path=path, line=LINE, layer="below", xref="x", yref="y domain")
