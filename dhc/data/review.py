"""What a person says of single pictures: keep, another label, leave out, unsure; in a file beside the data set.

The tables stay as they are. The file has a line of JSON for each mark, is only ever added to, and what was said last of a picture
holds. A mark names the picture's split, file and pixels, so that it finds the picture again under another name, and the label
that was judged: once the table has another one, the mark has been overtaken.
"""

from __future__ import annotations

import getpass
import hashlib
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Final, Literal, get_args

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dhc.errors import DataError
from dhc.files import write
from dhc.files.lock import Timeout, hold_lock
from dhc.files.read import read_regular, reason
from dhc.text import quote_path

Verdict = Literal["keep", "relabel", "leave-out", "unsure", "unmarked"]
VERDICTS: Final[tuple[Verdict, ...]] = get_args(Verdict)
CHANGING: Final = ("relabel", "leave-out")  # what a training obeys
LIMIT: Final = 20_000_000  # bytes of the file: some 80,000 marks
LONGEST: Final = 20_000  # bytes of a line
BEGINNING: Final = b'{"split":"'
PATIENCE: Final = 3.0  # seconds to wait for another's mark to be written
LATEST: Final = 32_503_680_000  # seconds since 1970: the year 3000


class Mark(BaseModel):
    """What somebody said of one picture."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore", allow_inf_nan=False)

    split: Literal["train", "val"]
    """Where the picture stood."""

    file: Annotated[str, Field(min_length=1)]
    """Its path below the data set's folder."""

    pixels: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
    """What it showed: `pixel_print`."""

    label: str
    """The class that the table gave it."""

    verdict: Verdict
    """What was said; ``unmarked`` takes back what was said before."""

    other: str = ""
    """The class that it should have; only with ``relabel``."""

    who: str = ""
    """The account of whoever said so."""

    at: Annotated[float, Field(ge=0, le=LATEST)] = 0.0
    """When, in seconds since 1970."""

    run: str = ""
    """The id of the run whose answers were on the screen."""

    @property
    def changes_training(self) -> bool:
        """Whether a training that obeys the review does something else for it."""
        return self.verdict == "leave-out" or (self.verdict == "relabel" and self.other not in ("", self.label))


def review_file(folder: Path) -> Path:
    """The file of the marks: beside the data set, so that no data set from elsewhere brings one. Raises DataError for a disk's root."""
    place = folder.absolute()
    place = place.resolve() if place.name in ("", "..") else place
    if not place.name:
        raise DataError(
            f"{quote_path(folder)} is a whole disk, so no review fits beside it: put the pictures in a folder."
        )
    return place.parent.resolve() / f"{place.name}.review.jsonl"


def read_marks(path: Path) -> list[Mark]:
    """Every mark in a file, oldest first; none where there is no file. A torn last line is forgiven.

    Raises DataError, in a sentence, for anything else than a file of marks.
    """
    try:
        data = read_regular(path, LIMIT)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise DataError(f"The review {quote_path(path)} cannot be read: {reason(error)}; mend or move it.") from None
    *lines, last = data.split(b"\n")
    lines += [] if _is_torn(last) else [last]
    return [_mark(line, path, number) for number, line in enumerate(lines, start=1)]


def standing(marks: Iterable[Mark]) -> list[Mark]:
    """What holds: of each picture the mark that was made last, by split and file."""
    newest = {(mark.split, mark.file, mark.pixels): mark for mark in marks}
    return sorted(
        (mark for mark in newest.values() if mark.verdict != "unmarked"),
        key=lambda mark: (mark.split, mark.file, mark.at),
    )


def add_mark(folder: Path, mark: Mark) -> None:
    """Write a mark behind those of the data set in `folder`. Two who mark at once both keep theirs.

    Raises DataError where the file holds something else, is full or somebody else's for long, OSError where nothing can be written.
    """
    path = review_file(folder)
    line = mark.model_dump_json().encode() + b"\n"
    if len(line) > LONGEST:
        raise DataError("This mark cannot be kept, because the names of the file and of its classes are too long.")
    try:
        with hold_lock(path.with_name(f".{path.name}.lock"), PATIENCE):
            _append(path, line)
    except Timeout:
        raise DataError(f"Someone else is writing to {path.name}: try again in a moment.") from None


def write_marks(path: Path, marks: Iterable[Mark]) -> None:
    """Replace a file by these marks. Raises OSError."""
    write.replace(path, lambda file: file.writelines(mark.model_dump_json().encode() + b"\n" for mark in marks))


def why_unwritable(folder: Path) -> str:
    """Why no mark can be kept beside the data set, in a sentence; "" where one can."""
    path = review_file(folder)
    place = path if os.path.lexists(path) else path.parent
    return (
        ""
        if os.access(place, os.W_OK) and os.access(path.parent, os.W_OK)
        else (
            f"Marks would be kept in {quote_path(path)}, which cannot be written to: make {quote_path(path.parent)} writable first."
        )
    )


def new_mark(
    split: Literal["train", "val"],
    file: str,
    image: np.ndarray,
    label: str,
    verdict: Verdict,
    *,
    other: str = "",
    run: str = "",
) -> Mark:
    """A mark of now, by whoever this process belongs to. image: (64, 64, 3) uint8."""
    return Mark(
        split=split,
        file=file,
        pixels=pixel_print(image),
        label=label,
        verdict=verdict,
        other=other if verdict == "relabel" else "",
        who=_account(),
        at=round(time.time(), 3),
        run=run,
    )


def pixel_print(image: np.ndarray) -> str:
    """Sixteen hex digits of a picture, (64, 64, 3) uint8."""
    return hashlib.blake2b(np.ascontiguousarray(image).data, digest_size=8).hexdigest()


def pixel_prints(x: np.ndarray) -> list[str]:
    """`pixel_print` of each of (N, 64, 64, 3) uint8: about a second for 80,000."""
    return [pixel_print(image) for image in x]


def _append(path: Path, line: bytes) -> None:
    read_marks(path)  # what is no file of marks is refused before anything is added to it
    old = read_regular(path, LIMIT) if os.path.lexists(path) else b""
    if len(old) + len(line) > LIMIT:
        raise DataError(f"{path.name} is full: export the review, then shorten the file.")
    whole, line_break, last = old.rpartition(b"\n")
    if last and _is_torn(last):
        write.replace(path, lambda file: file.write(whole + line_break + line))
        return
    with write.append(path) as file:
        file.write(b"\n" + line if last else line)


def _mark(line: bytes, path: Path, number: int) -> Mark:
    if len(line) <= LONGEST:
        try:
            return Mark.model_validate_json(line)
        except (ValidationError, RecursionError):
            pass
    raise DataError(
        f"Line {number:,} of the review {quote_path(path)} is no mark of this version: mend or remove that line, or move the file away."
    )


def _is_torn(line: bytes) -> bool:
    """Whether the end of a file, behind its last line break, is nothing, or the part of a mark that got onto the disk."""
    if not line.startswith(BEGINNING[: len(line)]) or len(line) > LONGEST:
        return False
    try:
        return not line or Mark.model_validate_json(line) is None
    except (ValidationError, RecursionError):
        return True


def _account() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a number without a name, as in many containers
        return ""
