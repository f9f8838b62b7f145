"""A text file of rows → titles and fields, and how it was read: encoding, separator, quoting.

The csv module, not pandas: 18,000 rows in milliseconds without a heavy import, and "NA" stays the label that it is.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from dhc.errors import DataError

if TYPE_CHECKING:
    from _csv import Reader

MAX_BYTES = 64 * 2**20  # beyond that it is not a table of this product's pictures
MAX_LINES = 1_000_000  # each takes 300 bytes of memory as a row, and 12 kB as a picture
MAX_FIELDS = 10_000_000  # each takes up to 60 bytes; a table with a column for each of 100 classes of 100,000 pictures
SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
SAMPLE_ROWS = 50  # by which the separator is chosen
SAMPLE_LETTERS = 64_000


@dataclass(frozen=True)
class Sheet:
    """The rows of one text file below its titles; blank lines are left out.

    ``rows``: (line number, fields as written, as many as there are titles at most). ``titles``: stripped.
    """

    name: str
    titles: tuple[str, ...]
    rows: tuple[tuple[int, list[str]], ...]
    separator: str = ","
    encoding: str = "UTF-8"

    @property
    def form(self) -> str:
        """How the file was read where that is not UTF-8 with commas: ``separated by semicolons, UTF-16``."""
        separator = (
            "" if self.separator == "," or len(self.titles) < 2 else f"separated by {SEPARATORS[self.separator]}"
        )
        return ", ".join(filter(None, (separator, self.encoding if self.encoding != "UTF-8" else "")))


def read_sheet(path: Path) -> Sheet:
    """Read a table from a file; see `parse_sheet`. Raises DataError also where it is missing or unreadable."""
    return parse_sheet(path.name, _bytes(path))


def parse_sheet(name: str, data: bytes) -> Sheet:
    """Read a table of one header line and a line for each picture.

    UTF-8 or UTF-16 with its mark; commas, semicolons, tabs or bars, whichever makes columns of the first rows.

    Raises DataError where it is no text, or no such table.
    """
    text, encoding = _decoded(name, data)
    separator = _separator(text)
    _refuse_endless(name, text, separator)
    rows = _rows(name, text, separator)
    header = next(rows, (0, []))[1]
    titles = tuple(title.strip() for title in header)
    if not any(titles):
        raise DataError(f"{name} is empty; it needs a header line such as Image,Class and a line for each picture.")
    width = len(titles)
    body = tuple(row if len(row[1]) <= width and row[1] != header else _trimmed(name, width, row) for row in rows)
    return Sheet(name, titles, body, separator, encoding)


def _refuse_endless(name: str, text: str, separator: str) -> None:
    """Raise DataError for more lines or fields than a table has, before memory is taken for them."""
    for what, count, most in (
        ("lines", text.count("\n") + text.count("\r") - text.count("\r\n"), MAX_LINES),
        ("fields", text.count(separator), MAX_FIELDS),
    ):
        if count > most:
            raise DataError(
                f"{name} has {count:,} {what}, but a table of pictures has at most {most:,}; is it the right file?"
            )


def _trimmed(name: str, width: int, row: tuple[int, list[str]]) -> tuple[int, list[str]]:
    """The row, without empty fields beyond the titles. Raises DataError for what would shift or invent a label."""
    line, fields = row
    if len(fields) <= width:
        raise DataError(f"{name} line {line:,} is the header once more; delete that line.")
    if any(map(str.strip, fields[width:])):
        raise DataError(
            f"{name} line {line:,} has {len(fields)} fields below {width} titles; "
            "put quotes around a value that holds the separator."
        )
    return line, fields[:width]


def _bytes(path: Path) -> bytes:
    """The file's bytes; DataError where it is missing, huge or unreadable."""
    name = path.name
    try:
        if not path.is_file():
            raise DataError(f"{path.parent} has no {name}; it must hold train.csv and val.csv, columns Image,Class.")
        refuse_huge(name, path.stat().st_size)
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{name} could not be read ({error.strerror or error}); check its permissions.") from error


def refuse_huge(name: str, size: int) -> None:
    """Raise DataError for a table of more than MAX_BYTES."""
    if size > MAX_BYTES:
        raise DataError(
            f"{name} is {size >> 20:,} MB, but a table of pictures is at most {MAX_BYTES >> 20} MB; is it the right file?"
        )


def _decoded(name: str, data: bytes) -> tuple[str, str]:
    """The text and its encoding; DataError where it is none."""
    encoding = "UTF-16" if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "UTF-8"
    try:
        text = data.decode("utf-16" if encoding == "UTF-16" else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{name} is not {encoding} text (byte {error.start:,}); save it as 'CSV UTF-8'.") from error
    if "\0" in text:
        raise DataError(f"{name} holds NUL bytes, so it is not UTF-8 text; save it as 'CSV UTF-8'.")
    return text, encoding


def _separator(text: str) -> str:
    """The separator that makes most columns of the first rows, as many in each as in the header."""
    sample = text[:SAMPLE_LETTERS]
    return max(SEPARATORS, key=lambda separator: _columns_made(sample, separator))  # of equals the first


def _columns_made(sample: str, separator: str) -> tuple[bool, float, int]:
    """Whether there is more than one column, the share of rows that fit the header, and the number of columns."""
    try:
        rows = [
            row for row in islice(_reader(sample, separator, strict=False), SAMPLE_ROWS) if any(map(str.strip, row))
        ]
    except csv.Error:
        rows = []
    columns = len(rows[0]) if rows else 0
    if columns < 2:
        return False, 0.0, columns
    fitting = sum(len(row) == columns for row in rows[1:])
    return True, fitting / max(1, len(rows) - 1), columns


def _rows(name: str, text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Line number and fields of each line that is not blank."""
    reader = _reader(text, separator, strict=True)
    try:
        for row in reader:
            if any(map(str.strip, row)):
                yield reader.line_num, row
    except csv.Error as error:
        raise DataError(f"{name} line {reader.line_num:,} is no valid CSV ({error}); mend the quotes there.") from error


def _reader(text: str, separator: str, *, strict: bool) -> Reader:
    # A quote behind a space opens a value only where the file writes them so; elsewhere a name may begin with a space.
    spaced = re.search(
        rf'{re.escape(separator)}[ ]+"[^"\n]*"[ ]*(?:{re.escape(separator)}|\r?\n|$)', text[:SAMPLE_LETTERS]
    )
    return csv.reader(
        io.StringIO(text, newline=""), delimiter=separator, strict=strict, skipinitialspace=spaced is not None
    )
