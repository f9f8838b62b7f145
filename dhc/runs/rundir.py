"""The run folder: its names, its atomic writes, and the one object that writes events.

``runs/<id>/`` is the wall between the writer (training) and the reader (pages); see the table of its files in runs/README.md.
Whole files are replaced atomically; ``events.jsonl`` is only ever appended to, one flushed line an event.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import re
import secrets
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from dhc.errors import FULL, RunError
from dhc.files import remove, write
from dhc.files.folder import is_real_folder
from dhc.files.read import open_regular, read_regular

CONFIG, ENVIRONMENT, REQUEST, PROCESS = "config.json", "environment.json", "request.json", "process.json"
EVENTS, PREDICTIONS, BEST, SUMMARY, EXIT, LOG = (
    "events.jsonl",
    "predictions.npz",
    "best.keras",
    "summary.json",
    "exit.json",
    "train.log",
)
STOP = "stop.request"
STOP_AFTER_EPOCH = "stop-after-epoch.request"
LEAVE = (
    "leave.request"  # a mark that its machine is wanted back: it ends with the epoch that runs, and goes on elsewhere
)
WORKER_LOG = ".worker.log"  # beside the runs: what workers and the webhook print
KILL = "kill.request"  # a mark that a person killed the training, so that its end is not laid on anything else
TRASH = ".trash"  # beside the runs: those that were deleted
ENSEMBLES = ".ensembles"  # beside the runs: submissions of several together, a folder for each set of members
PICTURES = "pictures.json"  # which pictures it was trained on and judged by
REVIEW = "review.jsonl"  # the marks of Review that it was trained with
GIVEN_REVIEW = (
    "given-review.jsonl"  # on a machine without the data set's own: the marks of Review that it is to be trained with
)
HEALTH = "health.npz"  # histograms of weights and activations by layer, of some epochs
DYNAMICS = "dynamics"  # folder of what it said of each training picture, in it one file an epoch
FEATURES = "features.npz"  # of val and a sample of the training pictures: the values before the network's last layer
MAP = "map.npz"  # beside them: where each of these pictures lies on the map of pictures
EPOCH_MAPS = "epoch-maps.npz"  # the same of some of them, after each of some epochs whose states were kept
LABELS = "labels.json"  # what a person says of the run: name, tags, note, star, archived
LABELS_LOCK = ".labels.lock"  # beside the runs: held while any run's labels are changed
SUBMISSION_ORIGIN, SUBMISSION_BEFORE = ".submission.origin.json", ".submission.before.csv"
SCORE, MIRROR_SCORE, SUBMISSION = (
    "test.json",
    "test-mirror.json",
    "submission.csv",
)  # what a person asked of the finished network
SMALL = 1_000_000  # bytes that a JSON file of a run may have, if nothing else is said
LOCK = ".lock"  # held by whoever trains, resumes or deletes the run
RESERVE = ".reserve"  # room kept free for the exit record, should the disk be full by then
RESERVED = 16_384  # bytes
COURSE = "course.json"  # branches and changes of its settings
CHANGE = "change.request.json"  # what a person asks to have changed from the next epoch on
MOST_EPOCHS = 50_000  # of a run
STATE = "state.npz"  # in the folder of a state: its variables and its record
STATES = "states"  # folder of the states kept to branch from, in it one folder an epoch
RESUME = "resume"  # folder of the exact state to go on from, in it one folder an epoch
DRAFT = re.compile(r"\.epoch-\d{5,}(?:\.[0-9a-f]{16})?")  # in it: a state that is being saved
STATE_OF_EPOCH = re.compile(r"epoch-(\d{5,})")
DYNAMICS_OF_EPOCH = re.compile(r"epoch-(\d{5,})\.npy")
HANDED = "handed.json"  # to which engine the run was handed out, and where it runs
HEARTBEAT = "heartbeat"  # by which other machines know that its training lives
CLOCK = ".clock"  # beside the runs: a file whose time is that of the file system
MACHINES = "machines.json"  # beside the runs: settings of the clusters
TAKEN = 3  # exit status of a training process that found its run in the hands of another
LEFT = 4  # exit status of one that left its machine, to go on elsewhere

HALF_MADE = ".new-"  # before the name of a run's folder that is not whole yet
STALE = 3600.0  # seconds after which whoever made it is dead

ENGINES = ("ray", "slurm")  # which run what is handed out to them on machines of a cluster
DEVICE = re.compile(r"cpu|gpu:\d{1,3}|ray|slurm")
RUN_ID = re.compile(r"\d{8}-\d{6}-[a-z0-9]{1,20}(?:-[a-z0-9]{1,20})*-[0-9a-f]{4}")


def new_id(model: str, now: datetime | None = None) -> str:
    """``YYYYMMDD-HHMMSS-<model>-<4 hex>``, local time."""
    return f"{now or datetime.now():%Y%m%d-%H%M%S}-{model}-{secrets.token_hex(2)}"


def run_dir(runs_dir: Path, run_id: str) -> Path:
    """The folder of a run, never outside `runs_dir`.

    Raises RunError for a text that is no run's name, or where there is no such folder.
    """
    if not RUN_ID.fullmatch(run_id):
        raise RunError(f"{run_id[:80]!r} is not a run's name: they look like 20261123-101500-vgg16-1a2b")
    folder = runs_dir / run_id
    if not folder.is_dir():
        raise RunError(f"there is no run {run_id} in {runs_dir}: `python -m dhc runs list` names those that are there")
    return folder


def next_epoch(folder: Path) -> int:
    """The epoch, from 1, with which a broken-off run would go on; 1 without a saved state."""
    try:
        names = [STATE_OF_EPOCH.fullmatch(path.name) for path in (folder / RESUME).iterdir() if is_real_folder(path)]
    except OSError:
        return 1
    return 1 + max((int(name[1]) for name in names if name), default=0)


def create(runs_dir: Path, model: str, fill: Callable[[Path], None] = lambda folder: None) -> Path:
    """Make and return a run folder with a fresh name, which appears whole: with all that `fill` writes into it.

    Raises OSError, what `fill` raises included; then there is none.
    """
    real_runs_dir = write.root(runs_dir)
    _remove_half_made(real_runs_dir)
    draft = real_runs_dir / f"{HALF_MADE}{secrets.token_hex(8)}"
    write.new_folder(draft)
    try:
        fill(draft)
        while True:
            run_id = new_id(model)
            try:
                remove.move(draft, real_runs_dir / run_id)
            except FileExistsError:
                continue
            return runs_dir / run_id
    except BaseException:
        with contextlib.suppress(OSError):
            remove.tree(draft)
        raise


def _remove_half_made(runs_dir: Path) -> None:
    """Remove what killed processes left of runs that they were about to make."""
    with contextlib.suppress(OSError):
        for draft in runs_dir.glob(f"{HALF_MADE}{'[0-9a-f]' * 16}"):
            if time.time() - draft.lstat().st_mtime > STALE:
                remove.tree(draft)


def write_json(path: Path, value: Any) -> None:
    """Write a value as JSON, atomically; floats that are not finite become null."""
    write.text(path, json.dumps(finite(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path, limit: int = SMALL) -> dict[str, Any] | None:
    """The JSON object in a file; None where there is none.

    So for a file that is missing, no regular one, torn, larger than `limit` bytes, or holds something else.
    """
    try:
        value = parse(read_regular(path, limit))
    except (OSError, ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def parse(data: bytes) -> Any:
    """The value of JSON text, with "?" for half characters (lone surrogates).

    Raises ValueError, or RecursionError for what is nested too deep.
    """
    value = json.loads(data.decode("utf-8"))
    # Nothing but an escape brings half a character in, and no screen can show one.
    return _whole(value) if b"\\u" in data else value


def _whole(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, dict):
        return {_whole(key): _whole(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return value


def finite(value: Any) -> Any:
    """A copy with None for NaN and infinities, all the way down: JSON has no word for them."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return value


