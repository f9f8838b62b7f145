"""Damaged archives: each kind in thousands of seeded ways, read as the product reads them, in little memory.

``python -m benchmarks.mutate --count 10000`` prints for each kind how many were refused, how many could still be read, what
escaped as another exception (there must be none: the exit status is 1 then), the most memory that the process ever had above
what it began with, and the slowest, in CPU seconds. The system grants it no more than ROOM above that. ``--keras 300`` loads networks with
Keras for real, too.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import tempfile
import time
import traceback
import zipfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests")]

import archives  # noqa: E402
from folders import write_folder  # noqa: E402
from mutations import MEANT, mutations  # noqa: E402

from dhc.analysis.confusion import confusion_matrix  # noqa: E402
from dhc.analysis.mistakes import outcomes  # noqa: E402
from dhc.analysis.trajectory import trajectory_of  # noqa: E402
from dhc.config import RunConfig  # noqa: E402
from dhc.data.decode import load_pictures  # noqa: E402
from dhc.data.layout import open_dataset  # noqa: E402
from dhc.errors import UserError  # noqa: E402
from dhc.importing.propose import propose  # noqa: E402
from dhc.importing.source import open_source  # noqa: E402
from dhc.predict.saved import saved_network  # noqa: E402
from dhc.runs import rundir  # noqa: E402
from dhc.runs.events import EventLog  # noqa: E402
from dhc.runs.predictions import read_predictions  # noqa: E402
from dhc.runs.states import STATE  # noqa: E402
from dhc.training.outcomes import ResumeStateError  # noqa: E402
from dhc.training.state import newest  # noqa: E402

ROOM = 300_000_000  # bytes
EPOCHS = 3
ZIP_PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
KERAS = "best.keras with Keras"


@dataclass
class Outcomes:
    """What became of the damaged archives of a kind."""

    refused: int = 0
    sound: int = 0
    escaped: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    slowest_way: str = ""


class Bench:
    """A run and a data set of their own, in which damaged files take the place of sound ones.

    Each judge takes the bytes and says in which sentence they are refused, "" where they serve.
    """

    def __init__(self, folder: Path) -> None:
        self.run = folder / "run"
        self.run.mkdir()
        values = {"data.path": str(folder), "fit.epochs": EPOCHS, "model.name": "cnn3", "model.width": 1 / 32}
        self.config = RunConfig().with_values(values)
        (self.run / rundir.CONFIG).write_text(self.config.to_json())
        self.dataset = open_dataset(write_folder(folder / "data", {"train": ["a", "b", "a"], "val": ["a"]}))
        self.pictures = {
            path.relative_to(folder / "data").as_posix(): path.read_bytes()
            for path in (folder / "data").rglob("*")
            if path.is_file()
        }
        for path in (folder / "data").rglob("*"):
            os.utime(path, (1, 1))
        time.sleep(0.2)  # what has just been written is read twice
        load_pictures(self.dataset, "train")
        self.pixels = np.array(load_pictures(self.dataset, "train").x)
        self.index = folder / "data" / ".dhc" / "train.json"
        self.array = self.index.with_name(json.loads(self.index.read_bytes())["array"])
        self.cached = self.index.read_bytes(), self.array.read_bytes(), self.array.stat().st_mtime_ns

    def wholes(self, kind: str) -> list[bytes]:
        """The sound ones of a kind."""
        return {
            "predictions.npz": [archives.predictions(), archives.predictions(epochs=1, best_epoch=1)],
            "state.npz": [archives.state(2), archives.state(1)],
            "best.keras": [archives.network()],
            "events.jsonl": [archives.events(EPOCHS)],
            "cache index": [self.cached[0]],
            "cache array": [self.cached[1]],
            "imported zip": [archives.zip_of(self.pictures, packing) for packing in ZIP_PACKINGS],
            "imported tar": [archives.tar_of(self.pictures, packing) for packing in ("", "gz", "bz2", "xz")],
        }[kind.removesuffix(" with Keras")]

    def judge(self, kind: str) -> Callable[[bytes], str]:
        """The judge of a kind."""
        return {
            "predictions.npz": self.predictions,
            "state.npz": self.state,
            "best.keras": self.network,
            KERAS: self.answers,
            "events.jsonl": self.events,
            "cache index": lambda data: self.cache(data, self.cached[1]),
            "cache array": lambda data: self.cache(self.cached[0], data),
            "imported zip": self.imported,
            "imported tar": self.imported,
        }[kind]

    def imported(self, data: bytes) -> str:
        """Looked through and unpacked as Import does."""
        path = self.run / "pictures"
        path.write_bytes(data)
        with open_source(path) as source:
            assert propose(source).splits
            for name, content in source.read_all(list(source.contents.entries)):
                assert len(content) <= source.contents.entries[name].size
        return ""

    def predictions(self, data: bytes) -> str:
        """Read for Mistakes and Confusion."""
        (self.run / rundir.PREDICTIONS).write_bytes(data)
        predictions = read_predictions(self.run)
        assert len(outcomes(predictions)) == len(predictions.ids)
        assert confusion_matrix(predictions.y_true, predictions.predicted, len(predictions.classes)).sum() == len(
            predictions.ids
        )
        assert len(trajectory_of(predictions, 0).predicted) == len(predictions.y_pred)
        assert all(name.encode() for name in (*predictions.classes, *predictions.ids.tolist()))
        return ""

    def state(self, data: bytes) -> str:
        """Read for Resume."""
        place = self.run / rundir.RESUME / "epoch-00002"
        if not place.exists():
            archives.write_state(place.parent, 2)
        (place / STATE).write_bytes(data)
        try:
            state = newest(place.parent, EPOCHS, archives.SPECS)
        except ResumeStateError as error:
            return str(error)
        assert state is None or state.for_observers["epoch"] == 2
        return "it is damaged" if state is None else ""

    def network(self, data: bytes) -> str:
        """Read for Evaluate."""
        (self.run / rundir.BEST).write_bytes(data)
        saved_network(self.run / rundir.BEST, self.config, len(archives.CLASSES))
        return ""

    def answers(self, data: bytes) -> str:
        """Built with Keras, and asked."""
        from dhc.predict.network import load_network, probabilities

        (self.run / rundir.BEST).write_bytes(data)
        network = load_network(self.run, self.config, len(archives.CLASSES))
        assert probabilities(network, np.zeros((2, 64, 64, 3), np.uint8)).shape == (2, len(archives.CLASSES))
        return ""

    def events(self, data: bytes) -> str:
        """Read for Live."""
        path = self.run / rundir.EVENTS
        path.write_bytes(data)
        log = EventLog(path)
        log.refresh()
        assert log.history().epochs["epoch"].is_monotonic_increasing
        json.dumps([log.last, list(log.others)], allow_nan=False).encode()
        return log.problem or ("it has damaged lines" if log.damaged_lines else "")

    def cache(self, index: bytes, array: bytes) -> str:
        """Opened as a run opens its pictures."""
        self.index.write_bytes(index)
        self.array.write_bytes(array)
        os.utime(self.array, ns=(1, self.cached[2]))
        pictures = load_pictures(self.dataset, "train")
        whole = array == self.cached[1] or len(array) != len(self.cached[1])
        assert not whole or np.array_equal(pictures.x, self.pixels)
        return "it is made anew" if self.index.read_bytes() != index else ""


def try_all(kind: str, bench: Bench, count: int, seed: int) -> Outcomes:
    """Let the product read so many damaged archives of a kind."""
    results, judge = Outcomes(), bench.judge(kind)
    wholes = bench.wholes(kind)
    for whole in wholes[:1]:
        assert judge(whole) == "", "what a run writes is sound"
    for way, data in mutations(kind.removesuffix(" with Keras"), wholes, count, seed):
        start = time.process_time()
        try:
            refused = judge(data)
        except UserError as error:
            refused = str(error)
        except Exception as error:  # noqa: BLE001 - what this benchmark looks for
            results.escaped[f"{way}: {type(error).__name__}: {str(error)[:90]}"] += 1
            if sum(results.escaped.values()) == 1:
                traceback.print_exc()
            continue
        seconds = time.process_time() - start
        if seconds > results.slowest:
            results.slowest, results.slowest_way = seconds, way
        results.refused += bool(refused)
        results.sound += not refused
    return results


def limit_memory() -> None:
    """Let the system refuse whatever is beyond ROOM from here on, where it can."""
    status = Path("/proc/self/status")
    if status.exists():
        sizes = dict(line.split(":") for line in status.read_text().splitlines())
        size = int(sizes["VmSize"].split()[0]) * 1024
        resource.setrlimit(resource.RLIMIT_AS, (size + ROOM, size + ROOM))


def highest_memory() -> float:
    """Megabytes that this process ever had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)


