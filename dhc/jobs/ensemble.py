"""The submission of several runs together, written in the background into a folder beside the runs."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dhc.data.layout import Dataset
from dhc.files import remove, write
from dhc.jobs.check import count
from dhc.jobs.submission import network_mark, test_mark
from dhc.jobs.task import Task
from dhc.runs.rundir import ENSEMBLES, read_json, write_json

FILE, MANIFEST = "submission.csv", "submission.csv.members.json"
ORIGIN, PROGRESS, JOB, LOG = "origin.json", "progress.json", ".job.json", ".log"


@dataclass(frozen=True)
class EnsembleSubmission:
    """How it stands: pending for so many `seconds`, `done` of `members` have answered; or there as `file`, or a `failure`."""

    seconds: float = 0.0
    done: int = 0
    members: int = 0
    file: Path | None = None
    manifest: Path | None = None
    failure: str = ""

    @property
    def pending(self) -> bool:
        """Whether it is still being written."""
        return self.file is None and not self.failure


def start(folders: Sequence[Path], dataset: Dataset) -> None:
    """Start writing what the runs in `folders` answer together for test, unless pending. Raises OSError."""
    current = submission(folders)
    if current is not None and current.pending:
        return
    runs = folders[0].parent.resolve()
    write.root(runs)
    place = write.make_folder(runs / ENSEMBLES / _place(folders).name, runs)
    for name in (FILE, MANIFEST, PROGRESS):
        remove.file(place / name)
    write_json(place / ORIGIN, _origin(folders, dataset))
    ids = [folder.name for folder in folders]
    options = ("--runs", str(runs), "--submission", str(place / FILE), "--progress", str(place / PROGRESS), "--force")
    _task(place).start("ensemble", *ids, *options)


def submission(folders: Sequence[Path]) -> EnsembleSubmission | None:
    """How the submission of these runs together stands; None when nobody asked for one."""
    place = _place(folders)
    task = _task(place)
    standing = task.standing()
    if standing is None:
        return None
    if standing.pending:
        progress = read_json(place / PROGRESS) or {}
        return EnsembleSubmission(standing.seconds, count(progress.get("done")), len(folders))
    if (place / FILE).is_file() and (place / MANIFEST).is_file():  # the manifest comes last
        return EnsembleSubmission(file=place / FILE, manifest=place / MANIFEST)
    return EnsembleSubmission(failure=task.last_error())


def out_of_date(folders: Sequence[Path], dataset: Dataset) -> str:
    """Why the submission is not of the runs and the test pictures as they are now; "" where it is."""
    then, now = read_json(_place(folders) / ORIGIN) or {}, _origin(folders, dataset)
    if then == now:
        return ""
    if then.get("networks") != now["networks"]:
        return "a member has been trained since"
    return "the test pictures or their table have changed since"


def cancel(folders: Sequence[Path]) -> None:
    """End writing the submission of these runs, at once. Raises OSError."""
    _task(_place(folders)).cancel()


def _origin(folders: Sequence[Path], dataset: Dataset) -> dict[str, Any]:
    """What a submission that was asked for now would be of. Raises OSError."""
    networks = {folder.name: network_mark(folder) for folder in sorted(folders)}
    return {"networks": networks, "test": test_mark(dataset)}


def _place(folders: Sequence[Path]) -> Path:
    """The folder of these members, in whatever order they were named."""
    members = " ".join(sorted(folder.name for folder in folders))
    name = hashlib.blake2b(members.encode("utf-8", "backslashreplace"), digest_size=8).hexdigest()
    return folders[0].parent.resolve() / ENSEMBLES / name


def _task(place: Path) -> Task:
    return Task(place / JOB, place / LOG)
