"""Convolution: a kernel stepped over the report's example or over a picture, each product and their sum."""

from __future__ import annotations

from typing import Final

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dhc.lessons import convolution as c
from dhc.teaching.words import Words
from dhc.ui.lessons import picture, sliding
from dhc.ui.shell import address
from dhc.ui.widgets.controls import segments
from dhc.ui.widgets.kernel import Sliding

KEY: Final = "dhc_lesson_convolution_"
NUMBERS, PICTURE = "numbers", "picture"  # what the kernel slides over
OWN: Final = "own"  # a kernel that is none of KERNELS
REPORT: Final = np.array(c.REPORT_KERNEL, float)


def draw(words: Words) -> None:
    """The picture, the kernel at one of its places, the answer."""
    weights = sliding.take_weights(KEY + "window", REPORT)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        titles = {name: words(f"on_{name}") for name in (NUMBERS, PICTURE)}
        on = segments(words("on"), titles, bare=True, **address.bound_choice("on", [*titles], NUMBERS, key=KEY + "on"))
        _choose_kernel(words, weights)
        values = c.brightness(picture.choose(words)) if on == PICTURE else np.array(c.REPORT_INPUT, float)
    answer = c.convolve(values, weights)
    place = sliding.take_place(KEY + "window", answer.size)
    captions = {"input": words("input", side=len(values)), "answer": words("result", side=len(answer))}
    shown = _shown(values, weights, answer, is_picture=on == PICTURE)
    frame = f"{on} {hash(values.tobytes())}"
    sliding.draw(shown, key=KEY + "window", frame=frame, place=place, words=words, captions=captions, editable=True)


def _shown(
    values: NDArray[np.float64], weights: NDArray[np.float64], answer: NDArray[np.float64], *, is_picture: bool
) -> Sliding:
    """How it is coloured: an answer around 0 has two colours, that of a kernel which makes a picture is grey."""
    white = 255.0 if is_picture else float(values.max())
    total = float(weights.sum())
    signed = is_picture and total < 0.1
    most = float(np.abs(answer).max()) or 1.0
    scale = (0.0, most) if signed or not is_picture else (0.0, white * total)
    return Sliding(
        padded=values,
        answer=answer,
        extent=(len(weights), len(weights[0])),
        weights=tuple(weights.ravel().tolist()),
        scale=(0.0, white),
        answer_scale=scale,
        whole=is_picture,
        signed=signed or bool((answer < 0).any() and not is_picture),
    )


def _choose_kernel(words: Words, weights: NDArray[np.float64]) -> None:
    """Buttons for the kernels that have a name; typed ones are the person's own."""
    names = [name for name, kernel in c.KERNELS.items() if np.allclose(weights, kernel, atol=1e-3)]
    key = KEY + "kernel"
    st.session_state[key] = names[0] if names else OWN

    def save() -> None:
        name = st.session_state[key]
        if name in c.KERNELS:
            sliding.put_weights(np.array(c.KERNELS[name], float), REPORT)

    titles = {name: words(f"kernel_{name}") for name in (*c.KERNELS, *(() if names else (OWN,)))}
    segments(words("kernel"), titles, bare=True, key=key, on_change=save)
