"""The lines to the outposts of runs, through their actors in Ray."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ray
import ray.exceptions as faults

SMALL = 100_000  # bytes that may go along with a call


class RayPost:
    """Asks through the actors that it is told of; see `dhc.cluster.courier.Post`."""

    def __init__(self) -> None:
        self._actors: dict[str, Any] = {}
        self._questions: dict[str, Any] = {}  # by run: what was asked last and is not answered yet

    def connect(self, run: str, actor: Any) -> None:
        """From now on, ask a run through this actor."""
        self._actors[run] = actor

    def send(self, run: str, question: bytes) -> None:
        """Ask a run; what is large goes by way of Ray's store of objects."""
        words = question if len(question) <= SMALL else ray.put(question)
        self._questions[run] = self._actors[run].ask.remote(words)

    def answers(self, patience: float) -> Mapping[str, bytes | None]:
        """What has come within so many seconds, by run; None where an actor has ended, or does not answer."""
        runs = {question: run for run, question in self._questions.items()}
        if not runs:
            return {}
        ray.wait(list(runs), num_returns=1, timeout=patience)
        answered, _ = ray.wait(list(runs), num_returns=len(runs), timeout=0)
        for question in answered:
            del self._questions[runs[question]]
        try:
            answers = ray.get(answered)  # at once: each call takes its way to the cluster and back
        except faults.RayError:
            answers = [_answer(question) for question in answered]
        return {runs[question]: answer for question, answer in zip(answered, answers, strict=True)}


def _answer(question: Any) -> bytes | None:
    try:
        return bytes(ray.get(question))
    except faults.RayError:
        return None
