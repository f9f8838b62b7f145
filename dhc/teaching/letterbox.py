"""The letter box: pupils' answers, the one thing that a read-only view takes.

It is a file that the view opens before its gate is shut, and to whose end it adds one short line an answer: a class's code, a
lesson, a number. No name, no time, no address. Nothing else can be written through it, and nothing read.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Final

from dhc.files import write
from dhc.files.read import read_regular
from dhc.teaching.classrooms import Classroom

FILE: Final = ".answers.jsonl"
LIMIT: Final = 4_000_000  # bytes: some 70,000 answers; then it takes no more until it is emptied
LINE: Final = 120  # bytes of an answer at most
PER_SECOND: Final = 40  # answers that it takes, of all pupils together
MOST: Final = 5_000  # answers to one question that are counted


class LetterBox:
    """Takes answers, in one process; without a file it takes none."""

    def __init__(self, file: IO[bytes] | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._file, self._clock = file, clock
        self._second, self._taken = -1, 0

    def post(self, code: str, lesson: str, answer: float) -> bool:
        """Take an answer to a lesson's question; False where it is full, cannot be written to, or too many come at once."""
        line = json.dumps([code, lesson, float(f"{answer:.6g}")], separators=(",", ":")).encode() + b"\n"
        if self._file is None or not math.isfinite(answer) or len(line) > LINE or not self._has_time():
            return False
        try:
            if os.fstat(self._file.fileno()).st_size + len(line) > LIMIT:
                return False
            os.write(self._file.fileno(), line)  # one call: lines of several processes do not mix
        except OSError:
            return False
        return True

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
    """Open this process's letter box beside the runs; it takes nothing where that cannot be done."""
    close_box()
    try:
        _Own.box = LetterBox(write.append(runs_dir / FILE)) if runs_dir.is_dir() else LetterBox()
    except OSError:
        _Own.box = LetterBox()


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


def counts(runs_dir: Path, code: str, classroom: Classroom) -> Mapping[str, Counter[float]]:
    """How often each answer was given to each of a class's lessons, since its counting began. Raises OSError."""
    try:
        lines = read_regular(runs_dir / FILE, LIMIT + LINE)[classroom.begins_at :].splitlines()
    except FileNotFoundError:
        lines = []
    answers: dict[str, Counter[float]] = {lesson: Counter() for lesson in classroom.lessons}
    for lesson, answer in filter(None, (_read(line, code) for line in lines)):
        if lesson in answers and answers[lesson].total() < MOST:
            answers[lesson][answer] += 1
    return answers


def _read(line: bytes, code: str) -> tuple[str, float] | None:
    """Lesson and answer of a line that holds one of this class."""
    try:
        value = json.loads(line)
    except ValueError:
        return None
    match value:
        case [str(owner), str(lesson), int() | float() as answer] if owner == code and math.isfinite(answer):
            return None if isinstance(answer, bool) else (lesson, float(answer))
    return None
