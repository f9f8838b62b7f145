"""A window that slides over a grid of numbers, following mouse and keys, and what it makes of the numbers below it."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dhc.ui.widgets import assets

Kind = Literal["sum", "max", "mean"]
LARGEST: Final = 100.0  # of a weight that is typed in
WORDS: Final = ("input", "answer", "patch", "kernel", "products", "result", "spoken", "play", "pause", "help")


@dataclass(frozen=True, eq=False)
class Sliding:
    """What is slid over what.

    padded   the numbers, (H, W), with the padding around them, `padding` of it before and after on each axis
    answer   (h, w), what each place of the window gives
    extent   rows and columns of the window, `stride` from one of its places to the next
    weights  its numbers in rows; () where the largest or the mean is taken
    scale    what is black and what is white in the picture; answer_scale likewise; `signed`: blue below 0, red above it
    whole    whether all of the answer is there until it is played, or it is filled in place by place from the beginning
    stretched  whether the answer is drawn as large as the picture, a number of it as large as a step
    marks    (h, w) bool: numbers of the answer that get a mark in their corner
    """

    padded: NDArray[np.float64]
    answer: NDArray[np.float64]
    extent: tuple[int, int]
    weights: tuple[float, ...] = ()
    stride: int = 1
    padding: tuple[int, int] = (0, 0)
    kind: Kind = "sum"
    scale: tuple[float, float] = (0.0, 255.0)
    answer_scale: tuple[float, float] = (0.0, 255.0)
    signed: bool = False
    whole: bool = False
    stretched: bool = False
    marks: NDArray[np.bool_] | None = None


@dataclass(frozen=True)
class Gesture:
    """What a person did just before THIS run: let the window rest at a place, or typed a weight."""

    place: int | None = None
    weights: tuple[float, ...] = ()


def kernel(
    sliding: Sliding,
    *,
    key: str,
    frame: str,
    place: int,
    words: Mapping[str, str],
    language: str,
    editable: bool = False,
    height: int = 380,
) -> None:
    """Draw it with the window at a place of the answer, from 0, row by row; `gesture` says what a person does with it.

    The window stays where the mouse has brought it while `frame` is the same. `words` has all of WORDS; in "spoken" stand the
    braces row, column and value. The figure fills the window that the page has, and is at least `height` CSS pixels high.
    """
    assets.component("kernel", isolate_styles=True, parts=("grids",))(
        key=key,
        data={
            "input": _packed(sliding.padded),
            "answer": _packed(sliding.answer),
            "extent": list(sliding.extent),
            "weights": list(sliding.weights),
            "stride": sliding.stride,
            "padding": list(sliding.padding),
            "kind": sliding.kind,
            "scale": _scale(sliding.scale),
            "answerScale": {**_scale(sliding.answer_scale), "signed": sliding.signed},
            "whole": sliding.whole,
            "stretched": sliding.stretched,
            "marks": [] if sliding.marks is None else np.flatnonzero(sliding.marks).tolist(),
            "frame": frame,
            "place": place,
            "words": {name: words[name] for name in WORDS},
            "language": language,
            "editable": editable,
            "most": LARGEST,
            "height": height,
        },
        on_place_change=_rerun,
        on_weights_change=_rerun,
    )


def gesture(key: str, *, places: int, weights: int = 0) -> Gesture:
    """What a person has just done with the figure of that key, which has so many places and weights; nothing in another run."""
    state = st.session_state.get(key)
    if state is None:
        return Gesture()
    place, typed = state.get("place"), state.get("weights")
    is_place = isinstance(place, int) and 0 <= place < places
    return Gesture(place if is_place else None, _weights(typed, weights))


def _weights(values: Any, count: int) -> tuple[float, ...]:
    """The weights that a browser sent; none for what cannot be some."""
    if not isinstance(values, Sequence) or isinstance(values, str) or len(values) != count:
        return ()
    sane = all(isinstance(value, int | float) and math.isfinite(value) and abs(value) <= LARGEST for value in values)
    return tuple(float(value) for value in values) if sane else ()


def _packed(values: NDArray[np.float64]) -> dict[str, Any]:
    raw = np.ascontiguousarray(values, np.float32).tobytes()
    return {"values": base64.b64encode(raw).decode("ascii"), "shape": list(values.shape)}


def _scale(scale: tuple[float, float]) -> dict[str, float]:
    return {"low": scale[0], "high": scale[1]}


def _rerun() -> None:
    """Registered so that a gesture starts a rerun; the page asks for it."""
