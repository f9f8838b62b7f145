"""What becomes of a run that was handed out: its record is kept as the engine speaks of it, and its end written down."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from dhc.cluster.engine import Engine, Hand, Word
from dhc.files import remove
from dhc.jobs import webhook
from dhc.jobs.ends import KILLED, record_end
from dhc.jobs.queue import STEP, queue
from dhc.runs import pulse, rundir
from dhc.runs.contract import MOST_LOST, Exit, Handed, Process, Request, write_exit
from dhc.runs.status import status_of

GRACE = 4.0  # seconds that a training's own attendant has to record its end before this does
GONE = 30.0  # seconds of silence after which a run that the engine does not know is lost
UNKNOWN = "the cluster knows nothing of it any more, and its training gives no sign of life"
GIVEN_UP = "it was lost with {count} machines one after the other ({nodes}), and is given up: see what they have in common, then resume"


def take_back(folder: Path, **about: Any) -> None:
    """Have the run wait in the queue again; `about` may say with which machines it was `lost`. Raises OSError.

    Its number rises, so that whatever trains it where nobody can see that ends: a run that waits does nothing else.
    """
    Handed.renew(folder, **about)
    remove.file(folder / rundir.PROCESS)


class Watch:
    """Keeps the records of all runs of one engine as it speaks of them."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._since: dict[tuple[str, str], float] = {}  # since when something is so of a run

    def settle(self, folder: Path, word: Word | None) -> None:
        """Take down what the engine says of a run that has not ended. Raises OSError, EngineError."""
        handed = Handed.of(folder)
        if not handed.engine:
            return  # it waits for its turn
        if self._is_called_off(folder):
            self._end_called_off(folder)
        elif word is None or word.fence != handed.fence:
            self._unknown(folder, handed)
        elif word.state == "lost":
            self._lost(folder, word.node or handed.node)
        elif word.state == "returned" or word.code == rundir.TAKEN:
            self._returned(folder)
        elif word.state == "ended":
            self._ended(folder, word)
        else:
            self._note(folder, handed, word)

    def withdraw(self, folder: Path) -> None:
        """Have a run that waits for room in the cluster wait here instead. Raises OSError, EngineError."""
        self._engine.cancel(folder.name)
        take_back(folder)

    def finish(self, folder: Path) -> None:
        """Forget a run that has ended, or that is gone. Raises OSError, EngineError."""
        self._engine.forget(folder.name)
        self._since = {key: t for key, t in self._since.items() if key[1] != folder.name}
        if Exit.read(folder) is not None:
            webhook.announce(folder)

    def _is_called_off(self, folder: Path) -> bool:
        """Whether a person killed it, or took it out while it waited."""
        return os.path.lexists(folder / rundir.KILL) or status_of(folder).cause == "cancelled"

    def _end_called_off(self, folder: Path) -> None:
        self._engine.cancel(folder.name)
        if status_of(folder).cause == "cancelled":
            take_back(folder)
        elif Exit.read(folder) is None and self._has_been("killed", folder, GRACE):
            Handed.renew(folder)  # whatever of it still trains where nobody can reach it ends by itself
            write_exit(folder, "killed", KILLED, cause="kill", signal=9)

    def _note(self, folder: Path, handed: Handed, word: Word) -> None:
        self._since = {key: t for key, t in self._since.items() if key[1] != folder.name}
        changes = {"job": word.job, "node": word.node, "reason": word.reason}
        if any(getattr(handed, name) != value for name, value in changes.items()):
            handed.model_copy(update=changes).write(folder)
        if word.state == "waits" and not pulse.is_fresh(folder, handed.fence):
            remove.file(
                folder / rundir.PROCESS
            )  # the engine begins it once more by itself: what has trained it is gone

    def _unknown(self, folder: Path, handed: Handed) -> None:
        """The engine does not know it: a head that was started anew, or an attendant that was killed."""
        silence = pulse.silence(folder, handed.fence)
        if silence is not None and silence <= pulse.SILENCE:
            self._engine.adopt(Hand(folder, handed.fence), handed.node)
        elif silence is None and Process.read(folder) is None:
            if self._has_been("unknown", folder, GRACE):
                take_back(folder)  # it had not begun
        elif self._has_been("unknown", folder, GONE):
            self._lost(folder, handed.node)

    def _lost(self, folder: Path, node: str) -> None:
        """It goes on elsewhere, from its last saved epoch; one that was lost again and again in one epoch is given up."""
        self._engine.forget(folder.name)
        handed, epoch = Handed.of(folder), rundir.next_epoch(folder)
        machines = (*(handed.lost if handed.epoch == epoch else ()), node or "an unknown one")
        if len(machines) >= MOST_LOST:
            Handed.renew(folder, lost=())
            reason = GIVEN_UP.format(count=len(machines), nodes=", ".join(dict.fromkeys(machines)))
            record_end(folder, 1, reason=reason, cause="node")
            return
        self._queue_first(folder)
        take_back(folder, lost=machines, epoch=epoch)

    def _returned(self, folder: Path) -> None:
        if Exit.read(folder) is None and self._has_been("returned", folder, GRACE):
            self._engine.forget(folder.name)
            self._queue_first(folder)
            take_back(folder)

    def _queue_first(self, folder: Path) -> None:
        waiting = queue(folder.parent, self._engine.name)
        place = min([time.time(), *(Request.of(other).turn - STEP for other in waiting)])
        Request.change(folder, place=place)

    def _ended(self, folder: Path, word: Word) -> None:
        """Its attendant is gone: what that could not record is recorded here."""
        if Exit.read(folder) is None and self._has_been("ended", folder, GRACE):
            if word.cause:
                Handed.renew(folder)
            record_end(folder, 1 if word.code is None else word.code, reason=word.reason, cause=word.cause or "error")

    def _has_been(self, what: str, folder: Path, seconds: float) -> bool:
        since = self._since.setdefault((what, folder.name), time.monotonic())
        return time.monotonic() - since >= seconds
