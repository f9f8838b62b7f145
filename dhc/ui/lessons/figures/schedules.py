"""Schedules: another patience and factor over a recorded curve, and timetables beside it."""

from __future__ import annotations

from typing import Final

import streamlit as st

from dhc.figures import lesson_curves, theme
from dhc.lessons import schedules as s
from dhc.teaching.words import Words
from dhc.ui.lessons import recorded
from dhc.ui.lessons.recorded import Curves, Setting
from dhc.ui.shell import address
from dhc.ui.widgets.knobs import Reading

BESIDE = "sc_beside"  # in the address, like the names of the settings
SETTINGS: Final = (
    Setting("patience", "sc_patience", tuple(range(1, 23)), first=2),
    Setting("factor", "sc_factor", tuple(twentieths / 20 for twentieths in range(2, 20)), first=0.5),
    Setting("floor", "sc_floor", (0, 1e-4, 2e-4, 5e-4), first=1e-4),
)
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
        bound = address.bound_items(BESIDE, OTHERS, ("cosine",), key=f"{KEY}beside")
        others = st.pills(
            words("beside"), selection_mode="multi", format_func=words, help=words("beside_help"), **bound
        )
    patience, factor, min_lr = recorded.settings(SETTINGS, key=f"{KEY}knobs")
    watched = s.plateau(curves.val, first=curves.rates[0], factor=factor, patience=int(patience), min_lr=min_lr)
    rates = _rates(curves, watched, factor ** (1 / patience), min_lr)
    shown = {name: rates[name] for name in ("plateau", *OTHERS) if name == "plateau" or name in others}
    said = _summary(words, watched, curves.rates)
    recorded.knobs(
        words,
        SETTINGS,
        key=f"{KEY}knobs",
        readings=[Reading("", said)],
        live="plateau",
        given=_given(words, curves, [name for name in shown if name != "plateau"]),
    )
    figure = lesson_curves.plateau(curves.val, watched, shown, min_lr=min_lr, say=words)
    recorded.show(figure, words, key=f"{KEY}knobs", alt=said, height=300)


def _rates(curves: Curves, watched: list[s.Watched], decay: float, min_lr: float) -> dict[str, list[float]]:
    """The rate of each epoch by each schedule; the timetables fall as fast as patience and factor would at their fastest."""
    first, epochs = curves.rates[0], len(curves.val)
    return {
        "plateau": [first, *(epoch.rate for epoch in watched[:-1])],
        "exponential": s.exponential(first, decay, epochs),
        "warm_up": s.warm_up(first, decay, epochs, max(1, epochs // 5)),
        "cosine": s.cosine(first, min_lr, epochs),
    }


def _summary(words: Words, watched: list[s.Watched], recorded_rates: tuple[float, ...]) -> str:
    """What came of it, and from which epoch on the run would have gone another way than its recorded curve."""
    rates = [recorded_rates[0], *(epoch.rate for epoch in watched[:-1])]
    pairs = enumerate(zip(rates, recorded_rates, strict=True), start=1)
    other = next((epoch for epoch, (ours, theirs) in pairs if abs(ours - theirs) > 1e-4 * theirs), None)
    drops = sum(epoch.has_dropped for epoch in watched)
    said = words("summary", drops=drops, rate=words("rate_number", value=watched[-1].rate))
    return f"{said} {words('exact') if other is None else words('indicative', epoch=other)}"


def _given(words: Words, curves: Curves, others: list[str]) -> dict[str, object]:
    """What the browser needs to draw the same while a slider is dragged."""
    templates = {
        "summary": words("summary", drops="%drops", rate="%rate"),
        "exact": words("exact"),
        "indicative": words("indicative", epoch="%epoch"),
    }
    values = recorded.finite(curves.val)
    return {"values": values, "rates": list(curves.rates), "others": others, "words": templates, "floor": theme.MUTED}
