"""Dropout: thirty masks on a small network, what each makes of the answer, and the whole network afterwards."""

from __future__ import annotations

from typing import Final

import numpy as np
import streamlit as st

from dhc.lessons import dropout as d
from dhc.teaching.words import Words
from dhc.ui.lessons.numerals import short
from dhc.ui.shell import address
from dhc.ui.widgets.controls import segments
from dhc.ui.widgets.masks import Draw, Masks, Unit, masks, moved

KEY: Final = "dhc_lesson_dropout_"
RATES: Final = ("0.1", "0.3", "0.5", "0.6", "0.7")
RATE: Final = "0.6"  # the report's, behind its convolutions
PHASES: Final = ("training", "inference")
COUNT: Final = 30
MOST_DRAWS: Final = 99  # other masks that the button can ask for
REACH: Final = 2.5  # standard deviations of the highest rate that the axis shows on each side


def draw(words: Words) -> None:
    """The controls, and the network under its masks."""
    with st.container(horizontal=True, vertical_alignment="center"):
        phase = segments(
            words("phase"),
            {name: words(name) for name in PHASES},
            bare=True,
            **address.bound_choice("phase", PHASES, PHASES[0], key=KEY + "phase"),
        )
        rate = segments(
            words("rate"),
            {name: words("rate_name", rate=float(name)) for name in RATES},
            bare=True,
            **address.bound_choice("rate", RATES, RATE, key=KEY + "rate"),
        )
        is_scaled = not st.toggle(
            words("unscaled"),
            **address.bound_flag("scaling", key=KEY + "scaling", on="off", off="on"),
        )
        number = address.integer("draw", low=1, high=MOST_DRAWS) or 1
        args = {"draw": number % MOST_DRAWS + 1, "mask": None}
        st.button(words("again"), icon=":material/casino:", key=KEY + "again", on_click=address.put, kwargs=args)
    shown = _masks(words, float(rate), is_training=phase == "training", is_scaled=is_scaled, seed=number)
    chosen = moved(KEY + "masks", COUNT)
    if chosen is not None:
        address.put(mask=chosen + 1 if chosen else None)
    place = (address.integer("mask", low=1, high=COUNT) or 1) - 1
    labels = {label: words(label) for label in ("alt", "masks", "answers", "input", "hidden", "output")}
    labels["whole"] = words("whole", answer=shown.whole)
    labels["mean"] = words("mean", mean=shown.mean, deviation=shown.deviation)
    masks(shown, key=KEY + "masks", chosen=place, language=words.language, words=labels)


def _masks(words: Words, rate: float, *, is_training: bool, is_scaled: bool, seed: int) -> Masks:
    """The network under thirty masks; in inference none of them leaves anything out."""
    values = d.hidden()
    rate = rate if is_training else 0.0
    drawn = d.masks(rate, COUNT, len(values), seed)
    behind = [d.drop(values, mask, rate, is_scaled=is_scaled) for mask in drawn]
    answers = np.array([d.answer(one) for one in behind])
    whole, reach = d.answer(values), REACH * d.spread(float(RATES[-1]), values)

    def texts(numbers: np.ndarray) -> list[str]:
        return [short(value, words.language, 1) for value in numbers]

    return Masks(
        texts(d.INPUTS),
        [Unit(text, float(weight)) for text, weight in zip(texts(values), d.OUTPUT, strict=True)],
        [
            Draw(mask.tolist(), texts(one), float(answer))
            for mask, one, answer in zip(drawn, behind, answers, strict=True)
        ],
        whole - reach,
        whole + reach,
        whole,
        float(answers.mean()),
        float(answers.std()),
    )
