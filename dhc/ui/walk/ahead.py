"""What the next steps of a walk will need, asked of the helper while a person still looks at the first picture."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import streamlit as st

from dhc.errors import UserError
from dhc.jobs.warm import HelperError
from dhc.ui.network.subject import Subject
from dhc.ui.walk import asked
from dhc.ui.walk.asked import Walker

CALM = 1.0  # seconds that a person has at least before their first step
PAUSE = 0.02  # seconds between two questions, in which that of a step finds its turn
READING = 0.1  # seconds between two looks whether a network is ready, for which no step shall wait
KEY = "dhc_walk_ahead"  # of this session's
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Ahead:
    """What is being asked ahead for a walk, until the person is at another one."""

    of: Walker
    is_over: threading.Event = field(default_factory=threading.Event, compare=False)


def ask_ahead(of: Walker, shown: Subject, epoch: int) -> None:
    """Ask in the background for dropout's draws, and for the walks through the kept epochs beside this one and their draws."""
    before, now = st.session_state.get(KEY), _Ahead(of)
    if now == before:
        return
    if before is not None:
        before.is_over.set()
    st.session_state[KEY] = now
    walkers = [asked.beside(of, shown, other) for other in _beside(shown.epochs, epoch)]
    threading.Thread(target=_ask, args=(now, walkers, shown), name="walk", daemon=True).start()


def _beside(epochs: Sequence[int], epoch: int) -> list[int]:
    """Those to which the slider leads next."""
    place = epochs.index(epoch) if epoch in epochs else 0
    return [*epochs[place + 1 : place + 2], *epochs[max(0, place - 1) : place]]


def _ask(ahead: _Ahead, others: Sequence[Walker], shown: Subject) -> None:
    questions: list[Callable[[], object]] = []
    for of in (ahead.of, *others):
        questions += [] if of == ahead.of else [partial(_read, ahead, of), partial(asked.whole, of, shown)]
        questions += [partial(asked.some_draws, of, part) for part in range(asked.PARTS)]
    pause = CALM
    try:
        for question in questions:
            if ahead.is_over.wait(pause):
                return
            question()
            pause = PAUSE
    except (UserError, OSError):
        pass  # the step that needs it says it
    except HelperError:
        _LOG.exception("A walk could not be asked ahead")


def _read(ahead: _Ahead, of: Walker) -> None:
    """Wait until the helper has a network ready, while it answers steps."""
    while not asked.is_read(of) and not ahead.is_over.wait(READING):
        pass
