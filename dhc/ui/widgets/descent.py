"""Maps of a loss with the paths of gradient descent, which follow the mouse: drawn and computed in the browser."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from dhc.ui.widgets import assets

LOWEST_RATE, HIGHEST_RATE, MOST = 1e-3, 1.0, 2.0  # of the slider; of a start, to each side


@dataclass(frozen=True)
class Method:
    """A way of going down: its name and its colour."""

    name: str
    color: str


@dataclass(frozen=True)
class Pose:
    """Where a person has the walks: their start, the middle map's learning rate, the step that is shown."""

    start: tuple[float, float]
    rate: float
    step: int


def descent(
    pose: Pose,
    *,
    key: str,
    terms: Sequence[tuple[float, int, int]],
    lowest: float,
    steps: int,
    methods: Mapping[str, Method],
    constants: Mapping[str, float],
    words: Mapping[str, str],
    language: str,
) -> None:
    """Draw the maps in a pose; `rest` says what a person made of it.

    terms: of the loss, (c, i, j) each, c · x^i · y^j. lowest: its least value. steps: of a whole walk. methods: by their names
    in ``descent_walk.js``. constants: what those walks use. words: rate, step, start, loss, chart, play, pause and the fates of
    a walk: arrived, going, stuck, away. language: of the numbers.
    """
    assets.component("descent", isolate_styles=True, parts=("descent_walk",))(
        key=key,
        data={
            "start": list(pose.start),
            "rate": pose.rate,
            "step": pose.step,
            "terms": list(terms),
            "lowest": lowest,
            "steps": steps,
            "methods": {name: {"name": method.name, "color": method.color} for name, method in methods.items()},
            "constants": dict(constants),
            "words": dict(words),
            "language": language,
        },
        on_rest_change=_rerun,
    )


def rest(key: str, steps: int) -> Pose | None:
    """The pose in which the maps have just come to rest, None in a run that they did not start."""
    state = st.session_state.get(key)
    answer = None if state is None else state.get("rest")
    values = [answer.get(name) for name in ("x", "y", "rate", "step")] if isinstance(answer, dict) else [None]
    numbers = [float(value) for value in values if isinstance(value, int | float) and math.isfinite(value)]
    if len(numbers) < 4:
        return None
    x, y, rate, step = numbers
    start = (min(MOST, max(-MOST, x)), min(MOST, max(-MOST, y)))
    return Pose(start, min(HIGHEST_RATE, max(LOWEST_RATE, rate)), min(steps, max(0, int(step))))


def _rerun() -> None:
    """Registered so that a change starts a rerun; the page reads where it came to rest."""
