"""A batch of values before and after batch normalisation, and the averages beside the steps of a training."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dhc.ui.widgets import assets

LEAST_GAMMA, MOST_GAMMA, MOST_BETA = 0.1, 3.0, 3.0
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Look:
    """Which step is looked at, from 0, and the scale and shift behind the normalisation."""

    step: int
    gamma: float = 1.0
    beta: float = 0.0


@dataclass(frozen=True, eq=False)
class Course:
    """Of each step (T,): its batch (T, N), that batch's mean and deviation, the averages' and the mean of all that there is."""

    values: Floats
    mean: Floats
    deviation: Floats
    moving_mean: Floats
    moving_deviation: Floats
    true_mean: Floats


def batches(course: Course, look: Look, *, key: str, language: str, words: Mapping[str, str]) -> None:
    """Draw the batch of a step and all steps; `moved` says what a person looks at then.

    words: alt, before, after, steps, training, inference, batch, moving, true, gamma, beta, cursor.
    """
    series = {name: [round(float(number), 4) for number in value] for name, value in _series(course).items()}
    assets.component("batches", isolate_styles=True, parts=("drawing",))(
        key=key,
        data={
            "values": base64.b64encode(course.values.astype(np.float32).tobytes()).decode("ascii"),
            "size": course.values.shape[1],
            **series,
            **vars(look),
            "limits": {"gamma": [LEAST_GAMMA, MOST_GAMMA], "beta": [-MOST_BETA, MOST_BETA]},
            "language": language,
            "words": dict(words),
        },
        on_state_change=_rerun,
    )


def _series(course: Course) -> dict[str, Floats]:
    return {
        "mean": course.mean,
        "deviation": course.deviation,
        "movingMean": course.moving_mean,
        "movingDeviation": course.moving_deviation,
        "trueMean": course.true_mean,
    }


def moved(key: str, steps: int) -> Look | None:
    """What a person has just chosen to look at; None in a run that they did not start."""
    sent = st.session_state.get(key)
    state: Any = None if sent is None else sent.get("state")
    try:
        look = Look(int(state["step"]), round(float(state["gamma"]), 2), round(float(state["beta"]), 2))
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    sane = math.isfinite(look.gamma) and LEAST_GAMMA <= look.gamma <= MOST_GAMMA and abs(look.beta) <= MOST_BETA
    return look if sane and 0 <= look.step < steps else None


def _rerun() -> None:
    """Registered so that a change starts a rerun; the figure asks for it."""