def main() -> int:
    """Print a row for each kind; 1 where anything escaped."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--keras", type=int, default=0)
    parser.add_argument("--only", default="", help="a part of the kinds' names")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    escaped = 0
    memory_disk = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory_disk if memory_disk.is_dir() else None) as folder:
        bench = Bench(Path(folder))
        for kind in MEANT:
            bench.judge(kind)(bench.wholes(kind)[0])  # imports what it imports
        limit_memory() if not arguments.keras else None
        print(f"{'kind':24}{'damaged':>9}{'refused':>9}{'sound':>7}{'escaped':>9}{'MB more':>9}{'slowest':>10}")
        kinds = [kind for kind in MEANT if arguments.only in kind]
        for kind in [*kinds, *([KERAS] if arguments.keras else [])]:
            bench.judge(kind)(bench.wholes(kind)[0])  # with Keras there is much to load
            before = highest_memory()
            results = try_all(kind, bench, arguments.keras if kind == KERAS else arguments.count, arguments.seed)
            bad = sum(results.escaped.values())
            row = f"{results.refused:9,}{results.sound:7,}{bad:9,}{highest_memory() - before:9.0f}"
            total = results.refused + results.sound + bad
            print(f"{kind:24}{total:9,}{row}{results.slowest:8.2f} s  {results.slowest_way}", flush=True)
            for what, times in results.escaped.most_common(10):
                print(f"    {times} × {what}")
            escaped += bad
    return 1 if escaped else 0


if __name__ == "__main__":
    sys.exit(main())
