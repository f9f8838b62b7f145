"""Where pictures come from: a folder, a zip or a tar, looked through with distrust before anything is taken out.

No path leaves the folder, links and devices are refused, and size, count and ratio have bounds. What is no part of a data
set (a system's own files, archives within the archive, whatever is neither picture nor table) is left out and counted.
"""

from __future__ import annotations

import io
import stat
import tarfile
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from types import TracebackType
from typing import IO

from dhc.errors import DataError
from dhc.files import archive
from dhc.importing.sieve import MAX_FILES, Contents, Sieve, refuse_bomb
from dhc.importing.tape import Tape
from dhc.text import count_text, quote, quote_path

END_MARK, END_SIZE = b"PK\5\6", 22  # the end of a zip's directory; a comment of up to 65,535 bytes may stand behind it
END_MOST = END_SIZE + 65_535
ENTRY_MOST = 100  # bytes of the directory that an entry takes, on average of a million
BROKEN = (*archive.BROKEN, tarfile.TarError, RuntimeError, OSError)


class Source(ABC):
    """A folder or an archive; a context manager. ``contents`` is there once it is entered, or a DataError was raised."""

    contents: Contents

    def __init__(self, path: Path) -> None:
        self.path = path

    @abstractmethod
    def __enter__(self) -> Source: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    @abstractmethod
    def read(self, path: str) -> bytes:
        """The bytes of one entry. Raises DataError."""

    def read_all(self, paths: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        """Path and bytes of each entry, in whichever order costs least. Raises DataError."""
        for path in paths:
            yield path, self.read(path)


def open_source(path: Path) -> Source:
    """The source at `path`. Raises DataError where that is neither a folder nor an archive that is read here."""
    try:
        kind = _kind(path)
    except OSError as error:
        raise DataError(f"{quote_path(path)} cannot be opened ({error}); check its name and permissions.") from error
    except BROKEN as error:
        raise DataError(f"{quote(path.name)} is a damaged archive ({error}); get it again.") from error
    if kind is not None:
        return kind(path)
    if not path.exists():
        raise DataError(f"There is no file or folder {quote_path(path)}; give the path of a zip, a tar or a folder.")
    raise DataError(f"{quote(path.name)} is no zip and no tar; pack the pictures into one, or give their folder.")


def _kind(path: Path) -> type[Source] | None:
    if path.is_dir():
        return FolderSource
    if not path.is_file():
        return None
    if zipfile.is_zipfile(path):
        return ZipSource
    try:
        Tape.open(path, "r:*").close()
    except tarfile.TarError:
        return None
    return TarSource


class FolderSource(Source):
    """A folder on this machine; links in it are left out."""

    def __enter__(self) -> FolderSource:
        self.contents = Contents()
        sieve = Sieve(self.contents)
        for folder, folders, files in self.path.walk() if hasattr(self.path, "walk") else _walk(self.path):
            folders[:] = sorted(name for name in folders if not (folder / name).is_symlink())
            for name in sorted(files):
                path = folder / name
                if path.is_symlink() or not path.is_file():
                    self.contents.left_out["links, pipes and devices"] += 1
                    continue
                relative = path.relative_to(self.path).as_posix()
                sieve.add(relative, relative, path.stat().st_size)
        return self

    def read(self, path: str) -> bytes:
        """The bytes of one entry. Raises DataError."""
        try:
            return (self.path / path).read_bytes()
        except OSError as error:
            raise DataError(
                f"{quote(path)} cannot be read ({error.strerror or error}); check its permissions."
            ) from error


class ZipSource(Source):
    """A zip archive: the one at `path`, or that in `file`, which was sent under this name and stays open."""

    def __init__(self, path: Path, file: IO[bytes] | None = None) -> None:
        super().__init__(path)
        self._file = file

    def __enter__(self) -> ZipSource:
        self.contents = Contents()
        try:
            with nullcontext(self._file) if self._file else self.path.open("rb") as file:
                size = _refuse_crowd(file)
            self._zip = zipfile.ZipFile(self._file or self.path)
        except BROKEN as error:
            raise DataError(f"{quote(self.path.name)} is a damaged zip ({error}); get it again.") from error
        sieve = Sieve(self.contents, packed=size)
        for info in self._zip.infolist():
            name = _zip_name(info, self.contents.notes)
            kind = stat.S_IFMT(info.external_attr >> 16)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise DataError(
                    f"{quote(name)} in the zip is a link or a device, not a picture; pack the files themselves."
                )
            if info.flag_bits & 1:
                raise DataError(f"{quote(name)} in the zip is encrypted; pack it without a password.")
            if not name:
                raise DataError(f"A file in {quote(self.path.name)} has no name; it is damaged, get it again.")
            if not info.is_dir() and not name.endswith("/"):
                sieve.add(name, info.filename, info.file_size)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._zip.close()

    def read(self, path: str) -> bytes:
        """The bytes of one entry. Raises DataError."""
        entry = self.contents.entries[path]
        try:
            with self._zip.open(entry.key) as file:
                data = file.read(entry.size + 1)
        except BROKEN as error:
            raise DataError(f"{quote(path)} in the zip is damaged ({error}); get the archive again.") from error
        return _bounded(path, data, entry.size)


def _refuse_crowd(file: IO[bytes]) -> int:
    """How many bytes a zip has. Raises DataError where its directory has more entries than are read here, OSError."""
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - END_MOST))
    tail = file.read()
    at = tail.rfind(END_MARK)
    if (
        at >= 0
        and len(tail) >= at + END_SIZE
        and int.from_bytes(tail[at + 12 : at + 16], "little") > MAX_FILES * ENTRY_MOST
    ):
        raise DataError(f"It holds more than {MAX_FILES:,} files, the most that one data set may have; split it.")
    return size


