"""Pooling: windows over a feature map of the picture, each made one number; and what a shift of the picture changes."""

from __future__ import annotations

from typing import Final, cast

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dhc.lessons import convolution as c
from dhc.lessons import filters as f
from dhc.lessons import pooling as p
from dhc.teaching.words import Words
from dhc.ui.lessons import picture, sliding
from dhc.ui.shell import address
from dhc.ui.widgets.controls import segments
from dhc.ui.widgets.kernel import Kind, Sliding

KEY: Final = "dhc_lesson_pooling_"
KINDS: Final = ("max", "mean")
PIECE: Final = 8  # numbers a side of the piece that can be read, the widest window
WINDOWS: Final = ("2", "4", "8", "all")
MOST_SHIFT: Final = 4
Floats = NDArray[np.float64]


def draw(words: Words) -> None:
    """The map with its windows, what is left of it, and how much of either a shift changes."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        kinds = {name: words(name) for name in KINDS}
        kind = segments(words("kind"), kinds, bare=True, **address.bound_choice("kind", KINDS, "max", key=KEY + "kind"))
        titles = {text: words("all") if text == "all" else words("size", size=int(text)) for text in WINDOWS}
        bound = address.bound_choice("window", WINDOWS, "2", key=KEY + "window")
        size = segments(words("window"), titles, bare=True, **bound)
        views = {name: words(name) for name in ("piece", "whole")}
        view = segments(
            words("view"), views, bare=True, **address.bound_choice("view", [*views], "piece", key=KEY + "view")
        )
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        bright = c.brightness(picture.choose(words))
        bound = address.bound_integer("shift", low=0, high=MOST_SHIFT, key=KEY + "shift")
        shift = st.slider(words("shift"), width=170, **bound)
        before, after = _edges(bright), _edges(p.shifted(bright, shift))
        window = len(before) if size == "all" else int(size)
        st.markdown(_said(words, before, after, window, kind, shift), width="content")
    corner = p.strongest_corner(before, PIECE, PIECE) if view == "piece" else None
    if corner is not None:
        before, after, window = _piece(before, corner), _piece(after, corner), min(window, PIECE)
    _draw(words, before, after, window, cast("Kind", kind))


def _edges(bright: Floats) -> Floats:
    """The feature map of upright edges behind ReLU, as large as the picture: whole numbers."""
    padded = np.pad(bright, 1, mode="edge")
    weights = f.FILTERS["upright"].sum(axis=2)
    found = f.feature_maps(padded[..., None], weights[:, :, None, None])[..., 0]
    return np.maximum(np.rint(found), 0)


def _piece(values: Floats, corner: tuple[int, int]) -> Floats:
    row, column = corner
    return values[row : row + PIECE, column : column + PIECE]


def _said(words: Words, before: Floats, after: Floats, window: int, kind: str, shift: int) -> str:
    """What pooling leaves of the whole map, or what the shift changes."""
    pooled = p.pool(before, window, kind)
    if not shift:
        return words("left", left=pooled.size, all=before.size)
    moved = p.change(pooled, p.pool(after, window, kind))
    return words("changed", map=p.change(before, after), answer=moved)


def _draw(words: Words, before: Floats, after: Floats, window: int, kind: Kind) -> None:
    answer = p.pool(after, window, kind)
    shown = Sliding(
        padded=after,
        answer=answer,
        extent=(window, window),
        stride=window,
        kind=kind,
        scale=(0.0, float(before.max()) or 1.0),
        answer_scale=(0.0, float(before.max()) or 1.0),
        whole=True,
        stretched=True,
        marks=(answer == p.pool(before, window, kind)) if (before != after).any() else None,
    )
    place = sliding.take_place(KEY + "figure", answer.size)
    captions = {
        "input": words("input", side=len(after)),
        "answer": words("result", side=len(answer))
        if shown.marks is None
        else words("marked", side=len(answer), count=int(shown.marks.sum())),
        "patch": words("in_window"),
        "result": words("largest") if kind == "max" else words("the_mean"),
    }
    frame = f"{window} {len(after)} {hash(after.tobytes())}"
    sliding.draw(shown, key=KEY + "figure", frame=frame, place=place, words=words, captions=captions)
