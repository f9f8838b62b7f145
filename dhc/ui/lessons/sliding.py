"""What the lessons with a sliding window share: its place and its numbers in the address, the words of its figure."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from dhc.lessons import convolution as c
from dhc.teaching.words import Words, common
from dhc.ui.lessons import picture
from dhc.ui.shell import address
from dhc.ui.widgets import kernel as widget
from dhc.ui.widgets.controls import segments
from dhc.ui.widgets.kernel import Sliding

PLACE, WEIGHTS = "at", "k"  # in the address
SMALL, WHOLE = "small", "whole"
FACTOR = 8  # how much smaller a picture is made of which the numbers can be read
SHARED = ("patch", "kernel", "products", "result", "spoken", "play", "pause", "help")


def take_place(key: str, places: int) -> int:
    """Where the window stands, from 0: where it was just brought, else where the address says."""
    place = widget.gesture(key, places=places).place
    if place is not None:
        address.put(**{PLACE: place or None})
    return address.integer(PLACE, low=0, high=places - 1) or 0


def take_weights(key: str, default: NDArray[np.float64]) -> NDArray[np.float64]:
    """The kernel that was just typed, else that of the address, else `default`, whose shape it has."""
    typed = widget.gesture(key, places=0, weights=default.size).weights
    if typed:
        put_weights(np.array(typed).reshape(default.shape), default)
    values = address.numbers(WEIGHTS, count=default.size, low=-widget.LARGEST, high=widget.LARGEST)
    return default if values is None else np.array(values).reshape(default.shape)


def put_weights(weights: NDArray[np.float64], default: NDArray[np.float64]) -> None:
    """Write a kernel into the address."""
    text = ",".join(f"{value:.4g}" for value in weights.ravel().tolist())
    address.put(**{WEIGHTS: None if np.allclose(weights, default, atol=1e-3) else text})


def values(words: Words, *, key: str) -> NDArray[np.float64]:
    """How bright the picture is that the person chooses: as it is, or made small so that its numbers can be read."""
    titles = {name: common(words.language, f"window_{name}") for name in (SMALL, WHOLE)}
    label = common(words.language, "window_view")
    view = segments(label, titles, bare=True, **address.bound_choice("view", [*titles], SMALL, key=key + "view"))
    bright = c.brightness(picture.choose(words))
    return bright if view == WHOLE else c.shrunk(bright, FACTOR)


def averaging(bright: NDArray[np.float64], extent: int, stride: int, padding: tuple[int, int]) -> Sliding:
    """A kernel that takes the mean slid over a picture, with its whole answer."""
    weights = c.mean_kernel(extent)
    return Sliding(
        padded=np.pad(bright, padding),
        answer=c.convolve(bright, weights, stride=stride, padding=padding),
        extent=(extent, extent),
        weights=tuple(weights.ravel().tolist()),
        stride=stride,
        padding=padding,
        whole=True,
    )


def draw(
    sliding: Sliding,
    *,
    key: str,
    frame: str,
    place: int,
    words: Words,
    captions: Mapping[str, str],
    editable: bool = False,
) -> None:
    """Draw the window at its place; captions: of the input and of the answer."""
    texts = {name: _shared(words.language, name) for name in SHARED} | dict(captions)
    widget.kernel(sliding, key=key, frame=frame, place=place, words=texts, language=words.language, editable=editable)


def _shared(language: str, name: str) -> str:
    if name == "spoken":  # the browser fills it
        return common(language, "window_spoken", row="{row}", column="{column}", value="{value}")
    return common(language, f"window_{name}")
