"""What the worker of an engine asks of it: which machines there are, who runs where, and to run one more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from dhc.cluster.record import Node
from dhc.errors import UserError
from dhc.runs.contract import Cause


class EngineError(UserError):
    """The cluster does not answer, or refuses something: a sentence that says how to mend it."""


class NotYetError(EngineError):
    """The cluster has not answered so far; it may if it is asked again."""


@dataclass(frozen=True)
class Hand:
    """A run that is handed out: its folder, the number of this handing out, and the sweep that it belongs to."""

    folder: Path
    fence: int
    group: str = ""


@dataclass(frozen=True)
class Word:
    """What an engine says of a run.

    state   waits for room; runs; ended, with an exit status where one is known; lost, with its machine; returned by the engine, to be
            handed out again
    job     what the engine calls it
    node    the machine that it runs, or ran, on
    reason  what it waits for, or why it ended, in words
    fence   of the handing out that is meant
    code    its exit status, negative for a signal; None where unknown
    cause   why the engine itself ended it; "" where it did not
    """

    state: Literal["waits", "runs", "ended", "lost", "returned"]
    job: str = ""
    node: str = ""
    reason: str = ""
    fence: int = 0
    code: int | None = None
    cause: Cause | Literal[""] = ""


class Engine(Protocol):
    """A cluster that runs what it is handed. Every method may raise EngineError; after that `open` is called again."""

    name: str

    def open(self) -> None:
        """Reach the cluster; at once where that is so already."""

    def close(self) -> None:
        """Let go of it; what it runs goes on."""

    def nodes(self) -> Sequence[Node]:
        """Its machines, those that are gone as well, as far as it knows them."""

    def width(self) -> int:
        """How many runs with today's settings find room at once on all machines that are there."""

    def takes(self, waiting: int) -> int:
        """How many more runs may be handed out now, of which `waiting` wait for room already."""

    def hand_out(self, hands: Sequence[Hand]) -> None:
        """Have runs attended by `dhc.cluster.attendant` wherever there is room."""

    def adopt(self, hand: Hand, node: str) -> bool:
        """Have a run attended again that trains on that machine though its attendant is gone; False where it cannot be."""

    def words(self) -> Mapping[str, Word]:
        """What it says of each run that was handed out and not forgotten, by the run's id."""

    def cancel(self, run_id: str) -> None:
        """End a run, wherever it stands, at once; nothing where it is not known."""

    def forget(self, run_id: str) -> None:
        """A run's end is recorded: it need not be remembered any more."""
