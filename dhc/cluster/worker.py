"""``python -m dhc.cluster.worker RUNS_DIR ENGINE``: drains the queue of an engine, and keeps what it says of each run.

The engine decides where and when a run begins; this hands out what waits, in the queue's order, and no more than the engine takes. A
worker that dies leaves everything as it is: the next one finds the runs again, by the engine's word and by their own signs of life.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from dhc.cluster import engines, handing
from dhc.cluster.engine import Engine, EngineError, Hand
from dhc.cluster.record import Cluster, write_cluster
from dhc.cluster.trial import refusal
from dhc.errors import sentence
from dhc.files import remove
from dhc.files.lock import Timeout, hold_lock
from dhc.files.write import temporary_names
from dhc.jobs.announcement import Announcement
from dhc.jobs.queue import queue, unended
from dhc.runs import room, rundir
from dhc.runs.contract import Handed, Request
from dhc.runs.status import State, status_of

POLL = 1.0  # seconds between two looks
SEEN = 2.0  # seconds between two records of what is seen of the cluster
AGAIN = 5.0  # seconds after which a cluster that does not answer is asked again
FREE_BYTES = 50_000_000  # as for a run of this machine


def main(arguments: list[str]) -> int:
    """Work until no run of the engine waits or goes on; returns the exit status."""
    runs_dir, name = Path(arguments[0]).resolve(), arguments[1]
    record = rundir.worker_file(runs_dir, name)
    while unended(runs_dir, name):
        try:
            with hold_lock(record.with_suffix(".lock"), 0):
                remove.leftovers(runs_dir, temporary_names(re.escape(record.name)))
                announcement = Announcement(record)
                try:
                    Drain(runs_dir, engines.engine_of(name, runs_dir), announcement).work()
                finally:
                    announcement.withdraw()
        except Timeout:
            return 0  # another worker is at it
        except OSError as error:
            print(f"the queue of {name} cannot be worked on: {sentence(error)}", file=sys.stderr)
            return 1
    return 0


class Drain:
    """Everything that one worker does with one engine."""

    def __init__(self, runs_dir: Path, engine: Engine, announcement: Announcement) -> None:
        self._runs_dir, self._engine, self._announcement = runs_dir, engine, announcement
        self._cluster, self._seen, self._again = Cluster(), -SEEN, 0.0
        self._watch = handing.Watch(engine)

    def work(self) -> None:
        """Until no run of the engine waits or goes on."""
        try:
            while folders := unended(self._runs_dir, self._engine.name):
                self._look(folders)
                time.sleep(POLL)
            self._look([])  # those that ended last are forgotten, too
        finally:
            self._engine.close()

    def _look(self, folders: Sequence[Path]) -> None:
        now, problem = time.monotonic(), self._cluster.problem
        if now >= self._again:
            try:
                self._engine.open()
                problem = self._settle(folders)
            except EngineError as error:
                problem, self._again = str(error), now + AGAIN
        if now - self._seen >= SEEN or problem != self._cluster.problem:
            self._seen = now
            self._write(problem)
        self._announcement.write(**({"waits": problem} if problem else {}))

    def _settle(self, folders: Sequence[Path]) -> str:
        """Take down what the engine says of each run, hand out what it takes; returns what hinders that. Raises EngineError."""
        words = self._engine.words()
        for folder in folders:
            try:
                self._watch.settle(folder, words.get(folder.name))
            except OSError as error:  # its folder is gone, or cannot be written to: the others go on
                print(f"{folder.name}: {sentence(error)}", file=sys.stderr)
        for run_id in words.keys() - {folder.name for folder in folders}:
            self._watch.finish(self._runs_dir / run_id)
        waiting = queue(self._runs_dir, self._engine.name)
        handed = [folder for folder in waiting if Handed.of(folder).engine]
        fresh = [folder for folder in waiting if folder not in handed]
        pending = [folder for folder in handed if folder.name in words and words[folder.name].state == "waits"]
        is_full = self._engine.takes(len(pending)) <= 0
        if fresh and pending and is_full and waiting.index(fresh[0]) < waiting.index(pending[0]):
            self._watch.withdraw(pending.pop(0))  # another run was moved before the one that waits for room
        if fresh and (lack := room.shortage(self._runs_dir, size=FREE_BYTES, purpose="to start the next run")):
            return lack
        if fresh and (promise := refusal(self._runs_dir, self._engine.name)):
            return promise
        self._hand_out(fresh[: self._engine.takes(len(pending))])
        return ""

    def _hand_out(self, folders: Sequence[Path]) -> None:
        hands = [
            Hand(folder, Handed.renew(folder, self._engine.name), Request.of(folder).group)
            for folder in folders
            if status_of(folder).state is State.QUEUED
        ]
        if hands:
            try:
                self._engine.hand_out(hands)
            except EngineError:
                for hand in hands:
                    handing.take_back(hand.folder)
                raise

    def _write(self, problem: str) -> None:
        cluster = self._cluster
        if not problem:
            try:
                cluster = Cluster(nodes=list(self._engine.nodes()), width=self._engine.width())
            except EngineError as error:
                problem = str(error)
        self._cluster = cluster.model_copy(update={"problem": problem, "seen_at": time.time()})
        try:
            write_cluster(self._runs_dir, self._engine.name, self._cluster)
        except OSError as error:
            print(f"what the cluster looks like cannot be written down: {sentence(error)}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
