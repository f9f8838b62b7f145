"""Making a data set in the background, drawn or imported, and how far that is; renaming and deleting one."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from dhc.data.about import PARTIAL, PROGRESS, pointer
from dhc.data.draft import clear_leftovers, is_being_made
from dhc.data.places import find_table
from dhc.data.review import review_file
from dhc.data.standin.recipe import Recipe
from dhc.data.tree import DiskTree
from dhc.errors import DataError
from dhc.files import remove, write
from dhc.jobs import check
from dhc.jobs.task import Task
from dhc.runs.rundir import read_json
from dhc.runs.store import RunInfo

RECORD = ".job.json"  # the end of the name of the record beside a data set's folder
TRASH = ".trash"  # beside the data sets: those that were deleted
DEFAULT = Recipe()
_STARTING = threading.Lock()  # two tabs may ask at once


@dataclass(frozen=True)
class Making:
    """A data set in the making: `pictures` of `total` are drawn, or why that failed."""

    pictures: int = 0
    total: int = 0
    failure: str = ""
    since: float | None = None
    """A moment some seconds ago, in seconds since 1970, by which the pace is told."""
    before: int = 0
    """The pictures that were drawn then."""
    gives_way: bool = False
    """Whether other processes have the processor first."""

    @property
    def pending(self) -> bool:
        """Whether it is still being made."""
        return not self.failure

    @property
    def fraction(self) -> float:
        """0 to 1."""
        return min(1.0, self.pictures / self.total) if self.total else 0.0

    @property
    def seconds_left(self) -> float | None:
        """At the pace of the last seconds; None before that is known."""
        drawn = self.pictures - self.before
        if self.since is None or drawn <= 0:
            return None
        return max(0.0, time.time() - self.since) / drawn * max(0, self.total - self.pictures)


def start(folder: Path, recipe: Recipe = DEFAULT, *, low_priority: bool = False) -> None:
    """Start drawing a stand-in data set, unless there is one or one is being made there. Raises OSError."""
    arguments = [word for name, value in recipe.as_dict().items() for word in (f"--{name}", str(value))]
    flags = ["--low-priority"] if low_priority else []
    with _STARTING:
        current = making(folder)
        if is_dataset(folder) or (current is not None and current.pending):
            return
        write.root(folder.parent)
        _task(folder).start("data", "make", str(folder.resolve()), *arguments, *flags)


def start_import(folder: Path, source: Path, words: Sequence[str]) -> None:
    """Start importing a source as the data set at `folder`; `words` are options of ``dhc data import``. Raises OSError."""
    write.root(folder.parent)
    where = str(folder.parent.resolve())
    _task(folder).start("data", "import", str(source.resolve()), folder.name, "--data-dir", where, *words)


def cancel(folder: Path) -> None:
    """End the making of a data set and remove what there is of it."""
    _task(folder).cancel()
    clear_leftovers(folder.absolute().with_name(folder.name + ".partial"))


def runs_on(folder: Path, runs: Iterable[RunInfo]) -> list[RunInfo]:
    """Those of the runs that were made on the data set."""
    place = folder.resolve()
    return [info for info in runs if info.config is not None and Path(info.config.data.path).resolve() == place]


def refuse_busy(folder: Path, runs: Iterable[RunInfo]) -> None:
    """Raise DataError where a run that waits or trains needs the data set, or a check reads it."""
    alive = [info for info in runs_on(folder, runs) if info.state.alive]
    if alive:
        more = f" (and {len(alive) - 1:,} more)" if len(alive) > 1 else ""
        raise DataError(
            f"{folder.name} is used by run {alive[0].id}{more}, which is {alive[0].state.value}: stop it, or wait for its end."
        )
    current = check.check(folder)
    if current is not None and current.pending:
        raise DataError(f"{folder.name} is being checked: wait for the end of the check, or cancel it.")


def rename(folder: Path, name: str) -> Path:
    """Give a data set another name; returns its new folder. Raises DataError, OSError."""
    target = folder.with_name(name)
    if os.path.lexists(target):
        raise DataError(f"There is a {name} already: choose another name.")
    return _move_all(folder, target)


def delete(folder: Path) -> Path:
    """Move a data set into the trash beside it; returns where it is now. Raises DataError, OSError."""
    if folder.is_symlink():
        raise DataError(
            f"{folder.name} is a link to a folder elsewhere: remove the link yourself, and the folder stays."
        )
    place = write.make_folder(folder.parent.resolve() / TRASH) / f"{folder.name}.{time.time_ns()}"
    return _move_all(folder, place)


def restore(place: Path) -> Path:
    """Bring a deleted data set back; returns its folder. Raises DataError where another has its name by now, OSError."""
    target = place.parent.parent / place.name.rpartition(".")[0]
    if os.path.lexists(target):
        raise DataError(f"There is a {target.name} again: rename that one first, then bring the deleted one back.")
    return _move_all(place, target)


def _move_all(folder: Path, target: Path) -> Path:
    """Move a data set with what stands beside it: where its pictures are, what its check found, what a person said of pictures.

    Raises DataError, before anything is moved, where another's marks lie at the target.
    """
    if os.path.lexists(review_file(target)):
        raise DataError(
            f"{review_file(target).name}, the review of another data set of that name, is still there: move it away first."
        )
    remove.move(folder, target)
    for beside in (pointer, check.findings, review_file):
        with contextlib.suppress(FileNotFoundError):
            remove.move(beside(folder), beside(target))
    return target


def making(folder: Path) -> Making | None:
    """How far the data set at `folder` is; None when it is there, or when nobody makes it or asked for it."""
    task, partial = _task(folder), folder.with_name(folder.name + PARTIAL)
    standing = task.standing()
    is_pending = is_being_made(partial) or (standing is not None and standing.pending)
    if (standing is None and not is_pending) or is_dataset(folder):
        return None
    if not is_pending:  # it may have appeared between the two checks
        return None if is_dataset(folder) else Making(failure=task.last_error())
    progress = read_json(partial / PROGRESS) or {}
    done, total, before = (check.count(progress.get(name)) for name in ("done", "total", "before"))
    since = progress.get("since")
    return Making(
        done,
        total,
        since=since if isinstance(since, float) and since >= 0 else None,
        before=before,
        gives_way=progress.get("gives_way") is True,
    )


def all_makings(data_dir: Path) -> dict[Path, Making]:
    """Every data set of the folder that is in the making or whose making failed."""
    names = sorted(path.name[1 : -len(RECORD)] for path in data_dir.glob(f".*{RECORD}"))
    makings = {data_dir / name: making(data_dir / name) for name in names if name}
    return {folder: state for folder, state in makings.items() if state is not None}


def is_dataset(folder: Path) -> bool:
    """Whether a folder has a table of training pictures."""
    return find_table(DiskTree(folder), "train") is not None


def forget(folder: Path) -> None:
    """Forget a failed attempt."""
    _task(folder).forget()


def _task(folder: Path) -> Task:
    parent = folder.parent.resolve()
    return Task(parent / f".{folder.name}{RECORD}", parent / f".{folder.name}.log")
