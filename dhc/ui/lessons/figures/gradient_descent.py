"""Gradient descent: three learning rates side by side, and on each the paths of three ways of going down."""

from __future__ import annotations

import streamlit as st

from dhc.figures import theme
from dhc.lessons import descent as d
from dhc.teaching.words import Words
from dhc.ui.shell import address
from dhc.ui.widgets.controls import segments
from dhc.ui.widgets.descent import HIGHEST_RATE, LOWEST_RATE, MOST, Method, Pose, descent, rest

SURFACE, RATE, X, Y, STEP = "gd_loss", "gd_rate", "gd_x", "gd_y", "gd_step"  # in the address
FIRST_RATE, STEPS = 0.02, 100
COLORS = {"plain": theme.TRAIN, "momentum": theme.VAL, "adam": theme.BEST}
CONSTANTS = {"momentum": d.MOMENTUM, "beta1": d.BETA_1, "beta2": d.BETA_2, "epsilon": d.EPSILON, "far": d.FAR}
WORDS = ("rate", "step", "start", "loss", "chart", "play", "pause", "arrived", "going", "stuck", "away")


def draw(words: Words) -> None:
    """Which loss, the maps with their paths, and what moves them."""
    titles = {name: words(name) for name in d.SURFACES}
    bound = address.bound_choice(SURFACE, tuple(titles), "valley", key="dhc_lesson_descent_surface")
    name = segments(words("surface"), titles, bare=True, **bound)
    surface, key = d.SURFACES[name], f"dhc_lesson_descent_{name}"
    if (pose := rest(key, STEPS)) is not None:
        _write(pose, surface)
    st.caption(words("hint"))
    descent(
        _pose(surface),
        key=key,
        terms=surface.terms,
        lowest=surface.lowest(),
        steps=STEPS,
        methods={method: Method(words(method), COLORS[method]) for method in d.METHODS},
        constants=CONSTANTS,
        words={label: words(label) for label in WORDS},
        language=words.language,
    )


def _pose(surface: d.Surface) -> Pose:
    """Start, rate and step as the address has them."""
    x, y = (address.number(name, low=-MOST, high=MOST) for name in (X, Y))
    start = surface.start if x is None or y is None else (x, y)
    step = address.integer(STEP, low=0, high=STEPS)
    rate = address.number(RATE, low=LOWEST_RATE, high=HIGHEST_RATE) or FIRST_RATE
    return Pose(start, rate, STEPS if step is None else step)


def _write(pose: Pose, surface: d.Surface) -> None:
    x, y = (None if pose.start == surface.start else f"{weight:.2f}" for weight in pose.start)
    rate = None if abs(pose.rate / FIRST_RATE - 1) < 0.01 else f"{pose.rate:.4g}"
    address.put(**{X: x, Y: y, RATE: rate, STEP: None if pose.step == STEPS else pose.step})
