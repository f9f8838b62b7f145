"""What two sides of a trial do with one folder, to see what its file system promises: locks, renames, marks, lines, dates.

The same code runs here and on the machine of the cluster; each side answers what it sees of the other.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from dhc.files import write
from dhc.files.lock import Timeout, hold_lock
from dhc.files.read import read_regular
from dhc.runs.lenient import RunFile, line

ASKED, FACTS, REPORT = "trial-asked.json", "trial-facts.json", "trial-report.json"
END, RELEASED = "trial-end", "trial-released"  # marks of this side
PACKAGES = ("numpy", "keras", "tensorflow", "jax", "torch", "filelock", "pydantic", "ray", "submitit")
PAUSE = 0.02  # seconds between two looks
LINES = 4000  # of a file that is replaced all the time
LIMIT = 1_000_000  # bytes of any file here
Side = Literal["here", "there"]


class Asked(RunFile):
    """What the machine of the cluster is asked. Written here, before the trial is handed out."""

    FILE: ClassVar[str] = ASKED

    folders: Annotated[list[str], Field(max_length=100)] = Field(default_factory=list)
    """Data sets that it should see."""

    is_shared: bool = True
    """Whether both sides see this very folder, so that what they see of each other can be looked at."""


class Facts(RunFile):
    """What a machine is. Written by the trial there, as the first thing."""

    FILE: ClassVar[str] = FACTS

    host: Annotated[str, line(80)] = ""
    """Its name."""

    packages: dict[str, str] = Field(default_factory=dict)
    """The versions of Python and of our packages."""

    cores: Annotated[int, Field(ge=0)] = 0
    """Processor cores that the trial may use."""

    gpus: list[str] = Field(default_factory=list)
    """The GPUs that it was given, by name."""

    unlisted: list[str] = Field(default_factory=list)
    """Those that it was given and that no driver there lists."""

    unseen: list[str] = Field(default_factory=list)
    """The data sets that it does not see."""

    lock: Annotated[str, line(200)] = ""
    """What became of its attempt at the lock that this side holds: `refused`, `taken` or an error."""


class Report(RunFile):
    """What the other side saw. Written by the trial there, as the last thing."""

    FILE: ClassVar[str] = REPORT

    reads: Annotated[int, Field(ge=0)] = 0
    """How often it read the file that this side replaced all the time."""

    torn: Annotated[int, Field(ge=0)] = 0
    """How often that was not whole, or not there."""

    freed: Annotated[str, line(200)] = ""
    """What became of its attempt at the lock once this side had let go of it: `taken`, `refused` or an error."""


def is_trial(folder: Path) -> bool:
    """Whether a run's folder is that of a trial."""
    return os.path.lexists(folder / ASKED)


def lock_of(folder: Path, side: Side) -> Path:
    """The lock that a side holds."""
    return folder / f"trial-{side}.lock"


def lines_of(folder: Path, side: Side) -> Path:
    """The file to which a side appends lines."""
    return folder / f"trial-{side}.lines"


def mark_of(folder: Path, side: Side, number: int) -> Path:
    """A mark that a side makes."""
    return folder / f"trial-{side}-{number}"


def attempt(path: Path, patience: float = 0.0) -> str:
    """Whether a lock can be had: ``taken``, ``refused``, or in words what went wrong."""
    try:
        with hold_lock(path, patience):
            return "taken"
    except Timeout:
        return "refused"
    except (OSError, NotImplementedError) as error:
        return getattr(error, "strerror", None) or str(error)


def append_line(folder: Path, side: Side, number: int) -> None:
    """Append a numbered line. Raises OSError."""
    with write.append(lines_of(folder, side)) as file:
        file.write(f"{number}\n".encode())


def count_lines(folder: Path, side: Side) -> int:
    """How many whole lines a side is seen to have appended."""
    try:
        return read_regular(lines_of(folder, side), LIMIT).count(b"\n")
    except OSError:
        return 0


def versions() -> dict[str, str]:
    """Of Python, and of those of PACKAGES that are installed."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


class Swaps:
    """Replaces a file of one side again and again, and reads the other side's, which must be whole whenever it is read."""

    def __init__(self, folder: Path, side: Side) -> None:
        self._mine = folder / f"trial-{side}.swap"
        self._theirs = folder / f"trial-{'there' if side == 'here' else 'here'}.swap"
        self._count, self.reads, self.torn = 0, 0, 0

    def step(self) -> None:
        """Replace the one, read the other. Raises OSError where nothing can be written."""
        self._count += 1
        data = f"{self._count}\n".encode() * LINES
        write.replace(self._mine, lambda file: file.write(data), sync=False)
        if self.reads or os.path.lexists(self._theirs):
            self.reads += 1
            self.torn += not self._is_whole()

    def _is_whole(self) -> bool:
        try:
            lines = read_regular(self._theirs, LIMIT).splitlines()
        except OSError:
            return False
        return len(lines) == LINES and len(set(lines)) == 1


def wait_until(is_so: Callable[[], bool], seconds: float, meanwhile: Callable[[], object]) -> float | None:
    """Seconds until something was so; None where it was not in time."""
    begin = time.monotonic()
    while not is_so():
        if time.monotonic() - begin > seconds:
            return None
        meanwhile()
        time.sleep(PAUSE)
    return time.monotonic() - begin
