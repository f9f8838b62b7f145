"""What a number of a layer sees of a picture: a figure that follows mouse and keys through map and layers."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dhc.ui.widgets import assets

WORDS: Final = ("picture", "map", "layer", "spoken", "play", "pause", "help")
At = tuple[int, int, int]
"""A layer, and row and column of a number of its map, from 0."""


@dataclass(frozen=True)
class FieldLayer:
    """A layer: what is said of it, and what its numbers along an axis see, from the first pixel to the one behind the last."""

    text: str
    spans: tuple[tuple[int, int], ...]


def field(
    picture: NDArray[np.uint8],
    layers: Sequence[FieldLayer],
    *,
    key: str,
    at: At,
    words: Mapping[str, str],
    height: int = 380,
) -> None:
    """Draw a picture (H, H, 3) and the map of a layer; `gesture` says what a person has come to look at.

    `words` has all of WORDS; in "spoken" stand the braces row, column, top, bottom, left and right. The figure fills the window
    that the page has, and is at least `height` CSS pixels high.
    """
    assets.component("field", isolate_styles=True, parts=("grids",))(
        key=key,
        data={
            "picture": base64.b64encode(np.ascontiguousarray(picture).tobytes()).decode("ascii"),
            "size": len(picture),
            "layers": [{"text": layer.text, "spans": [list(span) for span in layer.spans]} for layer in layers],
            "at": list(at),
            "words": {name: words[name] for name in WORDS},
            "height": height,
        },
        on_at_change=_rerun,
    )


def gesture(key: str, layers: Sequence[FieldLayer]) -> At | None:
    """What a person has just come to look at in the figure of that key; None in another run."""
    state = st.session_state.get(key)
    value = None if state is None else state.get("at")
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) != 3:
        return None
    if not all(isinstance(number, int) and number >= 0 for number in value) or value[0] >= len(layers):
        return None
    layer, row, column = value
    return (layer, row, column) if max(row, column) < len(layers[layer].spans) else None


def _rerun() -> None:
    """Registered so that a gesture starts a rerun; the page asks for it."""
