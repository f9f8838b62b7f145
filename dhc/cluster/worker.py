"""``python -m dhc.cluster.worker RUNS_DIR ENGINE``: drains the queue of an engine, and keeps what it says of each run.

The engine decides where and when a run begins; this hands out what waits, in the queue's order, and no more than the engine takes. A
worker that dies leaves everything as it is: the next one finds the runs again, by the engine's word and by their own signs of life.

No run stops the queue: one whose folder cannot be written to is passed over, and said once. Where the cluster does not answer, a run
that a person ends is ended all the same.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from dhc.cluster import engines, handing, roster
from dhc.cluster.engine import Engine, EngineError, Hand, Word
from dhc.cluster.record import Cluster, write_cluster
from dhc.cluster.roster import Entry, Roster
from dhc.cluster.settings import machines_of
from dhc.cluster.trial import refusal
from dhc.errors import sentence
from dhc.files import remove
from dhc.files.lock import Timeout, hold_lock
from dhc.files.write import temporary_names
from dhc.jobs.announcement import Announcement
from dhc.runs import pulse, room, rundir
from dhc.runs.contract import Handed, Worker
from dhc.runs.identity import identify
from dhc.runs.status import State, status_of

POLL = 1.0  # seconds between two looks
SEEN = 2.0  # seconds between two records of what is seen of the cluster
AGAIN = 5.0  # seconds after which a cluster that does not answer is asked again
REMAINS = 30.0  # seconds that what the engine still knows of ended runs is waited for
FREE_BYTES = 50_000_000  # as for a run of this machine
BROKEN = "something of ours broke, and is tried again: the worker's log says what"


def main(arguments: list[str]) -> int:
    """Work until no run of the engine waits or goes on; returns the exit status."""
    runs_dir, name = Path(arguments[0]).resolve(), arguments[1]
    record = rundir.worker_file(runs_dir, name)
    while Roster(runs_dir, name).entries():
        try:
            with hold_lock(record.with_suffix(".lock"), 0):
                files = (record.name, rundir.cluster_file(runs_dir, name).name)
                remove.leftovers(runs_dir, temporary_names("|".join(map(re.escape, files))))
                announcement = Announcement(record)
                try:
                    announcement.write()
                    if not Drain(runs_dir, engines.engine_of(name, runs_dir), announcement).work():
                        return 0
                finally:
                    announcement.withdraw()
        except Timeout:
            with contextlib.suppress(OSError):
                roster.nudge(runs_dir, name)  # another worker is at it
            return 0
        except OSError as error:
            print(f"the queue of {name} cannot be worked on: {sentence(error)}", file=sys.stderr)
            return 1
    return 0


class Drain:
    """Everything that one worker does with one engine."""

    def __init__(self, runs_dir: Path, engine: Engine, announcement: Announcement) -> None:
        self._runs_dir, self._engine, self._announcement = runs_dir, engine, announcement
        self._roster, self._watch = Roster(runs_dir, engine.name), handing.Watch(engine)
        self._cluster, self._seen, self._again = Cluster(), -SEEN, 0.0
        self._me, self._remains = identify(os.getpid()), 0
        self._settings = machines_of(runs_dir)
        self._names: set[str] = set()  # of the runs at the last look
        self._complaints: set[str] = set()

    def work(self) -> bool:
        """Until no run of the engine waits or goes on; False where another worker has taken this one's place."""
        idle_since = pulse.clock()
        try:
            while not self._is_replaced():
                start = pulse.clock()
                entries = self._roster.entries()
                if entries:
                    idle_since = start
                self._look(entries)
                if not entries and (not self._remains or start - idle_since > REMAINS):
                    return True
                time.sleep(max(POLL, pulse.clock() - start))
            return False
        finally:
            self._engine.close()

    def _is_replaced(self) -> bool:
        """Whether another worker is at it: a file server lets go of the lock of a machine that slept too long."""
        record = Worker.load(rundir.worker_file(self._runs_dir, self._engine.name))
        return record is not None and record.worker is not None and record.worker != self._me

    def _look(self, entries: Sequence[Entry]) -> None:
        now, problem = pulse.clock(), self._cluster.problem
        if (settings := machines_of(self._runs_dir)) != self._settings:
            self._settings, self._again = settings, 0.0  # what was wrong may have been mended
        if now >= self._again:
            try:
                self._engine.open()
                problem = self._settle(entries)
                self._see(problem)
            except EngineError as error:
                problem, self._again = str(error), now + AGAIN
            except Exception:  # noqa: BLE001 - the last net: a bug in one look must not leave all runs alone
                traceback.print_exc()
                problem, self._again = BROKEN, now + AGAIN
        if now < self._again:
            self._call_off(entries)
            self._note(problem)
        self._announcement.write(**({"waits": problem} if problem else {}))

    def _settle(self, entries: Sequence[Entry]) -> str:
        """Take down what the engine says of each run, hand out what it takes; returns what hinders that. Raises EngineError."""
        words, first = self._engine.words(), handing.first_turn(entries)
        for entry in entries:
            name = entry.folder.name
            self._safely(name, partial(self._watch.settle, entry, words.get(name), first))
        names = {entry.folder.name for entry in entries}
        for run_id in self._names - names - words.keys():  # it ended by itself, or a person's word ended it
            self._safely(run_id, partial(self._watch.announce, self._runs_dir / run_id))
        over = words.keys() - names
        self._names = names | over
        for run_id in over:
            self._safely(run_id, partial(self._watch.finish, self._runs_dir / run_id, words[run_id]))
        self._remains = len(over)
        return self._hand_out_next([entry for entry in entries if entry.waits], words)

    def _hand_out_next(self, waiting: Sequence[Entry], words: Mapping[str, Word]) -> str:
        """Hand out what waits, as far as the engine takes it; returns what hinders that."""
        handed = [entry for entry in waiting if entry.engine == self._engine.name]
        fresh = [entry for entry in waiting if entry not in handed and entry.folder.name not in words]
        pending = [entry for entry in handed if _waits(words.get(entry.folder.name))]
        room_for = self._engine.takes(len(pending))
        if fresh and pending and room_for <= 0 and waiting.index(fresh[0]) < waiting.index(pending[0]):
            self._safely(pending[0].folder.name, partial(self._watch.withdraw, pending[0].folder))
            room_for = self._engine.takes(len(pending) - 1)  # another run was moved before the one that waits for room
        if fresh and (lack := room.shortage(self._runs_dir, size=FREE_BYTES, purpose="to start the next run")):
            return lack
        if fresh and (promise := refusal(self._runs_dir, self._engine.name)):
            return promise
        self._hand_out([entry for entry in fresh if not entry.status.cause][: max(0, room_for)])
        return ""

    def _hand_out(self, entries: Sequence[Entry]) -> None:
        hands: list[Hand] = []

        def renew(entry: Entry) -> None:
            if status_of(entry.folder).state is State.QUEUED:
                fence = Handed.renew(entry.folder, self._engine.name)
                hands.append(Hand(entry.folder, fence, entry.request.group))

        for entry in entries:
            self._safely(entry.folder.name, partial(renew, entry))
        if hands:
            try:
                self._engine.hand_out(hands)
            except EngineError:
                for hand in hands:
                    self._safely(hand.folder.name, partial(handing.take_back, hand.folder))
                raise

    def _call_off(self, entries: Sequence[Entry]) -> None:
        """End what a person wants ended while the cluster does not answer."""
        for entry in filter(self._watch.is_called_off, entries):
            self._safely(entry.folder.name, partial(self._watch.call_off, entry))

    def _safely(self, name: str, act: Callable[[], None]) -> None:
        """Do something with one run, whose troubles are no other run's. Raises EngineError."""
        try:
            act()
        except EngineError:
            raise
        except OSError as error:  # its folder is gone, or cannot be written to
            complaint = f"{name}: {sentence(error)}"
            if complaint not in self._complaints:
                self._complaints.add(complaint)
                print(complaint, file=sys.stderr)
        except Exception:  # noqa: BLE001 - the last net for one run
            traceback.print_exc()

    def _see(self, problem: str) -> None:
        """Write down what the cluster looks like, if it is time for that. Raises EngineError."""
        if pulse.clock() - self._seen >= SEEN or problem != self._cluster.problem:
            nodes, width = list(self._engine.nodes()), max(0, self._engine.width())
            self._save(Cluster(nodes=nodes, width=width, problem=problem, seen_at=time.time()))

    def _note(self, problem: str) -> None:
        """Write down that the cluster does not answer, and what was last seen of it."""
        if pulse.clock() - self._seen >= SEEN or problem != self._cluster.problem:
            now = {"problem": Cluster(problem=problem).problem, "seen_at": time.time()}
            self._save(self._cluster.model_copy(update=now))

    def _save(self, cluster: Cluster) -> None:
        self._seen, self._cluster = pulse.clock(), cluster
        try:
            write_cluster(self._runs_dir, self._engine.name, self._cluster)
        except OSError as error:
            print(f"what the cluster looks like cannot be written down: {sentence(error)}", file=sys.stderr)


def _waits(word: Word | None) -> bool:
    """Whether a run that was handed out waits for room, as far as the engine says."""
    return word is None or word.state == "waits"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
