"""Leads the journeys of all runs of one engine whose machines do not see the server's folders: one thread, however many runs there are."""

from __future__ import annotations

import threading
import time
import traceback
from collections import deque
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from dhc.cluster.journey import Ask, Journey, Pause, Shared, Steps
from dhc.cluster.letters import packed, unpacked
from dhc.files.messages import Message, MessageError

LARGE = 2  # large questions on their way at once, so that they need little of the engine's memory
PATIENCE = 0.1  # seconds to wait for answers before those are looked at whose pause is over
RESTART = 1.0  # seconds after which a journey that broke off begins again


class Post(Protocol):
    """The lines to the outposts of runs. Safe to be used by one thread while others hand runs out."""

    def send(self, run: str, question: bytes) -> None:
        """Ask; a run is asked nothing else before its answer has come."""

    def answers(self, patience: float) -> Mapping[str, bytes | None]:
        """What has come within so many seconds, by run; None where a line broke."""


@dataclass
class _Trip:
    """A journey on its way: what it waits for."""

    journey: Journey
    steps: Steps[None]
    pause_until: float | None = 0.0
    is_asked: bool = False
    is_large: bool = False
    number: int = 0  # of the question that was asked last, which its answer repeats


class Courier:
    """The journeys of all runs; `work` leads them in a thread of its own."""

    def __init__(self, post: Post) -> None:
        self._post, self._lock = post, threading.RLock()
        self._shared = Shared(ThreadPoolExecutor(1, thread_name_prefix="courier"))
        self._trips: dict[str, _Trip] = {}
        self._number = 0
        self._large: deque[tuple[str, bytes]] = deque()

    def start(self) -> None:
        """Lead the journeys from now on, as long as this process lives."""
        threading.Thread(target=self._work, name="courier", daemon=True).start()

    def carry(self, folder: Path, fence: int) -> None:
        """Begin a run's journey, or find it where it is."""
        with self._lock:
            self.drop(folder.name)
            journey = Journey(folder, fence, self._shared)
            self._trips[folder.name] = _Trip(journey, journey.steps())

    def drop(self, run: str) -> None:
        """End a run's journey where it is: from when this returns, nothing is written of it any more."""
        with self._lock:
            if (trip := self._trips.pop(run, None)) is not None:
                trip.steps.close()
                self._large = deque(item for item in self._large if item[0] != run)

    def journey(self, run: str) -> Journey | None:
        """A run's journey; None for a run that has none."""
        trip = self._trips.get(run)
        return None if trip is None else trip.journey

    def _work(self) -> None:
        while True:
            try:
                self.step(PATIENCE)
            except Exception:  # noqa: BLE001 - a bug with one run must not hold up all others
                traceback.print_exc()
                time.sleep(RESTART)

    def step(self, patience: float) -> None:
        """Look once at what has come within so many seconds, and ask what is to be asked next."""
        with self._lock:
            now = time.monotonic()
            for run, trip in list(self._trips.items()):
                if trip.pause_until is not None and trip.pause_until <= now:
                    self._advance(run, trip, None)
            self._send_large()
            is_idle = not any(trip.is_asked for trip in self._trips.values())
        if is_idle:
            time.sleep(patience / 5)
            return
        answers = self._post.answers(patience)
        with self._lock:
            for run, data in answers.items():
                if (answered := self._trips.get(run)) is not None and answered.is_asked:
                    self._hear(run, answered, data)
            self._send_large()

    def _hear(self, run: str, trip: _Trip, data: bytes | None) -> None:
        try:
            answer = None if data is None else unpacked(data)
        except MessageError as error:
            trip.journey.problem, answer = f"its machine answers what nobody understands ({error})", None
        if answer is not None and answer.values.get("number") != trip.number:
            return  # to what was asked before the journey began again
        trip.is_asked = trip.is_large = False
        if answer is None:
            self._restart(trip)
        else:
            self._advance(run, trip, answer)

    def _advance(self, run: str, trip: _Trip, answer: Message | None) -> None:
        """Go on with a journey until it asks, pauses or ends."""
        trip.pause_until = None
        try:
            step = next(trip.steps) if answer is None else trip.steps.send(answer)
        except StopIteration:
            return
        except Exception as error:  # noqa: BLE001 - it begins again where it is
            traceback.print_exc()
            trip.journey.problem = (
                f"something of ours broke on its way back ({type(error).__name__}); it is tried again"
            )
            self._restart(trip)
            return
        if isinstance(step, Pause):
            trip.pause_until = time.monotonic() + step.seconds
            return
        self._ask(run, trip, step)

    def _ask(self, run: str, trip: _Trip, question: Ask) -> None:
        self._number += 1
        trip.number = self._number
        message = question.message
        data = packed(Message({**message.values, "number": trip.number}, message.arrays))
        if question.is_large:
            self._large.append((run, data))
            return
        self._send(run, trip, data)

    def _send(self, run: str, trip: _Trip, data: bytes) -> None:
        trip.is_asked = True
        try:
            self._post.send(run, data)
        except Exception:  # noqa: BLE001 - whatever the engine raises for a line that is gone: the others go on
            traceback.print_exc()
            trip.is_asked = trip.is_large = False
            self._restart(trip)

    def _send_large(self) -> None:
        while self._large and sum(trip.is_large for trip in self._trips.values()) < LARGE:
            run, data = self._large.popleft()
            trip = self._trips[run]
            trip.is_large = True
            self._send(run, trip, data)

    def _restart(self, trip: _Trip) -> None:
        trip.steps.close()
        if trip.journey.is_over:  # what remains to be cleared away there, the next run on that machine clears away
            trip.journey.is_back = True
            return
        problem, trip.journey = trip.journey.problem, Journey(trip.journey.folder, trip.journey.fence, self._shared)
        trip.journey.problem = problem
        trip.steps = trip.journey.steps()
        trip.pause_until = time.monotonic() + RESTART
