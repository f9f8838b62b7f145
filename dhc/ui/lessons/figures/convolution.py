"""Convolution: the report's example, place by place."""

from __future__ import annotations

import numpy as np
import streamlit as st

from dhc.lessons import convolution as c
from dhc.teaching.words import Words
from dhc.ui.shell import address


def draw(words: Words) -> None:
    """The picture, the kernel at one of its places, the answer."""
    answer = c.convolve(np.array(c.REPORT_INPUT, float), np.array(c.REPORT_KERNEL, float))
    place = st.slider(words("place"), **address.bound_integer("place", low=1, high=answer.size, key="dhc_lesson_place"))
    st.write(place)
    st.table(answer)