Guard = Callable[[], object]  # ends a process that may not write into its run's folder any more


class RunWriter:
    """Appends events to a run folder's ``events.jsonl``, each after its `guard` was asked; a context manager."""

    def __init__(self, folder: Path, guard: Guard = lambda: None) -> None:
        self.folder, self.require = folder, guard  # `require` ends this process if it may not write here any more
        self._file = write.append(folder / EVENTS)
        if not _ends_with_newline(
            folder / EVENTS
        ):  # a killed predecessor's half line: close it, so that ours stays whole
            self._file.write(b"\n")

    def event(self, kind: str, **values: Any) -> None:
        """Append one event, with the time in seconds since 1970; readers see it when this returns."""
        line = json.dumps(
            finite({"t": round(time.time(), 3), "kind": kind, **values}), ensure_ascii=False, allow_nan=False
        )
        self.require()
        self._file.write(f"{line}\n".encode())
        self._file.flush()

    def phase(self, phase: str, **values: Any) -> None:
        """Append an event that says what the run is busy with.

        That is ``starting``, ``pictures``, ``network``, ``training``, ``neighbours`` or ``finishing``.
        """
        self.event("phase", phase=phase, **values)

    def __enter__(self) -> RunWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):  # what could not be written by now was said by `event`
            self._file.close()


def reserve(folder: Path) -> None:
    """Keep room for the exit record. Raises OSError where there is none."""
    noise = secrets.token_bytes(RESERVED)  # no file system packs that into less
    write.replace(folder / RESERVE, lambda file: file.write(noise))


def is_full(error: BaseException) -> bool:
    """Whether an error says that the disk, or this user's share of it, is full."""
    return isinstance(error, OSError) and error.errno in FULL


def queue_of(device: str) -> str:
    """The device in whose queue a run for `device` waits: the CPU for what cannot be a device."""
    return device if DEVICE.fullmatch(device) else "cpu"


def worker_file(runs_dir: Path, device: str) -> Path:
    """Where the worker of a device says who it is and which run it has in hand."""
    return runs_dir / f".worker-{re.sub(r'[^a-z0-9]', '-', device)}.json"


def worker_devices(runs_dir: Path) -> list[str]:
    """The devices that have a `worker_file`."""
    names = (path.stem.removeprefix(".worker-") for path in runs_dir.glob(".worker-*.json"))
    return sorted(re.sub(r"-(?=\d+$)", ":", name) for name in names)


def cluster_file(runs_dir: Path, engine: str) -> Path:
    """Where the worker of an engine says what it sees of its cluster."""
    return runs_dir / f".cluster-{engine}.json"


def nudge_file(runs_dir: Path, engine: str) -> Path:
    """What is written anew when somebody has put a run into the queue of an engine whose worker is at work."""
    return runs_dir / f".nudge-{engine}"


def _ends_with_newline(path: Path) -> bool:
    with open_regular(path) as file:
        if file.seek(0, os.SEEK_END) == 0:
            return True
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"
