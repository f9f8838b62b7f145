"""Sliders that a lesson's chart follows while they are dragged, and what is to be read beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import streamlit as st

from dhc.ui.widgets import assets


@dataclass(frozen=True)
class Knob:
    """A slider: its name, its label, the values that it goes through, how each is written, and the place of the one that it has."""

    name: str
    label: str
    values: Sequence[float]
    texts: Sequence[str]
    place: int


@dataclass(frozen=True)
class Reading:
    """What is to be read: a figure below its label, or a sentence without one."""

    label: str
    text: str


def knobs(
    *,
    key: str,
    sliders: Sequence[Knob],
    readings: Sequence[Reading],
    live: Literal["plateau", "stopping"],
    given: Mapping[str, Any],
    box: str,
    language: str,
) -> None:
    """Draw sliders and readings; while one is dragged, the chart in the container with the key `box` follows.

    live: how, a function of ``knobs.js`` that computes what Python has drawn, from what is `given`. `rest` says where the sliders
    came to rest. language: of the numbers.
    """
    assets.component("knobs", isolate_styles=True, parts=("recorded",))(
        key=key,
        data={
            "knobs": [asdict(slider) for slider in sliders],
            "readings": [asdict(reading) for reading in readings],
            "live": live,
            "given": dict(given),
            "box": box,
            "language": language,
        },
        on_rest_change=_rerun,
    )


def rest(key: str, counts: Mapping[str, int]) -> dict[str, int] | None:
    """The places, from 0, at which the sliders have just come to rest, by name; None in a run that they did not start.

    counts: of the values of each slider.
    """
    state = st.session_state.get(key)
    answer = None if state is None else state.get("rest")
    if not isinstance(answer, Mapping):
        return None
    at = {name: place for name in counts if isinstance(place := answer.get(name), int) and 0 <= place < counts[name]}
    return at if at.keys() == counts.keys() else None


def _rerun() -> None:
    """Registered so that a slider that comes to rest starts a rerun; the page reads where."""
