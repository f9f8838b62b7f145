"""A soak of a Ray cluster: many runs of one-second epochs, while nodes, raylets, head, worker and network fail at random.

    PYTHONPATH=tests:. python -m cluster.soak [--runs 60] [--epochs 8] [--nodes 3] [--seed 0]

The cluster, its network, the worker, the attendants, the fences and the run folders are real ones; only the network of a training is
left out (`cluster.stand_in`). At the end no run may have been trained twice or be lost, no epoch be lost, and no process or lock be left.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import json
import math
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from processes import kill_processes_of, processes_of, wait_until

from cluster.local_engine import STAND_IN
from cluster.ray_cluster import RayCluster
from dhc.cluster.settings import Machines, RaySettings, write_machines
from dhc.config import RunConfig
from dhc.files.lock import Timeout, hold_lock
from dhc.jobs import launch
from dhc.runs import rundir
from dhc.runs.config_file import write_config
from dhc.runs.contract import Exit, Handed, Request
from dhc.runs.status import State, status_of

BREAK = (2.0, 8.0)  # seconds that something is broken, at least and at most
PAUSE = (1.0, 4.0)  # seconds between two disturbances, unless something else is said
AFTERLIFE = 45.0  # seconds that processes may live on when all runs are over
TRUE = {State.QUEUED, State.RUNNING, State.STOPPING, State.UNHEARD, State.FINISHED}


@dataclass
class Outcome:
    """What a soak left behind."""

    seconds: float = 0.0
    deeds: collections.Counter[str] = field(default_factory=collections.Counter)
    fences: list[int] = field(default_factory=list)
    resumed: int = 0
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        deeds = ", ".join(f"{count} × {deed}" for deed, count in self.deeds.most_common())
        handed_out = sum(-(-fence // 2) for fence in self.fences)  # each taking back raises the number as well
        head = f"{len(self.fences)} runs in {self.seconds:.0f} s, handed out {handed_out} times, gone on from a state {self.resumed} times"
        return "\n  ".join([f"{head}; done to them: {deeds}", *self.faults])


class Disturber:
    """Breaks one thing after the other, and mends each a while later; at least one node is left whole, but for the head's end."""

    def __init__(self, cluster: RayCluster, runs_dir: Path, rng: random.Random) -> None:
        self._cluster, self._runs_dir, self._rng = cluster, runs_dir, rng
        self._broken: set[str] = set()
        self._repairs: list[tuple[float, Callable[[], object]]] = []
        self.counts: collections.Counter[str] = collections.Counter()
        weights: dict[Callable[[], bool], int] = {
            self._kill_raylet: 4,
            self._cut_network: 4,
            self._cut_network_for_a_moment: 2,
            self._kill_node: 5,
            self._kill_head: 1,
            self._kill_worker: 3,
            self._kill_link: 1,
            self._kill_attendant: 3,
            self._pause_training: 3,
        }
        self._deeds, self._weights = list(weights), list(weights.values())

    def disturb(self) -> None:
        """Do one of it, or nothing where that cannot be."""
        deed = self._rng.choices(self._deeds, self._weights)[0]
        with contextlib.suppress(psutil.Error, ProcessLookupError):
            if deed():
                self.counts[deed.__name__.strip("_").replace("_", " ")] += 1

    def mend(self, *, all_of_it: bool = False) -> None:
        """Mend what has been broken for long enough."""
        now = time.monotonic()
        due = [repair for when, repair in self._repairs if all_of_it or when <= now]
        self._repairs = [] if all_of_it else [(when, repair) for when, repair in self._repairs if when > now]
        for repair in due:
            repair()
        if not self._processes("dhc.cluster.worker"):
            launch.start_worker(self._runs_dir, "ray")  # the click after a worker's death
            time.sleep(1.0)

    def _later(self, repair: Callable[[], object], seconds: tuple[float, float] = BREAK) -> bool:
        self._repairs.append((time.monotonic() + self._rng.uniform(*seconds), repair))
        return True

    def _node(self) -> str:
        """A node that is whole, if another one would be left; else ""."""
        whole = sorted(self._cluster.nodes.keys() - self._broken)
        if len(whole) < 2:
            return ""
        name = self._rng.choice(whole)
        self._broken.add(name)
        return name

    def _restart(self, name: str) -> None:
        if name in self._broken:
            self._cluster.heal(name)
            self._cluster.restart_node(name)
            self._broken.discard(name)

    def _kill_raylet(self) -> bool:
        name = self._node()
        if name:
            self._cluster.kill_raylet(name)
        return bool(name) and self._later(lambda: self._restart(name))

    def _kill_node(self) -> bool:
        name = self._node()
        if name:
            self._cluster.kill_node(name)
        return bool(name) and self._later(lambda: self._restart(name))

    def _cut_network(self) -> bool:
        name = self._node()
        if name:
            self._cluster.cut(name)
        return bool(name) and self._later(lambda: self._restart(name), (6.0, 12.0))

    def _cut_network_for_a_moment(self) -> bool:
        name = self._rng.choice(sorted(self._cluster.nodes.keys() - self._broken) or [""])
        if name:
            self._cluster.cut(name)
            time.sleep(1.0)
            self._cluster.heal(name)
        return bool(name)

    def _kill_head(self) -> bool:
        if self._broken:
            return False
        self._broken = set(self._cluster.nodes)
        self._cluster.kill_head()
        return self._later(self._restart_all, (1.0, 4.0))

    def _restart_all(self) -> None:
        self._cluster.start_head()
        self._cluster.restart_nodes(self._cluster.nodes)
        self._broken.clear()

    def _processes(self, word: str) -> list[psutil.Process]:
        processes = []
        for process in processes_of(self._runs_dir):
            with contextlib.suppress(psutil.Error):
                processes += [process] if word in process.cmdline() else []
        return sorted(processes, key=lambda process: process.pid)

    def _signal(self, processes: Sequence[psutil.Process], number: int) -> psutil.Process | None:
        if not processes:
            return None
        process = self._rng.choice(processes)
        process.send_signal(number)
        return process

    def _kill_worker(self) -> bool:
        return self._signal(self._processes("dhc.cluster.worker"), signal.SIGKILL) is not None

    def _kill_link(self) -> bool:
        workers = self._processes("dhc.cluster.worker")
        links = [
            child for worker in workers for child in worker.children() if "dhc.cluster.ray_link" in child.cmdline()
        ]
        return self._signal(links, signal.SIGKILL) is not None

    def _kill_attendant(self) -> bool:
        return self._signal(self._processes("dhc.cluster.attendant"), signal.SIGKILL) is not None

    def _pause_training(self) -> bool:
        process = self._signal(self._processes("cluster.stand_in"), signal.SIGSTOP)
        return process is not None and self._later(lambda: _let_go_on(process), (3.0, 25.0))