class TarSource(Source):
    """A tar archive, packed or not: read from its beginning to its end, since that is all that it can do well."""

    def __enter__(self) -> TarSource:
        self.contents = Contents()
        sieve = Sieve(self.contents, packed=self.path.stat().st_size)
        for member in self._members():
            if member.isdir():
                continue
            if not member.isreg():
                raise DataError(
                    f"{quote(member.name)} in the tar is a link or a device, not a picture; pack the files themselves."
                )
            sieve.add(member.name, member.name, member.size)
        return self

    def read(self, path: str) -> bytes:
        """The bytes of one entry. Raises DataError."""
        return next(data for _, data in self.read_all([path]))

    def read_all(self, paths: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        """Path and bytes of each entry, in the archive's order. Raises DataError."""
        keys = {self.contents.entries[path].key: path for path in paths}
        for member in self._members():
            path = keys.pop(member.name, None)
            if path is None:
                continue
            try:
                file = self._tar.extractfile(member)
                data = file.read(member.size + 1) if file is not None else b""
            except BROKEN as error:
                raise DataError(f"{quote(path)} in the tar is damaged ({error}); get the archive again.") from error
            yield path, _bounded(path, data, member.size)
            if not keys:
                return

    def _members(self) -> Iterator[tarfile.TarInfo]:
        """Each member, while the archive is open there. Raises DataError where it is damaged."""
        try:
            with Tape.open(self.path, "r:*") as self._tar:
                end = 0
                for member in self._tar:
                    yield member
                    end = member.offset_data + (member.size + 511) // 512 * 512
                    refuse_bomb(end, self.path.stat().st_size)  # all of it is unpacked to come to the next
                    self._tar.members = []  # type: ignore[attr-defined] # else it would keep all of them
                if self._tar.plain and self.path.stat().st_size < end + 512:
                    raise tarfile.ReadError("it breaks off")  # without the empty block that ends each
        except DataError:
            raise
        except BROKEN as error:
            raise DataError(f"{quote(self.path.name)} is a damaged tar ({error}); get it again.") from error


def _walk(folder: Path) -> Iterator[tuple[Path, list[str], list[str]]]:
    """As Path.walk of Python 3.12."""
    import os

    for place, folders, files in os.walk(folder):
        yield Path(place), folders, files


def _zip_name(info: zipfile.ZipInfo, notes: list[str]) -> str:
    """The name as it was meant: old zips say nothing of its encoding, and most of them hold UTF-8 all the same."""
    if info.flag_bits & 0x800 or info.filename.isascii():
        return info.filename
    try:
        return info.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        note = "Its names do not say how they are encoded, and are read as in DOS (code page 437)."
        if note not in notes:
            notes.append(note)
        return info.filename


def _bounded(path: str, data: bytes, size: int) -> bytes:
    """The data. Raises DataError where it is longer than its archive said."""
    if len(data) > size:
        raise DataError(
            f"{quote(path)} holds more than the {count_text(size, 'byte')} that its archive names; get it again."
        )
    return data
