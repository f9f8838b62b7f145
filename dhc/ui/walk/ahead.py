"""What the next steps of a walk will need, asked of the helper while a person still looks at the first picture."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import streamlit as st

from dhc.ui.network.subject import Subject
from dhc.ui.shell import early
from dhc.ui.walk import asked
from dhc.ui.walk.asked import LayerMaps, Walker, Whole
from dhc.ui.walk.stops import Stop

CALM = 1.0  # seconds that a person has at least before their first step
PAUSE = 0.02  # seconds between two questions, in which that of a step finds its turn
READING = 0.1  # seconds between two looks whether a network is ready, for which no step shall wait
NEAR = 16  # maps of a layer, those with the largest values, between which the arrows lead in the overview
KEY, STOP_KEY = "dhc_walk_ahead", "dhc_walk_ahead_stop"  # of this session's
Question = Callable[[], object]


@dataclass(frozen=True)
class _Ahead:
    """What is being asked ahead for a walk, or for one of its stops, until the person is at another one."""

    of: Walker
    stop: str = ""
    is_over: threading.Event = field(default_factory=threading.Event, compare=False)


def ask_ahead(of: Walker, shown: Subject, whole: Whole, epoch: int) -> None:
    """Ask in the background for what the next steps need.

    That is the strongest number of each layer, those of the winner and the runner-up, dropout's draws, and the walks through the kept
    epochs beside this one and their draws.
    """
    ahead = _Ahead(of)
    if not _begins(ahead, KEY):
        return
    questions: list[Question] = [_number(of, place, maps, maps.strongest) for place, maps in enumerate(whole.layers)]
    last = len(whole.layers) - 1
    questions += [_number(of, last, whole.layers[last], rival) for rival in whole.ranking[:2]]
    questions += [partial(asked.draw_more, of)] * asked.PARTS
    for other in (asked.beside(of, shown, kept) for kept in _beside(shown.epochs, epoch)):
        questions += [partial(_read, ahead, other), partial(asked.whole, other, shown)]
        questions += [partial(asked.draw_more, other)] * asked.PARTS
    early.in_background(partial(_ask, ahead, questions, CALM), "walk")


def ask_near(of: Walker, stop: Stop, whole: Whole, unit: int) -> None:
    """Ask in the background for the numbers between which the arrows lead from a unit at a stop, the nearest ones first."""
    ahead = _Ahead(of, stop.name)
    if stop.row is None or not _begins(ahead, STOP_KEY):
        return
    maps = whole.layers[stop.row.place]
    near = maps.units[np.argsort(-maps.highest, kind="stable")[:NEAR]]
    units = near[np.argsort(np.abs(near - unit), kind="stable")].tolist()
    questions = [_number(of, stop.row.place, maps, other) for other in units]
    early.in_background(partial(_ask, ahead, questions, PAUSE), "walk")


def _begins(ahead: _Ahead, key: str) -> bool:
    """Whether the session has not begun to ask for it; what it asked for before is over then."""
    before = st.session_state.get(key)
    if ahead == before:
        return False
    if before is not None:
        before.is_over.set()
    st.session_state[key] = ahead
    return True


def _number(of: Walker, layer: int, maps: LayerMaps, unit: int) -> Question:
    return partial(asked.number, of, layer, unit, *maps.peak(unit))


def _beside(epochs: Sequence[int], epoch: int) -> list[int]:
    """Those to which the slider leads next."""
    place = epochs.index(epoch) if epoch in epochs else 0
    return [*epochs[place + 1 : place + 2], *epochs[max(0, place - 1) : place]]


def _ask(ahead: _Ahead, questions: Sequence[Question], pause: float) -> None:
    for question in questions:
        if ahead.is_over.wait(pause):
            return
        question()
        pause = PAUSE


def _read(ahead: _Ahead, of: Walker) -> None:
    """Wait until the helper has a network ready, while it answers steps."""
    while not asked.is_read(of) and not ahead.is_over.wait(READING):
        pass
