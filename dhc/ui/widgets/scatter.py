"""Thousands of points on a canvas, dragged, zoomed, pointed at and enclosed, with their pictures where there is an atlas."""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import streamlit as st

from dhc.ui.widgets import assets

Shape = Literal["dot", "ring", "cross"]
MOST_STYLES = 65_536
MOST_CORNERS = 40  # of a line around pictures


@dataclass(frozen=True)
class Style:
    """How points are drawn, and to which entry of the legend they belong; those of a higher layer lie on top."""

    color: str
    entry: int
    shape: Shape = "dot"
    radius: float = 3.2
    layer: int = 0


@dataclass(frozen=True)
class Entry:
    """A line of the legend: a mark, a name, how many points are such."""

    label: str
    color: str
    count: int
    shape: Shape = "dot"
    chosen: bool = False


@dataclass(frozen=True)
class Name:
    """A text on the map, where there is room for it, and the entry of the legend that it belongs to."""

    text: str
    x: float
    y: float
    entry: int


@dataclass(frozen=True, eq=False)
class Tip:
    """A line beside the picture at which the pointer is: of each point one of the words; "" is no line."""

    words: Sequence[str]
    index: np.ndarray


@dataclass(frozen=True, eq=False)
class Points:
    """What is drawn: x and y (N,), of each point its style, and what is said of it."""

    x: np.ndarray
    y: np.ndarray
    style: np.ndarray
    styles: Sequence[Style]
    legend: Sequence[Entry]
    names: Sequence[Name] = ()
    tips: Sequence[Tip] = ()


@dataclass(frozen=True)
class Gesture:
    """What a person did just before THIS run: clicked a point, closed a line around some, or clicked an entry of the legend."""

    pick: int | None = None
    area: tuple[tuple[int, int], ...] = ()
    entry: int | None = None


def scatter(
    points: Points,
    *,
    key: str,
    frame: str,
    alt: str,
    atlas: str = "",
    tiles: Sequence[int] = (),
    area: Sequence[tuple[int, int]] = (),
    picked: int | None = None,
    choosable: bool = True,
    height: int = 320,
) -> None:
    """Draw the points as high as the window has room, at least `height` CSS pixels; `gesture` says what a person does with them.

    The view (what is in sight, and how large) stays while `frame` does. `atlas` names one that `show_atlas` has sent, `tiles` (N,) which
    of its pictures is each point's. `area` is a line that stands, `picked` a point that is marked. The legend's entries can be
    clicked if it is `choosable`. A line's corners are whole numbers, so the points should spread over thousands.
    """
    assert len(points.styles) <= MOST_STYLES
    assets.component("scatter", isolate_styles=True)(
        key=key,
        data={
            "x": _base64(points.x, np.float32),
            "y": _base64(points.y, np.float32),
            "style": _base64(points.style, np.uint16),
            "styles": [vars(style) for style in points.styles],
            "legend": [vars(entry) for entry in points.legend],
            "names": [vars(name) for name in points.names],
            "tips": [{"words": list(tip.words), "index": _base64(tip.index, np.uint16)} for tip in points.tips],
            "frame": frame,
            "alt": alt,
            "atlas": atlas,
            "tiles": _base64(np.asarray(tiles), np.uint32),
            "area": [list(corner) for corner in area],
            "picked": picked,
            "choosable": choosable,
            "height": height,
        },
        on_pick_change=_rerun,
        on_area_change=_rerun,
        on_entry_change=_rerun,
    )


def gesture(key: str) -> Gesture:
    """What a person has just done with the points of that key; nothing in a run that it did not start.

    Asked before they are drawn, so that they are drawn with what it brought about.
    """
    state = st.session_state.get(key)
    value = (lambda name: None) if state is None else state.get
    return Gesture(_number(value("pick")), _corners(value("area")), _number(value("entry")))


@dataclass(frozen=True, eq=False)
class Atlas:
    """Many pictures on a few sheets: JPEGs of `columns` times as many tiles, `each` of them, a tile `tile` pixels a side."""

    name: str
    sheets: tuple[str, ...]
    tile: int
    columns: int
    each: int


def show_atlas(atlas: Atlas, *, key: str) -> None:
    """Send the pictures to the browser, which keeps them; nothing is seen of that."""
    assets.component("atlas", isolate_styles=True)(key=key, data=vars(atlas), height=1)


def enclosed(x: np.ndarray, y: np.ndarray, corners: Sequence[tuple[int, int]]) -> np.ndarray:
    """Which of the points (N,) a closed line goes around, bool (N,): by the even-odd rule, of a line that crosses itself, too."""
    inside = np.zeros(len(x), bool)
    for (x1, y1), (x2, y2) in zip(corners, [*corners[1:], *corners[:1]], strict=True):
        if y1 == y2:
            continue
        crosses = (y1 > y) != (y2 > y)
        inside ^= crosses & (x < (x2 - x1) * (y - y1) / (y2 - y1) + x1)
    return inside


def _corners(value: Any) -> tuple[tuple[int, int], ...]:
    """The corners that a browser sent; none for what cannot be a line."""
    try:
        corners = tuple((int(x), int(y)) for x, y in value)
    except (TypeError, ValueError, OverflowError):
        return ()
    sane = 3 <= len(corners) <= MOST_CORNERS + 1 and all(
        abs(number) < 1_000_000 for corner in corners for number in corner
    )
    return corners if sane else ()


def _number(value: Any) -> int | None:
    return int(value) if isinstance(value, int | float) and math.isfinite(value) and value >= 0 else None


def _base64(values: np.ndarray, dtype: type[np.generic]) -> str:
    return base64.b64encode(np.ascontiguousarray(values, dtype).tobytes()).decode("ascii")


def _rerun() -> None:
    """Registered so that a gesture starts a rerun; the page asks for it."""
