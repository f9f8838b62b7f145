"""A small network under many dropout masks: its drawing under one of them, and its answer under each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from dhc.ui.widgets import assets


@dataclass(frozen=True)
class Unit:
    """A unit of the hidden layer: what it gives without a mask, as text, and the weight with which the answer takes it."""

    text: str
    weight: float


@dataclass(frozen=True)
class Draw:
    """One mask: which units stay, what each of these gives then, as text, and the answer."""

    stays: Sequence[bool]
    texts: Sequence[str]
    answer: float


@dataclass(frozen=True)
class Masks:
    """The units, the masks, and the answers' axis: its range, the answer without a mask, the masks' mean and deviation."""

    inputs: Sequence[str]
    units: Sequence[Unit]
    draws: Sequence[Draw]
    low: float
    high: float
    whole: float
    mean: float
    deviation: float


def masks(masks: Masks, *, key: str, chosen: int, language: str, words: Mapping[str, str]) -> None:
    """Draw the network under the mask `chosen`, from 0; `moved` says which one a person chooses.

    words: alt, masks, answers, whole, mean, input, output.
    """
    assets.component("masks", isolate_styles=True, parts=("drawing",))(
        key=key,
        data={
            **vars(masks),
            "inputs": list(masks.inputs),
            "units": [vars(unit) for unit in masks.units],
            "draws": [
                {"stays": list(draw.stays), "texts": list(draw.texts), "answer": draw.answer} for draw in masks.draws
            ],
            "chosen": chosen,
            "language": language,
            "words": dict(words),
        },
        on_mask_change=_rerun,
    )


def moved(key: str, count: int) -> int | None:
    """The mask that a person has just chosen, from 0; None in a run that they did not start."""
    sent = st.session_state.get(key)
    mask = None if sent is None else sent.get("mask")
    return mask if isinstance(mask, int) and 0 <= mask < count else None


def _rerun() -> None:
    """Registered so that a choice starts a rerun; the figure asks for it."""
