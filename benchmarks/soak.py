"""A soak of the queue: many short runs while their processes are killed at random.

    python -m benchmarks.soak [--runs 200] [--seed 0]

Every run compares a few pictures with their nearest neighbours, which takes about a second, in the same processes as a training.
"""

from __future__ import annotations

import argparse
import collections
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from filelock import FileLock, Timeout

from dhc.config import RunConfig
from dhc.data.standin.generate import make_dataset
from dhc.jobs import launch
from dhc.jobs.process import python
from dhc.runs import rundir
from dhc.runs.contract import Process, Worker
from dhc.runs.status import is_alive
from dhc.runs.store import Store

BATCH = 10  # runs that one server launches
SERVER = (
    "import sys, time; from pathlib import Path; from dhc.config import RunConfig; from dhc.jobs.launch import launch\n"
    "config = RunConfig.from_json(sys.stdin.read())\n"
    "for _ in range(int(sys.argv[2])): launch(config, Path(sys.argv[1])); time.sleep(0.05)\n"
)


@dataclass
class Outcome:
    """What a soak left behind."""

    states: collections.Counter[str] = field(default_factory=collections.Counter)
    kills: collections.Counter[str] = field(default_factory=collections.Counter)
    started_twice: list[str] = field(default_factory=list)
    processes: int = 0
    locks: list[str] = field(default_factory=list)
    seconds: float = 0.0


def soak(runs_dir: Path, data: Path, runs: int, seed: int = 0, patience: float = 1800.0) -> Outcome:
    """Queue runs by servers that come and go, kill at random, wait for the last end, inspect.

    Gives up after `patience` seconds.
    """
    config = RunConfig().with_values({"data.path": str(data), "model.name": "knn"})
    rng, outcome, start = random.Random(seed), Outcome(), time.monotonic()
    store = Store(runs_dir)
    server: subprocess.Popen[str] | None = None
    while time.monotonic() - start < patience:
        remaining = runs - len(store.ids())
        if remaining > 0 and (server is None or server.poll() is not None):
            server = _server(config, runs_dir, min(BATCH, remaining))
        alive = [info for info in store.runs() if info.state.alive]
        if remaining <= 0 and not alive:
            break
        _kill_someone(rng, runs_dir, server, outcome)
        if rng.random() < 0.2 or remaining <= 0:
            launch.work(runs_dir)  # the click after a worker's death
        time.sleep(rng.uniform(0.1, 0.8))
    if server is not None:
        server.wait()
    outcome.seconds = time.monotonic() - start
    _inspect(runs_dir, store, outcome)
    return outcome


def _server(config: RunConfig, runs_dir: Path, count: int) -> subprocess.Popen[str]:
    server = subprocess.Popen(python("-c", SERVER, str(runs_dir), str(count)), stdin=subprocess.PIPE, text=True)
    assert server.stdin is not None
    server.stdin.write(config.to_json())
    server.stdin.close()
    return server


def _kill_someone(rng: random.Random, runs_dir: Path, server: subprocess.Popen[str] | None, outcome: Outcome) -> None:
    """One of: the training, the worker, both, the server, nobody."""
    whom = rng.choices(("child", "worker", "both", "server", ""), (3, 2, 1, 1, 5))[0]
    victims = {
        "child": [_trainer(runs_dir)],
        "worker": [_worker(runs_dir)],
        "": [],
        "server": [server.pid if server else None],
    }
    for pid in victims.get(whom, [_worker(runs_dir), _trainer(runs_dir)]):
        if pid is not None and psutil.pid_exists(pid):
            os.kill(pid, signal.SIGKILL)
            outcome.kills[whom] += 1


def _worker(runs_dir: Path) -> int | None:
    record = Worker.load(rundir.worker_file(runs_dir, "cpu")) or Worker()
    return record.worker.pid if record.worker and is_alive(record.worker, record.host) else None


def _trainer(runs_dir: Path) -> int | None:
    for path in runs_dir.glob(f"*/{rundir.PROCESS}"):
        process = Process.read(path.parent) or Process()
        if process.child and is_alive(process.child, process.host):
            return process.child.pid
    return None


def _inspect(runs_dir: Path, store: Store, outcome: Outcome) -> None:
    """Count states, runs started twice, and processes and locks that stayed behind."""
    for info in store.runs():
        outcome.states[info.state.value] += 1
        starts = sum(event.get("phase") == "starting" for event in store.log(info.id).others)
        if starts > 1:
            outcome.started_twice.append(info.id)
    deadline = time.monotonic() + 10
    while (survivors := _processes(runs_dir)) and time.monotonic() < deadline:
        time.sleep(0.1)
    outcome.processes = len(survivors)
    outcome.locks = [str(path) for path in runs_dir.rglob("*.lock") if _is_held(path)]


def _processes(runs_dir: Path) -> list[int]:
    return [
        process.pid
        for process in psutil.process_iter(["cmdline", "status"])
        if process.info["status"] != psutil.STATUS_ZOMBIE
        and process.pid != os.getpid()
        and any(str(runs_dir) in word for word in process.info["cmdline"] or [])
    ]


def _is_held(path: Path) -> bool:
    try:
        with FileLock(path, timeout=0):
            return False
    except Timeout:
        return True


def main() -> None:
    """Soak in a temporary folder and print what stayed behind."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        make_dataset(root / "data", classes=3, train=24, val=9, test=6, seed=1)
        outcome = soak(root / "runs", root / "data", options.runs, options.seed)
    columns = {
        "runs": sum(outcome.states.values()),
        **outcome.states,
        "killed on the way": ", ".join(f"{count} × {whom}" for whom, count in outcome.kills.items()),
        "started twice": len(outcome.started_twice),
        "processes left": outcome.processes,
        "locks held": len(outcome.locks),
        "seconds": f"{outcome.seconds:.0f}",
    }
    print(f"| {' | '.join(columns)} |")
    print("|" + "---|" * len(columns))
    print(f"| {' | '.join(map(str, columns.values()))} |")
    strange_states = set(outcome.states) - {"finished", "killed", "crashed"}
    sys.exit(bool(outcome.started_twice or outcome.processes or outcome.locks or strange_states))


if __name__ == "__main__":
    main()
