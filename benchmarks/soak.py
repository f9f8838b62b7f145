"""A soak of the queue: many short runs while processes die and hang, folders vanish and the disk is full.

    python -m benchmarks.soak [--runs 200] [--seed 0]

Every run compares a few pictures with their nearest neighbours, which takes about a second, in the same processes as a training.
At every look, each state and its words are compared with what was really done to the run. Root gives the runs a disk of their own,
whose inodes run out, and half of the servers a machine of another name.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from filelock import FileLock, Timeout

from benchmarks.disturbances import Disturber, server_command
from dhc.config import RunConfig
from dhc.data.standin.generate import make_dataset
from dhc.jobs.process import python
from dhc.runs import rundir
from dhc.runs.status import State
from dhc.runs.store import RunInfo, Store

BATCH = 10  # runs that one server launches
SERVER = (
    "import sys, time; from pathlib import Path; from dhc.config import RunConfig; from dhc.jobs.launch import launch\n"
    "config = RunConfig.from_json(sys.stdin.read())\n"
    "for _ in range(int(sys.argv[2])): launch(config, Path(sys.argv[1])); time.sleep(0.05)\n"
)
# By cause: what must have been done to a run for its words to be true, one of the sets.
DEEDS: dict[str, list[set[str]]] = {
    "done": [set()],
    "signal": [{"end child"}, {"kill", "no inodes"}],  # without a file for the mark that a person did it
    "kill": [{"kill"}],
    "lost": [{"end child", "end worker"}, {"end child", "stop worker"}],  # a person ends the stopped one
    "hung": [{"stop worker", "end child"}, {"stop worker", "kill"}],
    "renamed": [{"renamed"}],
    "disk": [{"no inodes"}],
}


@dataclass
class Outcome:
    """What a soak left behind."""

    states: collections.Counter[str] = field(default_factory=collections.Counter)
    causes: collections.Counter[str] = field(default_factory=collections.Counter)
    deeds: collections.Counter[str] = field(default_factory=collections.Counter)
    started_twice: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    untrue: dict[str, str] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def is_good(self) -> bool:
        """Whether nothing was started twice, lost, told untruly or left behind."""
        return not (self.started_twice or self.lost or self.untrue or self.left)


def soak(root: Path, data: Path, runs: int, seed: int = 0, patience: float = 1800.0) -> Outcome:
    """Queue runs by servers that come and go, disturb, wait for the last end, inspect.

    `root` holds the folder of runs. Gives up after `patience` seconds.
    """
    config = RunConfig().with_values({"data.path": str(data), "model.name": "knn"})
    runs_dir, rng, start = root / "runs", random.Random(seed), time.monotonic()
    outcome, store, seen_ids = Outcome(), Store(runs_dir), set[str]()
    disturber = Disturber(runs_dir, rng, may_fill=root.is_mount())
    server: subprocess.Popen[str] | None = None
    while time.monotonic() - start < patience:
        infos = store.runs()
        seen_ids |= {info.id for info in infos}
        disturber.look()
        _judge(infos, disturber, outcome)
        remaining = runs - len(seen_ids)
        if remaining > 0 and (server is None or server.poll() is not None):
            server = _server(config, runs_dir, min(BATCH, remaining), rng)
            disturber.server = server.pid
        if remaining <= 0 and not any(info.state.alive or _is_hung(info) for info in infos):
            break
        disturber.disturb()
        disturber.mend(infos, all_of_it=remaining <= 0 and rng.random() < 0.3)
        time.sleep(rng.uniform(0.1, 0.8))
    if server is not None:
        server.wait()
    disturber.end()
    outcome.seconds, outcome.deeds = time.monotonic() - start, disturber.counts
    _inspect(runs_dir, store, outcome, seen_ids - disturber.removed)
    return outcome


def _is_hung(info: RunInfo) -> bool:
    return info.state is State.CRASHED and info.status.cause == "hung"


def _server(config: RunConfig, runs_dir: Path, count: int, rng: random.Random) -> subprocess.Popen[str]:
    command = server_command(python("-c", SERVER, str(runs_dir), str(count)), rng)
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert server.stdin is not None
    with contextlib.suppress(BrokenPipeError):
        server.stdin.write(config.to_json())
        server.stdin.close()
    return server


def _judge(infos: list[RunInfo], disturber: Disturber, outcome: Outcome) -> None:
    """Compare each run's words with what was done to it."""
    for info in infos:
        cause = info.status.cause
        if info.state.alive and not cause:
            continue
        deeds = disturber.deeds[info.id]
        if info.id in disturber.removed or any(needed <= deeds for needed in DEEDS.get(cause, ())):
            continue
        story = f"{info.state}, {cause}: {info.status.reason} — done to it: {', '.join(sorted(deeds)) or 'nothing'}"
        outcome.untrue.setdefault(info.id, story)


def _inspect(runs_dir: Path, store: Store, outcome: Outcome, expected_ids: set[str]) -> None:
    """Count states, runs started twice or lost, and what stayed behind: processes, locks, temporary files."""
    for info in store.runs():
        outcome.states[info.state.value] += 1
        outcome.causes[info.status.cause] += 1
        starts = sum(event.get("phase") == "starting" for event in store.log(info.id).others)
        if starts > 1:
            outcome.started_twice.append(info.id)
        if info.state.alive:
            outcome.lost.append(f"{info.id} is still {info.state}")
        if info.state is State.FINISHED:
            outcome.left += [str(path) for path in info.folder.glob(".*") if path.name != rundir.LOCK]
    outcome.lost += sorted(expected_ids - set(store.ids()))
    deadline = time.monotonic() + 30
    while (survivors := _processes(runs_dir)) and time.monotonic() < deadline:
        time.sleep(0.1)
    outcome.left += [f"process {pid}" for pid in survivors]
    outcome.left += [f"held: {path}" for path in runs_dir.rglob("*.lock") if _is_held(path)]


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


@contextlib.contextmanager
def _small_disk(place: Path, files: int) -> Iterator[None]:
    """A disk that takes so many files, where one can be mounted here; else the folder itself."""
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size=1g,nr_inodes={files}", "tmpfs", str(place)]
    mounted = sys.platform == "linux" and not subprocess.run(command, capture_output=True, check=False).returncode
    try:
        yield
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(place)], check=True)


def main() -> None:
    """Soak in a temporary folder and print what stayed behind."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        make_dataset(root / "data", classes=3, train=24, val=9, test=6, seed=1)
        with _small_disk(root / "disk", files=500 + 20 * options.runs):
            outcome = soak(root / "disk", root / "data", options.runs, options.seed)
    columns = {
        "runs": sum(outcome.states.values()),
        **outcome.states,
        "started twice": len(outcome.started_twice),
        "lost": len(outcome.lost),
        "untrue words": len(outcome.untrue),
        "left behind": len(outcome.left),
        "seconds": f"{outcome.seconds:.0f}",
    }
    print(f"| {' | '.join(columns)} |")
    print("|" + "---|" * len(columns))
    print(f"| {' | '.join(map(str, columns.values()))} |")
    print("ended by: " + ", ".join(f"{count} × {cause}" for cause, count in outcome.causes.most_common()))
    print("done to them: " + ", ".join(f"{count} × {deed}" for deed, count in outcome.deeds.most_common()))
    for line in [*outcome.started_twice, *outcome.lost, *outcome.left]:
        print(line)
    for run_id, story in outcome.untrue.items():
        print(f"{run_id}: {story}")
    sys.exit(not outcome.is_good)


if __name__ == "__main__":
    main()
