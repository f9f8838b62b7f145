"""Making the stand-in data set in the background, and how far that is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dhc.data.about import PARTIAL, PROGRESS
from dhc.files import write
from dhc.jobs.task import Task
from dhc.runs.rundir import read_json

RECORD = ".job.json"  # the end of the name of the record beside a data set's folder


@dataclass(frozen=True)
class Making:
    """A data set in the making: `pictures` of `total` are drawn, or why that failed."""

    pictures: int = 0
    total: int = 0
    failure: str = ""

    @property
    def pending(self) -> bool:
        """Whether it is still being made."""
        return not self.failure

    @property
    def fraction(self) -> float:
        """0 to 1."""
        return min(1.0, self.pictures / self.total) if self.total else 0.0


def start(
    folder: Path,
    *,
    classes: int = 96,
    train: int = 12_000,
    val: int = 1_000,
    test: int = 5_000,
    seed: int = 0,
    only: int = 0,
    low_priority: bool = False,
) -> None:
    """Start making a stand-in data set, unless one is being made there. Raises OSError.

    The options are those of ``python -m dhc data make``.
    """
    current = making(folder)
    if current is not None and current.pending:
        return
    write.root(folder.parent)
    options = {"classes": classes, "train": train, "val": val, "test": test, "seed": seed, "only": only}
    arguments = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    flags = ["--low-priority"] if low_priority else []
    _task(folder).start("data", "make", str(folder.resolve()), *arguments, *flags)


def making(folder: Path) -> Making | None:
    """How far the data set at `folder` is; None when it is there, or when nobody asked for it."""
    task = _task(folder)
    standing = task.standing()
    if standing is None or (folder / "train.csv").exists():
        return None
    if not standing.pending:  # it may have appeared between the two checks
        return None if (folder / "train.csv").exists() else Making(failure=task.last_error())
    progress = read_json(folder.with_name(folder.name + PARTIAL) / PROGRESS) or {}
    return Making(int(progress.get("done") or 0), int(progress.get("total") or 0))


def all_makings(data_dir: Path) -> dict[Path, Making]:
    """Every data set of the folder that is in the making or whose making failed."""
    names = sorted(path.name[1 : -len(RECORD)] for path in data_dir.glob(f".*{RECORD}"))
    makings = {data_dir / name: making(data_dir / name) for name in names if name}
    return {folder: state for folder, state in makings.items() if state is not None}


def forget(folder: Path) -> None:
    """Forget a failed attempt."""
    _task(folder).forget()


def _task(folder: Path) -> Task:
    parent = folder.parent.resolve()
    return Task(parent / f".{folder.name}{RECORD}", parent / f".{folder.name}.log")
