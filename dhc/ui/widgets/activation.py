"""A feature map before and after an activation, with the curve between them, whose slope and bias are dragged."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dhc.ui.widgets import assets

STEEPEST: Final = 1.0
FURTHEST: Final = 3.0


@dataclass(frozen=True)
class Curve:
    """An activation: the slope below 0, and the bias that is added before it."""

    slope: float = 0.0
    bias: float = 0.0


@dataclass(frozen=True, eq=False)
class FeatureMap:
    """A feature map (H, W), with the picture (H', W', 3) uint8 and the kernel (h, w) that it was made of."""

    values: NDArray[np.float64]
    picture: NDArray[np.uint8]
    kernel: NDArray[np.float64]


def activation(feature: FeatureMap, curve: Curve, *, key: str, language: str, words: Mapping[str, str]) -> None:
    """Draw the map before and after the curve; `moved` says what a person makes of the curve.

    words: alt, picture, before, after, curve, slope, bias, gradient, dead.
    """
    assets.component("activation", isolate_styles=True, parts=("drawing",))(
        key=key,
        data={
            "values": _base64(feature.values.astype(np.float32)),
            "shape": list(feature.values.shape),
            "picture": _base64(feature.picture),
            "sides": list(feature.picture.shape[:2]),
            "kernel": feature.kernel.tolist(),
            "slope": curve.slope,
            "bias": curve.bias,
            "steepest": STEEPEST,
            "furthest": FURTHEST,
            "language": language,
            "words": dict(words),
        },
        on_state_change=_rerun,
    )


def moved(key: str) -> Curve | None:
    """The curve that a person has just made; None in a run that they did not start."""
    sent = st.session_state.get(key)
    state: Any = None if sent is None else sent.get("state")
    try:
        curve = Curve(round(float(state["slope"]), 2), round(float(state["bias"]), 2))
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    sane = math.isfinite(curve.slope) and 0 <= curve.slope <= STEEPEST and abs(curve.bias) <= FURTHEST
    return curve if sane else None


def _base64(values: NDArray[Any]) -> str:
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode("ascii")


def _rerun() -> None:
    """Registered so that a change starts a rerun; the figure asks for it."""
