"""What of a source's files is taken: pictures and tables; the rest is counted, and what means harm is refused."""

from __future__ import annotations

import unicodedata
from collections import Counter
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from dhc.data.columns import PICTURE_ENDINGS
from dhc.data.places import TABLE_ENDINGS
from dhc.data.sheet import MAX_BYTES as MAX_TABLE_BYTES
from dhc.errors import DataError
from dhc.text import quote, size_text

MAX_FILES = 1_000_000  # more would not fit the table that lists them
MAX_FILE_BYTES = 100 * 2**20  # as for every picture that is read (dhc.data.picture)
MAX_RATIO = 200  # unpacked to packed bytes of a whole archive; of pictures it is about 1, of text below 20
RATIO_FROM = 2**27  # bytes from which the ratio counts: small archives of empty pictures do no harm
MAX_NAME = 1_000  # letters of a path in the archive
ARCHIVES = (".zip", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".7z", ".rar")
SINGULARS = {
    "files": "file",
    "pictures larger": "picture larger",
    "tables larger": "table larger",
    "tables or texts": "table or text",
}
SINGULARS |= {"archives": "archive", "links, pipes and devices": "link, pipe or device", " are ": " is "}
JUNK_NAMES = {"thumbs.db", "desktop.ini"}


@dataclass(frozen=True)
class Entry:
    """A file of the source: its path within, POSIX, the name by which the source knows it, and its bytes unpacked."""

    path: str
    key: str
    size: int


@dataclass
class Contents:
    """What a source holds: its pictures and tables, and how many other files are left out, by reason."""

    entries: dict[str, Entry] = field(default_factory=dict)
    left_out: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)


class Sieve:
    """Takes the names of a source one by one: enters pictures and tables, counts the rest, refuses what is hostile."""

    def __init__(self, contents: Contents, packed: int | None = None) -> None:
        self._contents, self._packed = contents, packed
        self._folded: dict[str, str] = {}
        self._files, self._bytes = 0, 0

    def add(self, name: str, key: str, size: int) -> None:
        """Take a file's name and size. Raises DataError."""
        path = self._safe(name)
        self._files += 1
        if self._files > MAX_FILES:
            raise DataError(f"It holds more than {MAX_FILES:,} files, the most that one data set may have; split it.")
        reason = left_out(path, size)
        if reason:
            self._contents.left_out[reason] += 1
            return
        self._bytes += size
        if self._packed is not None:
            refuse_bomb(self._bytes, self._packed)
        twin = self._folded.setdefault(unicodedata.normalize("NFC", path).casefold(), path)
        if path in self._contents.entries:
            raise DataError(f"{quote(path)} is in it twice; pack it anew with each file once.")
        if twin != path:
            raise DataError(
                f"{quote(twin)} and {quote(path)} differ only in capitals or accents, and would be one file on many systems; rename one."
            )
        self._contents.entries[path] = Entry(path, key, size)

    def _safe(self, name: str) -> str:
        """The name as a path within the source. Raises DataError for one that leads out of it."""
        path = name.replace("\\", "/")
        if path != name and not any("\\" in note for note in self._contents.notes):
            self._contents.notes.append("Its paths are written with \\, as on Windows, and read as with /.")
        parts = path.split("/")
        if path.startswith("/") or ".." in parts or (len(parts[0]) == 2 and parts[0][1] == ":"):
            raise DataError(f"{quote(name)} leads out of the folder that it is unpacked into; pack the pictures anew.")
        if len(path) > MAX_NAME or any(len(part.encode("utf-8", "surrogateescape")) > 255 for part in parts):
            raise DataError(f"{quote(name)} is too long a name for most systems; give it a shorter one.")
        if any("\ud800" <= letter <= "\udfff" for letter in path):  # how Python holds bytes that are no text
            raise DataError(f"{quote(name)} has a name that is no UTF-8; rename it.")
        if any(ord(letter) < 32 for letter in path):
            raise DataError(f"{quote(name)} has a control character in its name; rename it.")
        return str(PurePosixPath(path))


def refuse_bomb(size: int, packed: int) -> None:
    """Raise DataError for an archive that unpacks to more bytes than pictures can be packed from."""
    if size > RATIO_FROM and size > MAX_RATIO * packed:
        raise DataError(
            f"Its {size_text(packed)} claim to hold more than {size_text(size)}, {MAX_RATIO} times as much, "
            "which no pictures do; it is damaged or was made to fill disks."
        )


def left_out(path: str, size: int) -> str:
    """Why a file is no part of a data set, as a plural noun; "" for a picture or a table."""
    parts = path.split("/")
    name = parts[-1].lower()
    if "__MACOSX" in parts or any(part.startswith(".") for part in parts) or name in JUNK_NAMES:
        return "files of the system's own"
    if name.endswith(PICTURE_ENDINGS):
        return f"pictures larger than {size_text(MAX_FILE_BYTES)}" if size > MAX_FILE_BYTES else ""
    if name.endswith(TABLE_ENDINGS):
        return f"tables larger than {size_text(MAX_TABLE_BYTES)}" if size > MAX_TABLE_BYTES else ""
    if name.endswith(ARCHIVES):
        return "archives within it, which are not unpacked"
    return "files that are neither pictures nor tables"


def left_out_text(reasons: Counter[str]) -> str:
    """What was left out, in a sentence; "" for nothing."""
    if not reasons:
        return ""
    parts = [f"{count:,} {reason if count > 1 else _of_one(reason)}" for reason, count in reasons.most_common()]
    return f"Left out: {'; '.join(parts)}."


def _of_one(reason: str) -> str:
    """A plural noun of `left_out` in the singular."""
    for many, one in SINGULARS.items():
        reason = reason.replace(many, one)
    return reason
