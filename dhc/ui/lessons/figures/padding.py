"""Padding: zeros around the picture, so that the answer is as large, and what its edge is made of."""

from __future__ import annotations

from typing import Final

import streamlit as st

from dhc.lessons import convolution as c
from dhc.teaching.words import Words
from dhc.ui.lessons import sliding
from dhc.ui.shell import address
from dhc.ui.widgets.controls import segments

KEY: Final = "dhc_lesson_padding_"
EXTENTS: Final = ("3", "5", "7")
PADDINGS: Final = ("valid", "same")  # as Keras calls them


def draw(words: Words) -> None:
    """The picture with its zeros, the answer at the same scale, and how often corner and middle are seen."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        titles = {name: words(name) for name in PADDINGS}
        bound = address.bound_choice("pad", PADDINGS, "same", key=KEY + "pad")
        same = segments(words("padding"), titles, bare=True, **bound) == "same"
        extents = {text: words("extent", extent=int(text)) for text in EXTENTS}
        bound = address.bound_choice("extent", EXTENTS, "3", key=KEY + "extent")
        extent = int(segments(words("kernel"), extents, bare=True, **bound))
        bright = sliding.values(words, key=KEY)
    side = len(bright)
    zeros = c.same_padding(side, extent) if same else (0, 0)
    seen = c.times_seen(side, extent, 1, zeros)
    st.markdown(words("seen", corner=int(seen[0, 0]), middle=int(seen[side // 2, side // 2])))
    shown = sliding.averaging(bright, extent, 1, zeros)
    place = sliding.take_place(KEY + "window", shown.answer.size)
    captions = {
        "input": words("input", side=side, zeros=sum(zeros)),
        "answer": words("result", side=len(shown.answer), whole=side + sum(zeros), extent=extent, one=1),
    }
    frame = f"{zeros} {extent} {hash(bright.tobytes())}"
    sliding.draw(shown, key=KEY + "window", frame=frame, place=place, words=words, captions=captions)
