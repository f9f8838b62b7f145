"""What a soak does to a queue while it works, at random, and a record of what was done to which run."""

from __future__ import annotations

import collections
import contextlib
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from dhc.errors import RunError
from dhc.jobs import control, launch
from dhc.jobs.hung import end_hung_worker
from dhc.runs import rundir
from dhc.runs.contract import Process
from dhc.runs.identity import is_alive
from dhc.runs.room import files_left
from dhc.runs.store import RunInfo, Store
from dhc.runs.workers import worker_record

FULL_SECONDS = 1.5  # that the disk takes no file at a time
RENAMED = "20260101-000000-knn-{:04x}"


class Disturber:
    """Does one thing at a time; `deeds` says by run what was done to it or while it was in hand."""

    def __init__(self, runs_dir: Path, rng: random.Random, *, may_fill: bool) -> None:
        self._runs_dir, self._rng, self._store = runs_dir, rng, Store(runs_dir)
        self._paused: set[int] = set()
        self._filler, self._full_until = runs_dir.parent / "filler", 0.0
        self.server: int | None = None
        self.deeds: dict[str, set[str]] = collections.defaultdict(set)
        self.counts: collections.Counter[str] = collections.Counter()
        self.removed: set[str] = set()
        weights: dict[Callable[[], bool], int] = {
            self._kill_child: 4,
            self._kill_worker: 3,
            self._kill_both: 2,
            self._kill_server: 1,
            self._hang_worker: 3,
            self._hang_worker_of_the_dead: 3,
            self._pause_child: 2,
            self._remove_folder: 2,
            self._rename_folder: 1,
            self._take_all_inodes: 2 if may_fill else 0,
        }
        self._choices, self._weights = list(weights), list(weights.values())

    def disturb(self) -> None:
        """Do one of it, or nothing."""
        if time.monotonic() > self._full_until:
            self.give_back_inodes()
        if self._rng.random() < 0.6:
            deed = self._rng.choices(self._choices, self._weights)[0]
            with contextlib.suppress(psutil.Error, ProcessLookupError, OSError):
                if deed():
                    self.counts[deed.__name__.lstrip("_").replace("_", " ")] += 1

    def mend(self, infos: list[RunInfo], *, all_of_it: bool = False) -> None:
        """What a person would click now and then: kill, resume the queue, let what was paused go on."""
        for info in infos:
            if info.status.cause == "hung" and info.state == "crashed" and (all_of_it or self._rng.random() < 0.3):
                self._kill(info.id)
        if all_of_it or self._rng.random() < 0.2:
            with contextlib.suppress(RunError):
                launch.work(self._runs_dir)  # the click after a worker's death
        for pid in [pid for pid in self._paused if all_of_it or self._rng.random() < 0.1]:
            self._paused.discard(pid)
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    def end(self) -> None:
        """Undo what lasts."""
        self.give_back_inodes()
        self.mend(self._store.runs(), all_of_it=True)
        with contextlib.suppress(RunError):
            end_hung_worker(self._runs_dir, "cpu")

    def give_back_inodes(self) -> None:
        """Let the disk take files again."""
        self._full_until = 0.0
        shutil.rmtree(self._filler, ignore_errors=True)

    def _kill(self, run_id: str) -> None:
        with contextlib.suppress(RunError, OSError):
            self.deeds[run_id].add("kill")
            control.kill(self._runs_dir, run_id)

    def _training(self) -> tuple[str, Process] | None:
        """A run that trains now."""
        for path in self._runs_dir.glob(f"*/{rundir.PROCESS}"):
            process = Process.of(path.parent)
            if process.child and is_alive(process.child, process.host):
                return path.parent.name, process
        return None

    def _worker(self) -> tuple[int, str] | None:
        """The worker's number and the run that it has in hand, or ""."""
        record = worker_record(self._runs_dir, "cpu")
        if record.worker is None or record.worker.pid is None or not is_alive(record.worker, record.host):
            return None
        return record.worker.pid, record.run

    def _signal(self, number: int, who: str) -> bool:
        """Send a signal to the ``child`` or the ``worker``, and write the deed down first."""
        training, worker = self._training(), self._worker()
        if who == "child" and training is not None and training[1].child is not None:
            pid, run_id = training[1].child.pid, training[0]
        elif who == "worker" and worker is not None:
            pid, run_id = worker
            run_id = run_id or (training[0] if training is not None else "")
        else:
            return False
        if pid is None or (number == signal.SIGSTOP and pid in self._paused):
            return False
        word = "stop" if number == signal.SIGSTOP else "end"
        self.deeds[run_id].add(f"{word} {who}")
        if training is not None:
            self.deeds[training[0]].add(f"{word} {who}")
        os.kill(pid, number)
        if number == signal.SIGSTOP:
            self._paused.add(pid)
        return True

    def _kill_child(self) -> bool:
        return self._signal(signal.SIGKILL, "child")

    def _kill_worker(self) -> bool:
        return self._signal(signal.SIGKILL, "worker")

    def _kill_both(self) -> bool:
        worker = self._signal(signal.SIGKILL, "worker")
        return self._signal(signal.SIGKILL, "child") or worker

    def _kill_server(self) -> bool:
        if self.server is None or not psutil.pid_exists(self.server):
            return False
        os.kill(self.server, signal.SIGKILL)
        return True

    def _hang_worker(self) -> bool:
        return self._signal(signal.SIGSTOP, "worker")

    def _hang_worker_of_the_dead(self) -> bool:
        return self._training() is not None and self._hang_worker() and self._kill_child()

    def _pause_child(self) -> bool:
        training = self._training()
        if training is None or not self._signal(signal.SIGSTOP, "child"):
            return False
        if self._rng.random() < 0.5:
            self._kill(training[0])
        return True

    def _remove_folder(self) -> bool:
        ids = [run_id for run_id in self._store.ids() if "renamed" not in self.deeds[run_id]]
        if not ids:
            return False
        run_id = self._rng.choice([*ids[:10], *([training[0]] if (training := self._training()) else [])])
        self.removed.add(run_id)
        while (self._runs_dir / run_id).exists():
            shutil.rmtree(self._runs_dir / run_id, ignore_errors=True)
        return True

    def _rename_folder(self) -> bool:
        training = self._training()
        if training is None or "renamed" in self.deeds[training[0]]:
            return False
        name = RENAMED.format(len(self.removed))
        self.deeds[name] = self.deeds[training[0]] | {"renamed"}
        self.deeds[training[0]].add("renamed")
        self.removed.add(training[0])
        (self._runs_dir / training[0]).rename(self._runs_dir / name)
        return True

    def _take_all_inodes(self) -> bool:
        self._filler.mkdir(exist_ok=True)
        number = 0
        with contextlib.suppress(OSError):
            while files_left(self._filler):
                (self._filler / f"{number}").touch()
                number += 1
        self._full_until = time.monotonic() + FULL_SECONDS
        self.look()
        return True

    def look(self) -> None:
        """Write down which runs were there while the disk took no files."""
        if self._full_until:
            for run_id in self._store.ids():
                self.deeds[run_id].add("no inodes")


def server_command(command: list[str], rng: random.Random) -> list[str]:
    """The command, half of the time on a machine of another name, where such a name can be given to a process alone."""
    if sys.platform != "linux" or os.geteuid() != 0 or rng.random() < 0.5:
        return command
    return ["unshare", "--uts", "sh", "-c", 'hostname laptop-on-wifi && exec "$@"', "sh", *command]
