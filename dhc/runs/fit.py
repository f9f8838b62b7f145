"""Whether a run's folder is fit to be written to, and what killed writers left in it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from dhc.errors import RunError
from dhc.files import remove
from dhc.files.folder import RealFolder, kind
from dhc.files.write import temporary_names
from dhc.runs import rundir

FILES = (
    rundir.CONFIG,
    rundir.ENVIRONMENT,
    rundir.REQUEST,
    rundir.PROCESS,
    rundir.EVENTS,
    rundir.PICTURES,
    rundir.PREDICTIONS,
    rundir.BEST,
    rundir.SUMMARY,
    rundir.EXIT,
    rundir.LOG,
    rundir.STOP,
    rundir.STOP_AFTER_EPOCH,
    rundir.LEAVE,
    rundir.KILL,
    rundir.LOCK,
    rundir.RESERVE,
    rundir.COURSE,
    rundir.HANDED,
    rundir.HEARTBEAT,
)  # that a run's start, training and end write or remove
# the names of their files
WORKERS = re.compile(r"\.worker(?:\.log|-[a-z0-9-]+\.(?:json|lock))|\.cluster-[a-z0-9-]+\.json|\.clock|machines\.json")
ASKED_FOR = (
    rundir.LABELS,
    rundir.CHANGE,
    rundir.FEATURES,
    rundir.MAP,
    rundir.EPOCH_MAPS,
    rundir.SCORE,
    rundir.MIRROR_SCORE,
    rundir.SUBMISSION,
    rundir.SUBMISSION_ORIGIN,
    rundir.SUBMISSION_BEFORE,
)
NAMES = "|".join(map(re.escape, (*FILES, *ASKED_FOR)))
LEFTOVERS = (
    temporary_names(NAMES),
    re.compile(
        rf"\.(?:{NAMES})\.[0-9a-f]{{8}}|\.saving-best\.keras|\.linking-(?:best\.keras|predictions\.npz)"
    ),  # until 2026-11
)


def require_fit(folder: Path) -> None:
    """Raise RunError in one sentence where a link, or what else is no file or folder of ours, has the name of one.

    Nothing is written before: a run may come from a stranger, and a link in it lead anywhere.
    """
    if folder.is_symlink():
        raise RunError(
            f"the folder of run {folder.name} is a link: what lies where it leads is left alone; start a copy"
        )
    if misfit := _misfit(
        folder, dict.fromkeys(FILES, "a file") | dict.fromkeys((rundir.RESUME, rundir.STATES), "a folder")
    ):
        raise RunError(f"run {folder.name} cannot go on: its {misfit}; start a copy, or remove it")


def require_fit_queue(runs_dir: Path) -> None:
    """Raise RunError where something that is no file has the name of a worker's file beside the runs."""
    if not runs_dir.is_dir():
        return
    place = runs_dir.resolve()
    with RealFolder(place) as folder:
        names = filter(WORKERS.fullmatch, folder.names())
    if misfit := _misfit(place, dict.fromkeys(names, "a file")):
        raise RunError(f"in {runs_dir}, {misfit}: remove it and try again")


def remove_leftovers(folder: Path) -> None:
    """Remove what killed writers left half written; the run must be held."""
    for pattern in LEFTOVERS:
        remove.leftovers(folder, pattern)
    for name in (rundir.RESUME, rundir.STATES):
        remove.trees(folder / name, rundir.DRAFT)


def _misfit(path: Path, wanted: Mapping[str, str]) -> str:
    """What the first of the names is that is not what is wanted there, in words; "" where all are or are not there."""
    with RealFolder(path) as folder:
        for name, noun in wanted.items():
            status = folder.status(name)
            if status is not None and kind(status.st_mode) != noun:
                return f"{name} is {kind(status.st_mode)}, where {noun} belongs"
    return ""
