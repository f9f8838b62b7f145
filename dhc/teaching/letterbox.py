"""The letter box: pupils' answers, the one thing that a read-only view takes.

It is a file that the view opens before its gate is shut, and to whose end it adds one short line an answer: a class's code, a
lesson, a number. No name, no time, no address. Nothing else can be written through it, and nothing read.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Final

from dhc.errors import RunError
from dhc.files import write
from dhc.files.read import StrangeFileError, read_regular
from dhc.teaching.classrooms import Classroom, count_from_the_first

FILE: Final = ".answers.jsonl"
LIMIT: Final = 4_000_000  # bytes: some 70,000 answers; then it takes no more until a teacher empties it
LINE: Final = 120  # bytes of an answer at most
PER_SECOND: Final = 40  # answers that it takes, of all pupils together
SLACK: Final = 10_000  # bytes by which several views that write at once may exceed that
MOST: Final = 5_000  # answers to one question that are counted


class LetterBox:
    """Takes answers, in one process; without a file it takes none."""

    def __init__(self, file: IO[bytes] | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._file, self._clock = file, clock
        self._second, self._taken = -1, 0

    def post(self, code: str, lesson: str, answer: float) -> bool:
        """Take an answer to a lesson's question; False where it is full or gone, cannot be written to, or too many come at once."""
        words = json.dumps([code, lesson, float(f"{answer:.6g}")], separators=(",", ":"))
        line = b"\n" + words.encode()  # so it stays apart from one that a full disk has cut, whoever wrote that
        if self._file is None or not math.isfinite(answer) or len(line) > LINE or not self._has_time():
            return False
        try:
            status = os.fstat(self._file.fileno())
            if status.st_size + len(line) > LIMIT or not status.st_nlink:  # a file that was removed is read by nobody
                return False
            return os.write(self._file.fileno(), line) == len(line)  # one call: lines of several processes do not mix
        except OSError:
            return False

    @property
    def is_open(self) -> bool:
        """Whether it has a file."""
        return self._file is not None

    def close(self) -> None:
        """Take no more answers."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _has_time(self) -> bool:
        second = int(self._clock())
        if second != self._second:
            self._second, self._taken = second, 0
        self._taken += 1
        return self._taken <= PER_SECOND


class _Own:
    """This process's letter box."""

    box = LetterBox()


def open_box(runs_dir: Path) -> None:
    """Open this process's letter box beside the runs, whose folder is made; it takes nothing where that cannot be done."""
    close_box()
    with contextlib.suppress(OSError):
        _Own.box = LetterBox(write.append(write.root(runs_dir) / FILE))


def is_open() -> bool:
    """Whether this process's letter box has a file."""
    return _Own.box.is_open


def close_box() -> None:
    """Take no more answers in this process."""
    _Own.box.close()
    _Own.box = LetterBox()


def post(code: str, lesson: str, answer: float) -> bool:
    """`LetterBox.post` of this process's own."""
    return _Own.box.post(code, lesson, answer)


def length(runs_dir: Path) -> int:
    """The bytes in the letter box."""
    try:
        return (runs_dir / FILE).stat().st_size
    except OSError:
        return 0


def is_full(runs_dir: Path) -> bool:
    """Whether it takes no more."""
    return length(runs_dir) > LIMIT - LINE


def empty(runs_dir: Path) -> None:
    """Throw away every class's answers; it takes new ones at once. Raises UserError and OSError."""
    write.overwrite(write.root(runs_dir) / FILE, b"")
    count_from_the_first(runs_dir)


def counts(runs_dir: Path, code: str, classroom: Classroom) -> Mapping[str, Counter[float]]:
    """How often each answer was given to each of a class's lessons, since its counting began. Raises RunError and OSError."""
    try:
        text = read_regular(runs_dir / FILE, LIMIT + SLACK)
    except FileNotFoundError:
        text = b""
    except StrangeFileError as error:
        raise RunError(
            f"the answers cannot be read: {error}; remove that from {runs_dir} and start the read-only view again"
        ) from None
    begin = classroom.begins_at if classroom.begins_at <= len(text) else 0  # beyond its end: it was emptied since
    lines = Counter(text[begin:].split(b"\n"))  # few different ones, each read once
    answers: dict[str, Counter[float]] = {lesson: Counter() for lesson in classroom.lessons}
    for line, count in lines.items():
        lesson, answer = _read(line, code) or ("", 0.0)
        if lesson in answers:
            answers[lesson][answer] += min(count, MOST - answers[lesson].total())
    return answers


def _read(line: bytes, code: str) -> tuple[str, float] | None:
    """Lesson and answer of a line that holds one of this class."""
    if not line.startswith(f'["{code}",'.encode()) or len(line) > LINE:  # so short a line nests nothing deep
        return None
    try:
        value = json.loads(line)
    except ValueError:
        return None
    match value:
        case [str(owner), str(lesson), int() | float() as answer] if owner == code and math.isfinite(answer):
            return None if isinstance(answer, bool) else (lesson, float(answer))
    return None
