"""What becomes of a run that was handed out: its record is kept as the engine speaks of it, and its end written down."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dhc.cluster.engine import Engine, Hand, Word
from dhc.cluster.roster import Entry
from dhc.files import remove
from dhc.jobs import webhook
from dhc.jobs.ends import KILLED, record_end
from dhc.jobs.queue import STEP
from dhc.runs import pulse, rundir
from dhc.runs.contract import MOST_LOST, Exit, Handed, Process, Request, write_exit

GRACE = 4.0  # seconds that a training's own attendant has to record its end before this does
GONE = 12.0  # further seconds of silence after which a run that the engine does not know is lost
ASIDE = 10.0  # seconds between two attempts to have a training attended again
LINGER = 20.0  # seconds that a run's processes may live on when it is over
NOWHERE = "an unknown one"  # a machine whose name nobody knows
GIVEN_UP = (
    "it was lost with {count} machines one after the other ({nodes}) and finished no epoch on them, so it is given up: "
    "see what they have in common, then resume"
)
STOPPED = "its machine was lost before it had stopped; what its finished epochs left is kept"


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
        self._known: set[str] = set()  # runs that were in hand here
        self._announced: set[str] = set()

    def settle(self, entry: Entry, word: Word | None, first_turn: float) -> None:
        """Take down what the engine says of a run that has not ended; `first_turn` is the queue's. Raises OSError, EngineError."""
        folder = entry.folder
        self._known.add(folder.name)
        self._announced.discard(folder.name)
        if word is None and not entry.engine and not self.is_called_off(entry):
            return  # it waits for its turn, with a thousand others perhaps
        handed = Handed.of(folder)
        if word is not None and word.fence != handed.fence:
            self._dismiss(folder.name, word)  # of an earlier handing out
            word = None
        if self.is_called_off(entry):
            if word is not None or handed.engine:
                self._engine.cancel(folder.name)
            self.call_off(entry)
        elif handed.engine != self._engine.name or os.path.lexists(folder / rundir.EXIT):
            return  # it has just ended
        elif word is None:
            self._unknown(folder, handed, first_turn)
        elif word.state == "returned" or (word.state == "ended" and word.code == rundir.LEFT):
            self._returned(folder, first_turn)
        elif word.state in ("lost", "ended") and not word.cause and pulse.is_fresh(folder, handed.fence):
            self._adopt(folder, handed)  # only its attendant, or the engine's own process there, is gone
        elif word.state == "lost":
            self._lost(folder, word.node or handed.node, first_turn)
        elif word.state == "ended" and (word.code == rundir.TAKEN or _was_killed_before_it_began(folder, handed, word)):
            self._returned(folder, first_turn)
        elif word.state == "ended":
            self._ended(folder, word)
        else:
            self._note(folder, handed, word)

    def is_called_off(self, entry: Entry) -> bool:
        """Whether a person killed it, or took it out while it waited."""
        return entry.status.cause == "cancelled" or os.path.lexists(entry.folder / rundir.KILL)

    def call_off(self, entry: Entry) -> None:
        """Write down that a person ended it, which needs no engine: what still trains it ends by its number. Raises OSError."""
        if entry.status.cause == "cancelled":
            take_back(entry.folder)
        elif Exit.read(entry.folder) is None and (not entry.engine or self._has_been("killed", entry.folder, GRACE)):
            Handed.renew(entry.folder)
            write_exit(entry.folder, "killed", KILLED, cause="kill", signal=9)
            self.announce(entry.folder)

    def withdraw(self, folder: Path) -> None:
        """Have a run that waits for room in the cluster wait here instead. Raises OSError, EngineError."""
        self._engine.cancel(folder.name)
        take_back(folder)

    def finish(self, folder: Path, word: Word) -> None:
        """Forget a run that has ended, or that is gone, once its processes have. Raises OSError, EngineError."""
        if word.state in ("waits", "runs"):
            is_gone = not folder.is_dir()
            if folder.name in self._known and (is_gone or self._has_been("over", folder, LINGER)):
                self._engine.cancel(folder.name)
            return
        self._engine.forget(folder.name)
        self._since = {key: t for key, t in self._since.items() if key[1] != folder.name}
        self.announce(folder)

    def announce(self, folder: Path) -> None:
        """Tell of a run's end, once."""
        if folder.name not in self._announced and Exit.read(folder) is not None:
            self._announced.add(folder.name)
            webhook.announce(folder)

    def _dismiss(self, run_id: str, word: Word) -> None:
        if word.state in ("waits", "runs"):
            self._engine.cancel(run_id)
        else:
            self._engine.forget(run_id)

    def _note(self, folder: Path, handed: Handed, word: Word) -> None:
        self._since = {key: t for key, t in self._since.items() if key[1] != folder.name}
        changes: dict[str, Any] = {"job": word.job, "node": word.node, "reason": word.reason}
        if word.state == "waits" and pulse.is_fresh(folder, handed.fence):
            changes = {"reason": ""}  # it trains: the engine has not heard of that yet
        elif word.state == "waits":
            remove.file(folder / rundir.PROCESS)  # the engine begins it once more by itself: what trained it is gone
        fitted = Handed(**changes)
        if any(getattr(handed, name) != getattr(fitted, name) for name in changes):
            handed.model_copy(update={name: getattr(fitted, name) for name in changes}).write(folder)

    def _unknown(self, folder: Path, handed: Handed, first_turn: float) -> None:
        """The engine does not know it: a head that was started anew, or an attendant that was killed."""
        if pulse.is_fresh(folder, handed.fence):
            self._adopt(folder, handed)
        elif Process.of(folder).fence != handed.fence:  # it had not begun
            if self._has_been("unknown", folder, GRACE):
                self._engine.cancel(folder.name)
                take_back(folder)
        elif self._has_been("unknown", folder, GONE):
            self._lost(folder, handed.node, first_turn)

    def _adopt(self, folder: Path, handed: Handed) -> None:
        """Have a training attended again that goes on alone, now and then: where that cannot be, it goes on so."""
        if self._is_time("adopted", folder, ASIDE):
            self._engine.adopt(Hand(folder, handed.fence), handed.node)

    def _lost(self, folder: Path, node: str, first_turn: float) -> None:
        """It goes on elsewhere, from its last saved epoch; one that was lost again and again is given up."""
        handed, epoch = Handed.of(folder), rundir.next_epoch(folder)
        earlier = handed.lost if handed.epoch is None or epoch <= handed.epoch else ()
        has_begun = Process.of(folder).fence == handed.fence
        machines = (*earlier, node or NOWHERE) if has_begun else earlier
        if len(machines) >= MOST_LOST:
            Handed.renew(folder)
            reason = GIVEN_UP.format(count=len(machines), nodes=", ".join(dict.fromkeys(machines)))
            record_end(folder, 1, reason=reason, cause="node")
        elif os.path.lexists(folder / rundir.STOP):
            Handed.renew(folder)
            write_exit(folder, "stopped", STOPPED, cause="stop")
        else:
            Request.change(folder, place=min(time.time(), first_turn - STEP))
            take_back(folder, lost=machines, epoch=epoch)
        self._engine.forget(folder.name)

    def _returned(self, folder: Path, first_turn: float) -> None:
        if Exit.read(folder) is None and self._has_been("returned", folder, GRACE):
            Request.change(folder, place=min(time.time(), first_turn - STEP))
            take_back(folder)
            self._engine.forget(folder.name)

    def _ended(self, folder: Path, word: Word) -> None:
        """Its attendant is gone: what that could not record is recorded here."""
        if Exit.read(folder) is None and self._has_been("ended", folder, GRACE):
            Handed.renew(folder)
            record_end(folder, 1 if word.code is None else word.code, reason=word.reason, cause=word.cause or "error")

    def _has_been(self, what: str, folder: Path, seconds: float) -> bool:
        since = self._since.setdefault((what, folder.name), pulse.clock())
        return pulse.clock() - since >= seconds

    def _is_time(self, what: str, folder: Path, seconds: float) -> bool:
        """Whether so many seconds have gone since this was last so."""
        now, last = pulse.clock(), self._since.get((what, folder.name))
        if last is not None and now - last < seconds:
            return False
        self._since[what, folder.name] = now
        return True


def _was_killed_before_it_began(folder: Path, handed: Handed, word: Word) -> bool:
    """Whether only what was to start the training was killed, which says nothing of the run."""
    return not word.cause and (word.code is None or word.code < 0) and Process.of(folder).fence != handed.fence


def first_turn(entries: Sequence[Entry]) -> float:
    """The place of the first that waits; now where none does."""
    return min((entry.request.turn for entry in entries if entry.waits), default=time.time())