def _let_go_on(process: psutil.Process) -> None:
    with contextlib.suppress(psutil.Error):
        process.send_signal(signal.SIGCONT)


def queue_runs(runs_dir: Path, count: int, epochs: int) -> list[Path]:
    """Put runs into the queue of Ray, as a launch does."""
    config = RunConfig().with_values(
        {"data.path": str(runs_dir), "fit.epochs": epochs, "model.name": "cnn3-linear", "device.where": "ray"}
    )

    def fill(folder: Path) -> None:
        write_config(folder, config)
        Request(queued_at=time.time(), device="ray", place=time.time()).write(folder)

    return [rundir.create(runs_dir, "soak", fill) for _ in range(count)]


def soak(
    cluster: RayCluster,
    runs_dir: Path,
    *,
    runs: int,
    epochs: int,
    seed: int,
    patience: float = 1800.0,
    pause: tuple[float, float] = PAUSE,
    deeds: float = math.inf,
) -> Outcome:
    """Queue runs, disturb from the first epochs on until the last has ended or the patience has, mend all, and inspect what is there.

    pause: seconds between two disturbances, at least and at most. deeds: after how many of them all else is left to itself.
    """
    rng, start, outcome = random.Random(seed), time.monotonic(), Outcome()
    write_machines(runs_dir, Machines(ray=RaySettings(address=cluster.address, cpus=1.0)))
    folders = queue_runs(runs_dir, runs, epochs)
    launch.start_worker(runs_dir, "ray")
    disturber, next_words = Disturber(cluster, runs_dir, rng), start
    wait_until(lambda: any(rundir.next_epoch(folder) > 2 for folder in folders), "the first epochs")
    next_deed = time.monotonic()
    while (left := [folder for folder in folders if Exit.read(folder) is None]) and time.monotonic() - start < patience:
        _judge(left, outcome)
        disturber.mend()
        if time.monotonic() >= next_deed and disturber.counts.total() < deeds:
            disturber.disturb()
            next_deed = time.monotonic() + rng.uniform(*pause)
        if time.monotonic() >= next_words:
            states = collections.Counter(str(status_of(folder).state) for folder in left)
            print(
                f"{time.monotonic() - start:5.0f} s: {dict(states)}, {disturber.counts.total()} disturbances",
                flush=True,
            )
            next_words += 20.0
        time.sleep(0.2)
    outcome.seconds, outcome.deeds = time.monotonic() - start, disturber.counts
    disturber.mend(all_of_it=True)
    outcome.faults += list(_faults(runs_dir, folders, epochs, outcome))
    return outcome


