"""Schedules: another patience and factor over a recorded curve, and timetables beside it."""

from __future__ import annotations

import streamlit as st

from dhc.figures import lesson_curves
from dhc.lessons import schedules as s
from dhc.teaching.words import Words
from dhc.ui.lessons import recorded
from dhc.ui.shell import address

PATIENCE, FACTOR, FLOOR, BESIDE = "sc_patience", "sc_factor", "sc_floor", "sc_beside"  # in the address
FIRST_PATIENCE, MOST_PATIENCE = 2, 22
FACTORS = tuple(f"{twentieths / 20:g}" for twentieths in range(2, 20))
FLOORS = ("0", "0.0001", "0.0002", "0.0005")
OTHERS = ("exponential", "warm_up", "cosine")
KEY = "dhc_lesson_schedules_"


def draw(words: Words) -> None:
    """The run, the knobs of ReduceLROnPlateau, its drops on the curve and its rates beside the others'."""
    left, right = st.columns([3, 2])
    with left:
        curves = recorded.choose(words, key=f"{KEY}run", telling=lambda info: info.epochs_done)
    if curves is None:
        return
    with right:
        others = st.pills(
            words("beside"),
            selection_mode="multi",
            format_func=words,
            **address.bound_items(BESIDE, OTHERS, ("cosine",), key=f"{KEY}beside"),
        )
    patience, factor, min_lr = _knobs(words)
    first, epochs = curves.rates[0], len(curves.val)
    watched = s.plateau(curves.val, first=first, factor=factor, patience=patience, min_lr=min_lr)
    by_name = {
        "plateau": [first, *(epoch.rate for epoch in watched[:-1])],
        "exponential": s.exponential(first, factor ** (1 / patience), epochs),
        "warm_up": s.warm_up(first, factor ** (1 / patience), epochs, max(1, epochs // 5)),
        "cosine": s.cosine(first, min_lr, epochs),
    }
    shown = {name: by_name[name] for name in ("plateau", *OTHERS) if name == "plateau" or name in others}
    said = words("summary", drops=sum(epoch.has_dropped for epoch in watched), rate=watched[-1].rate)
    st.markdown(f"{said} {_honesty(words, by_name['plateau'], curves.rates)}")
    figure = lesson_curves.plateau(curves.val, watched, shown, min_lr=min_lr, say=words)
    recorded.show(figure, words, key=f"{KEY}chart", alt=said, height=300)


def _knobs(words: Words) -> tuple[int, float, float]:
    """Patience, factor and least rate as the address has them."""
    a, b, c = st.columns(3)
    bound = address.bound_integer(PATIENCE, low=1, high=MOST_PATIENCE, key=f"{KEY}patience", default=FIRST_PATIENCE)
    patience = a.slider(words("patience"), **bound)
    bound = address.bound_choice(FACTOR, FACTORS, "0.5", key=f"{KEY}factor")
    factor = b.select_slider(words("factor"), format_func=lambda text: words("number", value=float(text)), **bound)
    bound = address.bound_choice(FLOOR, FLOORS, "0.0001", key=f"{KEY}floor")
    floor = c.select_slider(words("floor"), format_func=lambda text: words("number", value=float(text)), **bound)
    return int(patience), float(factor), float(floor)


def _honesty(words: Words, rates: list[float], recorded_rates: tuple[float, ...]) -> str:
    """From which epoch on the run would have gone another way than its recorded curve."""
    pairs = enumerate(zip(rates, recorded_rates, strict=True), start=1)
    other = next((epoch for epoch, (ours, theirs) in pairs if abs(ours - theirs) > 1e-4 * theirs), None)
    return words("exact") if other is None else words("indicative", epoch=other)
