"""One CSV of file names and labels → columns of text.

The csv module, not pandas: 18,000 rows in milliseconds without a heavy import, and "NA" stays the label that it is.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from dhc.errors import DataError
from dhc.text import quote

MAX_BYTES = 64 * 2**20  # two million rows: beyond that it is not a table of this product's pictures
PICTURE_ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff")


@dataclass(frozen=True)
class Table:
    """The rows of one CSV: ``files`` as written, ``labels`` stripped, None without labels."""

    files: tuple[str, ...]
    labels: tuple[str, ...] | None


def read_table(path: Path, *, labelled: bool) -> Table:
    """Read the CSV ``path``, a header and a row for each picture.

    UTF-8 with or without a byte-order mark; comma, semicolon or tab; blank lines allowed.

    Raises DataError where the file is missing, unreadable or empty, or lacks a column, a file name or a label.
    """
    rows = _rows(path.name, _text(path))
    header = next(rows, (0, []))[1]
    file_at, label_at = _columns(path.name, header, labelled)
    files: list[str] = []
    labels: list[str] = []
    for line, row in rows:
        file = row[file_at] if file_at < len(row) else ""
        if not file.strip():
            raise DataError(f"{path.name} line {line:,} has no file name; fill it in or delete the line.")
        files.append(file)
        if labelled:
            labels.append(row[label_at].strip() if label_at < len(row) else "")
            if not labels[-1]:
                raise DataError(f"{path.name} line {line:,}: {quote(file)} has no label; fill it in or delete it.")
    if not files:
        raise DataError(f"{path.name} lists no picture below its header; each split needs at least one.")
    return Table(tuple(files), tuple(labels) if labelled else None)


def _text(path: Path) -> str:
    """The file's text; DataError where it is missing, huge, or no UTF-8 text."""
    name = path.name
    try:
        if not path.is_file():
            raise DataError(f"{path.parent} has no {name}; it must hold train.csv and val.csv, columns Image,Class.")
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise DataError(
                f"{name} is {size >> 20:,} MB, but a table of pictures is at most {MAX_BYTES >> 20} MB; is it the right file?"
            )
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"{name} could not be read ({error.strerror or error}); check its permissions.") from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{name} is not UTF-8 text (byte {error.start:,}); save it as 'CSV UTF-8'.") from error
    if "\0" in text:
        raise DataError(f"{name} holds NUL bytes, so it is not UTF-8 text; save it as 'CSV UTF-8'.")
    return text


def _rows(name: str, text: str) -> Iterator[tuple[int, list[str]]]:
    """Line number and fields of each line that is not blank."""
    header = text.lstrip().partition("\n")[0]
    delimiter = next((mark for mark in (",", ";", "\t") if mark in header), ",")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for row in reader:
            if any(map(str.strip, row)):
                yield reader.line_num, row
    except csv.Error as error:
        raise DataError(f"{name} line {reader.line_num:,} is no valid CSV ({error}); mend the quotes there.") from error


def _columns(name: str, header: Sequence[str], labelled: bool) -> tuple[int, int]:
    """Places of file and label: of ``Image`` and ``Class`` where both are there, else 0 and 1."""
    titles, example = [title.strip() for title in header], "Image,Class" if labelled else "Image"
    if not titles:
        raise DataError(f"{name} is empty; it needs a header line such as {example} and a line for each picture.")
    if titles[0].lower().endswith(PICTURE_ENDINGS):
        raise DataError(f"{name} has no header line, it begins with {quote(titles[0])}; put {example} above it.")
    if labelled and len(titles) < 2:
        raise DataError(f"{name} has only the column {quote(titles[0])}; it needs file and label, as in {example}.")
    if "Image" in titles and (not labelled or "Class" in titles):
        return titles.index("Image"), titles.index("Class") if labelled else -1
    return 0, 1