def _judge(folders: Sequence[Path], outcome: Outcome) -> None:
    """No run may be said to have ended otherwise than it has."""
    for folder in folders:
        status = status_of(folder)
        if status.state not in TRUE:
            fault = f"{folder.name} was {status.state}, {status.cause}: {status.reason}"
            if fault not in outcome.faults:
                outcome.faults.append(fault)


def _faults(runs_dir: Path, folders: Sequence[Path], epochs: int, outcome: Outcome) -> Iterator[str]:
    for folder in folders:
        end = Exit.of(folder)
        if end.how != "finished":
            yield f"{folder.name}: {end.how or status_of(folder).state}, {end.cause}: {end.reason}; {Handed.of(folder)}"
        outcome.fences.append(Handed.of(folder).fence)
        yield from (
            f"{folder.name}: {fault}" for fault in _faults_of(folder, epochs, outcome, is_over=end.how == "finished")
        )
    if len(list(runs_dir.glob("*-soak-*"))) != len(folders):
        yield "there are other runs than were queued"
    deadline = time.monotonic() + AFTERLIFE
    while (survivors := processes_of(runs_dir)) and time.monotonic() < deadline:
        time.sleep(0.2)
    for process in survivors:
        with contextlib.suppress(psutil.Error):
            yield f"a process is left: {' '.join(process.cmdline())[-200:]}"
    yield from (f"held: {path}" for path in (*runs_dir.glob("*/.lock"), *runs_dir.glob(".*.lock")) if _is_held(path))


def _faults_of(folder: Path, epochs: int, outcome: Outcome, *, is_over: bool) -> Iterator[str]:
    """What is wrong with a run's events: who wrote them, in which order, and which epochs they tell of."""
    try:
        text = (folder / rundir.EVENTS).read_text(encoding="utf-8")
    except FileNotFoundError:
        yield "it never began"
        return
    events = [json.loads(line) for line in text.splitlines() if line]
    writers = [(event["fence"], event["pid"]) for event in events if "pid" in event]
    turns = [writer for i, writer in enumerate(writers) if i == 0 or writers[i - 1] != writer]
    if len(turns) != len(set(turns)) or [fence for fence, _ in turns] != sorted({fence for fence, _ in turns}):
        yield f"two processes wrote at once, or one number was given twice: {turns}"
    done: list[int] = []
    for event in events:
        if event["kind"] == "resume":
            outcome.resumed += 1
            if (
                not len(done) <= event["epoch"] <= len(done) + 1
            ):  # between its event and its state a process can be killed
                yield f"epochs were lost: it went on with epoch {event['epoch']} after {done}"
            done = done[: event["epoch"] - 1]
        elif event["kind"] == "start" and event["pid"] and not done:
            done = []
        elif event["kind"] == "epoch":
            if event["epoch"] != len(done) + 1:
                done = _begun_anew(done, event)
                if event["epoch"] != len(done) + 1:
                    yield f"epoch {event['epoch']} came after {done}"
            done.append(event["epoch"])
    if is_over and done != list(range(1, epochs + 1)):
        yield f"it finished with the epochs {done}"


def _begun_anew(done: list[int], event: dict[str, Any]) -> list[int]:
    """The epochs before one, where the first was trained again since no state of it was saved yet."""
    return [] if done == [1] and event["epoch"] == 1 else done


def _is_held(path: Path) -> bool:
    try:
        with hold_lock(path, 0):
            return False
    except Timeout:
        return True


@contextlib.contextmanager
def stand_ins(epoch: float) -> Iterator[None]:
    """Whatever is started meanwhile trains by the stand-in, with epochs of so many seconds."""
    values = {**STAND_IN, "STAND_IN_EPOCH": str(epoch)}
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def main() -> None:
    """Soak in a temporary folder and print what stayed behind."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=60)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--nodes", type=int, default=3)
    parser.add_argument("--cpus", type=int, default=3, help="runs that each node has room for")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="a folder to keep the runs in")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        stand_ins(1.0),
        RayCluster({f"node{number}": (options.cpus, 0) for number in range(1, options.nodes + 1)}) as cluster,
    ):
        runs_dir = (options.keep or Path(folder)) / "runs"
        runs_dir.mkdir(parents=True, exist_ok=True)
        print(f"seed {options.seed}", flush=True)
        try:
            outcome = soak(cluster, runs_dir, runs=options.runs, epochs=options.epochs, seed=options.seed)
        finally:
            kill_processes_of(runs_dir)
    print(outcome)
    sys.exit(bool(outcome.faults))


if __name__ == "__main__":
    main()
