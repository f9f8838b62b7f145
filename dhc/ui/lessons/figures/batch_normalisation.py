"""Batch normalisation: a batch before and after it, in training and at inference, and the averages that lag behind."""

from __future__ import annotations

from typing import Final

import numpy as np
import streamlit as st

from dhc.lessons import normalisation as n
from dhc.teaching.words import Words
from dhc.ui.shell import address
from dhc.ui.widgets.batches import LEAST_GAMMA, MOST_BETA, MOST_GAMMA, Course, Look, batches, moved
from dhc.ui.widgets.controls import segments

KEY: Final = "dhc_lesson_batch_normalisation_"
SIZES: Final = ("2", "8", "32", "128")
SIZE: Final = "32"  # the report's
MOMENTA: Final = ("0.5", "0.9", "0.99")
MOMENTUM: Final = "0.99"  # Keras's and the report's
START: Final = Look(99)  # a while after the values have moved
LABELS: Final = (
    "alt",
    "before",
    "after",
    "steps",
    "training",
    "inference",
    "batch",
    "moving",
    "true",
    "gamma",
    "beta",
    "cursor",
)


def draw(words: Words) -> None:
    """The controls, the batch of one step, and the means of all steps."""
    with st.container(horizontal=True):
        size = segments(
            words("size"),
            {name: words("size_name", size=int(name)) for name in SIZES},
            bare=True,
            **address.bound_choice("size", SIZES, SIZE, key=KEY + "size"),
        )
        momentum = segments(
            words("momentum"),
            {name: words("momentum_name", momentum=float(name)) for name in MOMENTA},
            bare=True,
            **address.bound_choice("momentum", MOMENTA, MOMENTUM, key=KEY + "momentum"),
        )
    look = moved(KEY + "batches", n.STEPS)
    if look is not None:
        _put(look)
    batches(
        _course(int(size), float(momentum)),
        look or _look(),
        key=KEY + "batches",
        language=words.language,
        words={label: words(label) for label in LABELS},
    )


def _course(size: int, momentum: float) -> Course:
    training = n.train(size, momentum)
    deviation, moving = (np.sqrt(one + n.EPSILON) for one in (training.variance, training.moving_variance))
    return Course(training.values, training.mean, deviation, training.moving_mean, moving, n.centres())


def _look() -> Look:
    """What the address asks for."""
    step = address.integer("step", low=1, high=n.STEPS)
    gamma = address.number("gamma", low=LEAST_GAMMA, high=MOST_GAMMA)
    beta = address.number("beta", low=-MOST_BETA, high=MOST_BETA)
    return Look(START.step if step is None else step - 1, gamma or START.gamma, beta or START.beta)


def _put(look: Look) -> None:
    address.put(
        step=None if look.step == START.step else look.step + 1,
        gamma=None if look.gamma == START.gamma else f"{look.gamma:g}",
        beta=None if look.beta == START.beta else f"{look.beta:g}",
    )
