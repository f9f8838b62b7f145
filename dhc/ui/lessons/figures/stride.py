"""Stride: a kernel that moves on by more than one number, and what it leaves out."""

from __future__ import annotations

from typing import Final

import streamlit as st

from dhc.lessons import convolution as c
from dhc.teaching.words import Words
from dhc.ui.lessons import sliding
from dhc.ui.shell import address
from dhc.ui.widgets.controls import segments

KEY: Final = "dhc_lesson_stride_"
EXTENT: Final = 3
STRIDES: Final = ("1", "2", "3", "4")


def draw(words: Words) -> None:
    """The picture with what no place of the kernel reaches, the answer at the same scale, and the sum of its size."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        titles = {text: words("stride", stride=int(text)) for text in STRIDES}
        bound = address.bound_choice("step", STRIDES, "2", key=KEY + "step")
        stride = int(segments(words("step"), titles, bare=True, **bound))
        bright = sliding.values(words, key=KEY)
    side = len(bright)
    places = c.size(side, EXTENT, stride)
    st.markdown(
        words("sum", one=1, side=side, extent=EXTENT, stride=stride, exact=(side - EXTENT) / stride + 1, places=places)
    )
    shown = sliding.averaging(bright, EXTENT, stride, (0, 0))
    place = sliding.take_place(KEY + "window", shown.answer.size)
    captions = {
        "input": words("input", side=side, unseen=int((c.times_seen(side, EXTENT, stride, (0, 0)) == 0).sum())),
        "answer": words("result", side=places),
    }
    frame = f"{stride} {hash(bright.tobytes())}"
    sliding.draw(shown, key=KEY + "window", frame=frame, place=place, words=words, captions=captions)
