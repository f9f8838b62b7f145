"""Long work of a page in steps: what a person does meanwhile breaks none of it off, and they may end it early."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Generic, TypeVar

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

T = TypeVar("T")
V = TypeVar("V")
PATIENCE = 0.7  # seconds before a bar is worth its place


@dataclass(eq=False)
class Work(Generic[T]):
    """Steps, of which some are done, with their results; `total` is how many there are, `notes` what else is to be said.

    `number` tells it from every other: two may be drawn in one run, where the first is to be done anew.
    """

    steps: Iterator[T]
    total: int
    notes: list[str] = field(default_factory=list)
    results: list[T] = field(default_factory=list)
    is_over: bool = False
    number: int = field(default_factory=count().__next__)
    _error: Exception | None = None
    _whole: tuple[int, Any] | None = None
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def step(self) -> bool:
        """Do one more step; False where it is over. Raises what a step raised, from then on.

        Streamlit starts the next run of a page while the thread of the last one is still within a step: the two take turns.
        """
        with self._turn:
            if self._error is not None:
                raise self._error
            if self.is_over:
                return False
            try:
                self.results.append(next(self.steps))
            except StopIteration:
                self.is_over = True
            except Exception as error:
                self._error = error
                raise
            return not self.is_over

    def whole(self, make: Callable[[list[T]], V]) -> V:
        """What `make` makes of the results, made once for so many of them."""
        results = list(self.results)
        if self._whole is None or self._whole[0] != len(results):
            self._whole = len(results), make(results)
        value: V = self._whole[1]
        return value

    @property
    def was_stopped(self) -> bool:
        """Whether a person ended it early."""
        return self.is_over and len(self.results) < self.total

    def stop(self) -> None:
        """Do no further step."""
        self.is_over = True

    def go_on(self) -> None:
        """Do the steps that are left."""
        self.is_over = False


def work_on(key: str, identity: Hashable, begin: Callable[[], Work[T]], words: Callable[[int, int], str]) -> Work[T]:
    """The work of this session under `key`, carried on to its end, with a bar and a button that ends it early.

    It is begun where there is none of this `identity` yet. A rerun breaks in between two steps only, and goes on where they were.
    `words` are said of the steps done and of all. Exceptions of a step pass through, and the next run begins again.
    """
    mine: tuple[Hashable, Work[T]] | None = st.session_state.get(key)
    if mine is None or mine[0] != identity:
        mine = st.session_state[key] = identity, begin()
    work = mine[1]
    if not work.is_over:
        place = st.empty()
        try:
            _carry_on(work, place, f"{key}_stop_{work.number}", words)
        except Exception:
            st.session_state.pop(key, None)
            place.empty()
            raise
        place.empty()
    if work.was_stopped:
        _offer_rest(work, f"{key}_rest", words)
    return work


def _carry_on(work: Work[T], place: DeltaGenerator, key: str, words: Callable[[int, int], str]) -> None:
    bar, began = None, time.monotonic()
    while work.step():
        if bar is None and time.monotonic() - began > PATIENCE:
            bar = _bar(work, place, key)
        if bar is not None:
            done = len(work.results)
            bar.progress(min(1.0, done / max(1, work.total)), text=words(done, work.total))


def _bar(work: Work[T], place: DeltaGenerator, key: str) -> DeltaGenerator:
    with place.container():
        bar = st.progress(0.0)
        st.button("Stop here", icon=":material/stop_circle:", key=key, on_click=work.stop)
    return bar


def _offer_rest(work: Work[T], key: str, words: Callable[[int, int], str]) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"Stopped: {words(len(work.results), work.total)}.", width="content")
        st.button("Go on", icon=":material/play_arrow:", key=key, on_click=work.go_on)
