"""Nearest neighbours on raw pixels: a picture, moved by some pixels, and what is nearest to it then."""

from __future__ import annotations

import html
from base64 import b64encode
from dataclasses import dataclass
from typing import Final

import numpy as np
import streamlit as st

from dhc.lessons import neighbours as n
from dhc.teaching.words import Words
from dhc.text import clean, shorten
from dhc.ui.lessons import panels, picture
from dhc.ui.lessons.picture import Pixels, Source
from dhc.ui.shell import address
from dhc.ui.shell.markdown import plain
from dhc.ui.widgets.controls import segments
from dhc.ui.widgets.gallery import Tile, gallery

KEY: Final = "dhc_lesson_nearest-neighbours_"
MOST: Final = 500  # pictures that it is compared with
MOST_SHIFT, SHIFT = 24, 12  # pixels: at most, and at first
NEAREST, VOTES, TILE = 8, 5, 56  # neighbours that are shown, those that are asked; CSS pixels
LARGE: Final = 9.5  # of the type's size
WITH: Final = "with"  # in the address: the neighbour that it is compared with, none for itself


@dataclass(frozen=True, eq=False)
class Crowd:
    """The picture itself, first, and the others: x (N, 64, 64, 3) uint8, their classes' names, how far each is.

    order: from the nearest on. own: whether the picture is of no class.
    """

    x: Pixels
    names: tuple[str, ...]
    labels: np.ndarray
    distances: np.ndarray
    order: np.ndarray
    own: bool

    @property
    def rank(self) -> int:
        """The place of the picture itself among all, from 1."""
        return int(np.flatnonzero(self.order == 0)[0]) + 1


def draw(words: Words) -> None:
    """The moved picture, what it is compared with, their difference; then those nearest to it."""
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        titles = {name: words(name) for name in n.DISTANCES}
        bound = address.bound_choice("metric", [*titles], "euclidean", key=KEY + "metric")
        metric = segments(words("distance"), titles, bare=True, **bound)
        pixels = picture.choose(words)
        bound = address.bound_number("shift", low=0, high=MOST_SHIFT, default=SHIFT, key=KEY + "shift")
        shift = int(st.slider(words("shift"), width=200, step=1.0, format="%d", **bound))
    source = picture.current()
    if len(source.x) < 2:
        st.info(words("alone"), icon=":material/image_not_supported:")
        return
    moved = n.shifted(pixels, shift)
    crowd = _crowd(source, pixels, moved, metric)
    tiles_of = [each for each in crowd.order.tolist() if each][:NEAREST]
    other = _chosen(tiles_of)
    curve = _curve(words, n.to_itself(pixels, n.DISTANCES[metric], MOST_SHIFT), shift, crowd)
    _draw_pair(words, crowd, moved, other, curve)
    st.markdown(_said(words, crowd))
    _draw_nearest(words, crowd, tiles_of, other)


def _crowd(source: Source, pixels: Pixels, moved: Pixels, metric: str) -> Crowd:
    """The picture unmoved and the others, by their distance to the moved one."""
    own = picture.is_own()
    row = picture.row_of(source)
    rows = np.arange(min(MOST, len(source.x)))
    rows = rows if own else rows[rows != row]
    x = np.concatenate([pixels[None], source.x[rows]])
    flat = n.as_rows(x)
    distances = n.DISTANCES[metric](n.as_rows(moved[None])[0], flat)
    labels = np.concatenate([[-1 if own else source.y[row]], source.y[rows]])
    return Crowd(x, source.classes, labels, distances, np.argsort(distances, kind="stable"), own)


def _chosen(offered: list[int]) -> int:
    """The neighbour that was just clicked, else that of the address; 0 is the picture itself."""
    state = st.session_state.get(KEY + "nearest")
    click = None if state is None else state.get("click")
    if isinstance(click, int) and 0 <= click <= len(offered):
        address.put(**{WITH: click or None})
    place = address.integer(WITH, low=0, high=len(offered)) or 0
    return offered[place - 1] if place else 0


def _draw_pair(words: Words, crowd: Crowd, moved: Pixels, other: int, curve: str) -> None:
    difference = np.abs(moved.astype(np.int16) - crowd.x[other]).astype(np.uint8)
    name = words("itself") if other == 0 else clean(crowd.names[crowd.labels[other]])
    titles = (words("moved"), name, words("difference", distance=float(crowd.distances[other])))
    pictures = (moved, crowd.x[other], difference)
    parts = [(title, panels.image(each, LARGE, title)) for title, each in zip(titles, pictures, strict=True)]
    panels.row([*parts, (words("curve"), curve)])


def _curve(words: Words, distances: n.Floats, shift: int, crowd: Crowd) -> str:
    """SVG: how far the picture is from itself by how far it is moved, and how far the nearest other is now."""
    nearest = float(crowd.distances[1:].min())
    top = 1.1 * max(float(distances.max()), nearest)
    points = [(100 * at / MOST_SHIFT, 60 - 60 * float(each) / top) for at, each in enumerate(distances)]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    level, (x, y) = 60 - 60 * nearest / top, points[shift]
    says = words("curve_says", nearest=nearest)
    color = "#c2410c" if y < level else "#0f766e"
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="-3 -3 106 66">'
        '<path d="M0 0V60H100" fill="none" stroke="#7d7d7d" stroke-width="0.8"/>'
        f'<polyline points="{line}" fill="none" stroke="#7c5cff" stroke-width="2"/>'
        f'<path d="M0 {level:.1f}H100" stroke="#7d7d7d" stroke-width="1.2" stroke-dasharray="4 3"/>'
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.2" fill="{color}" stroke="#fff"/></svg>'
    )
    alt = html.escape(f"{words('curve')}; {says}")
    source = f"data:image/svg+xml;base64,{b64encode(svg.encode()).decode()}"
    width = 1.25 * LARGE  # rem, of the words below, too: they break, or the row would
    image = f'<img alt="{alt}" style="display: block; width: 100%" src="{source}">'
    return f'<div style="width: {width}rem">{image}<small>{html.escape(says)}</small></div>'


def _said(words: Words, crowd: Crowd) -> str:
    """Where the picture itself stands, and what the nearest of the others say it is."""
    others = crowd.order[crowd.order != 0]
    said = words("rank", rank=crowd.rank, count=len(crowd.order))
    voted = n.majority(crowd.labels[others[:VOTES]])
    sign = "" if crowd.own else " :material/check:" if voted == crowd.labels[0] else " :material/close:"
    return f"{said} {words('vote', votes=VOTES, name=plain(clean(crowd.names[voted])))}{sign}"


def _draw_nearest(words: Words, crowd: Crowd, shown: list[int], other: int) -> None:
    rank = words("place", rank=crowd.rank)
    tiles = [Tile(crowd.x[0], f"{words('itself')}\n{_distance(words, crowd, 0)}\n{rank}")]
    for each in shown:
        sign = "" if crowd.own else "✓ " if crowd.labels[each] == crowd.labels[0] else ""
        name = clean(crowd.names[crowd.labels[each]])
        tiles.append(Tile(crowd.x[each], f"{sign}{shorten(name, 14)}\n{_distance(words, crowd, each)}", name))
    place = 0 if other == 0 else shown.index(other) + 1
    gallery(tiles, key=KEY + "nearest", size=TILE, selected_index=place)


def _distance(words: Words, crowd: Crowd, place: int) -> str:
    return words("far", distance=float(crowd.distances[place]))
