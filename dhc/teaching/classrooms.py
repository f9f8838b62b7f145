"""A teacher's classes, by code, beside the runs: which lessons each takes, with which runs, in which language.

Called classrooms in the code: a class is one of the pictures' classes.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final

from pydantic import BeforeValidator, Field

from dhc.errors import RunError
from dhc.files.lock import Timeout, hold_lock
from dhc.files.write import root
from dhc.runs.lenient import Record
from dhc.teaching.catalogue import LESSONS
from dhc.teaching.words import LANGUAGES
from dhc.text import clean, one_line

FILE: Final = "classes.json"
LOCK: Final = ".classes.lock"
PATIENCE: Final = 3.0  # seconds to wait for another's change to be written
MOST, MOST_RUNS, TITLE_LENGTH = 50, 100, 60
LETTERS: Final = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"  # none that looks like another on a blackboard
CODE_LENGTH: Final = 6
_CODE: Final = re.compile(rf"[{LETTERS}]{{{CODE_LENGTH}}}")
_RUN: Final = re.compile(r"[\w.-]{1,120}", re.ASCII)


def _lessons(value: Any) -> tuple[str, ...]:
    return tuple(name for name in LESSONS if name in value) if isinstance(value, Sequence) else ()


def _runs(value: Any) -> tuple[str, ...]:
    texts = [text for text in value if isinstance(text, str)] if isinstance(value, list | tuple) else []
    return tuple(dict.fromkeys(text for text in texts if _RUN.fullmatch(text)))[:MOST_RUNS]


def _language(value: Any) -> str:
    return value if isinstance(value, str) and value in LANGUAGES else next(iter(LANGUAGES))


def _title(value: Any) -> str:
    return clean(one_line(value, TITLE_LENGTH)) if isinstance(value, str) else ""


class Classroom(Record):
    """One class. lessons: names, in the course's order; runs: ids; begins_at: the byte of the letter box from which its answers count."""

    title: Annotated[str, BeforeValidator(_title)] = ""
    lessons: Annotated[tuple[str, ...], BeforeValidator(_lessons)] = ()
    runs: Annotated[tuple[str, ...], BeforeValidator(_runs)] = ()
    language: Annotated[str, BeforeValidator(_language)] = "en"
    begins_at: int = Field(default=0, ge=0)


def _classrooms(value: Any) -> dict[str, Classroom]:
    items = value.items() if isinstance(value, Mapping) else ()
    fitting = [(code, entry) for code, entry in items if is_code(code) and isinstance(entry, Mapping | Classroom)]
    return {code: entry if isinstance(entry, Classroom) else Classroom.sift(entry)[0] for code, entry in fitting[:MOST]}


class _File(Record):
    """``classes.json`` beside the runs."""

    LIMIT: ClassVar[int] = 1_000_000

    classes: Annotated[dict[str, Classroom], BeforeValidator(_classrooms)] = Field(default_factory=dict)


def is_code(value: Any) -> bool:
    """Whether a value can be the code of a class."""
    return isinstance(value, str) and _CODE.fullmatch(value) is not None


def code_in(text: str) -> str:
    """What a person typed, as a code: in capitals, without spaces and dashes; "" where it can be none."""
    code = re.sub(r"[\s-]", "", text.upper())[: CODE_LENGTH + 1]
    return code if is_code(code) else ""


def read_classrooms(runs_dir: Path) -> dict[str, Classroom]:
    """The classes by code, the oldest first; none where the file cannot be read."""
    return dict((_File.load(runs_dir / FILE) or _File()).classes)


def require_readable(runs_dir: Path) -> None:
    """Raise RunError where the file of the classes is there and cannot be read."""
    if _File.load(runs_dir / FILE) is None and os.path.lexists(runs_dir / FILE):
        raise RunError(f"{FILE} in {runs_dir} cannot be read: remove or mend it, so that classes can be kept")


def add(runs_dir: Path, classroom: Classroom) -> str:
    """Keep a new class; returns its code. Raises RunError for one without a title or lessons, or too many, and OSError."""
    _check(classroom)
    with _changed(runs_dir) as classrooms:
        _check_room(classrooms.keys())
        code = _new_code(classrooms)
        classrooms[code] = classroom
    return code


def put(runs_dir: Path, code: str, classroom: Classroom) -> None:
    """Bring a class back under the code that it had. Raises RunError and OSError."""
    _check(classroom)
    with _changed(runs_dir) as classrooms:
        _check_room(classrooms.keys() - {code})
        classrooms[code] = classroom


def change(runs_dir: Path, code: str, **values: Any) -> None:
    """Change some of a class's values; what someone else changed of it meanwhile stays. Raises RunError and OSError."""
    with _changed(runs_dir) as classrooms:
        if code not in classrooms:
            raise RunError(f"the class {code} is not here any more: someone has deleted it")
        changed = classrooms[code].model_copy(update=values)
        _check(changed)
        classrooms[code] = changed


def count_from_the_first(runs_dir: Path) -> None:
    """Count every class's answers from the beginning of the letter box. Raises RunError and OSError."""
    with _changed(runs_dir) as classrooms:
        classrooms.update({code: one.model_copy(update={"begins_at": 0}) for code, one in classrooms.items()})


def delete(runs_dir: Path, code: str) -> Classroom | None:
    """Delete a class; returns what it was, None where there is none. Raises RunError and OSError."""
    with _changed(runs_dir) as classrooms:
        return classrooms.pop(code, None)


def _check(classroom: Classroom) -> None:
    if not classroom.title:
        raise RunError(f"a class needs a name: write one of 1 to {TITLE_LENGTH} letters")
    if not classroom.lessons:
        raise RunError("a class needs a lesson: choose one at least")


def _check_room(others: Collection[str]) -> None:
    if len(others) >= MOST:
        raise RunError(f"there are {MOST} classes already, the most that are kept: delete one first")


def _new_code(taken: Mapping[str, Classroom]) -> str:
    while (code := "".join(secrets.choice(LETTERS) for _ in range(CODE_LENGTH))) in taken:
        pass
    return code


@contextmanager
def _changed(runs_dir: Path) -> Iterator[dict[str, Classroom]]:
    """The classes, to be changed, and written at the end; two who change different ones at once both keep their change."""
    folder = root(runs_dir)
    try:
        with hold_lock(folder / LOCK, PATIENCE):
            require_readable(folder)
            classrooms = read_classrooms(folder)
            yield classrooms
            _File(classes=classrooms).save(folder / FILE)
    except Timeout:
        raise RunError("someone else is changing the classes here: try again in a moment") from None
