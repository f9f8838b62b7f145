"""Zip archives that anyone may have written: judged by their directory before anything is unpacked.

What an archive claims is held against what it has: sizes against the file's, each member against its checksum. Whatever
zipfile and zlib raise on damaged bytes leaves this module as DamagedError.
"""

from __future__ import annotations

import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import IO, Self

END = struct.Struct("<4s4H2LH")  # a zip's last 22 bytes: signature, disks, entries, bytes and start of the directory
END_64 = struct.Struct("<4sQ2H2L4Q")  # the same of a zip beyond 4 GB, before the locator
LOCATOR_64 = struct.Struct("<4sLQL")  # where that stands
ENTRY = 400  # bytes of a member in the directory: 46, its name, and what a size beyond 4 GB adds
PLAIN_FLAGS = 0x080E  # how it was packed, sizes behind the data, UTF-8 names; nothing encrypted or patched
BROKEN = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, NotImplementedError, ValueError, EOFError)
DENSEST = 1032  # bytes that deflate makes of one


class DamagedError(Exception):
    """It is not what this product writes; the text goes on after “it”."""


class Archive:
    """A zip archive for reading, with at most `members` members of at most `size` bytes, unpacked.

    A context manager. Takes no more memory than the directory of so many members before a member is asked for. Raises
    DamagedError for anything that a run of ours could not have written.
    """

    def __init__(self, file: IO[bytes], *, members: int, size: int) -> None:
        start = _directory_start(file, members)
        with _as_damage():
            self._zip = zipfile.ZipFile(file)
        self._infos: dict[str, zipfile.ZipInfo] = {}
        for info in self._zip.infolist():
            if info.filename in self._infos:
                raise DamagedError("holds two members of one name")
            _check_member(info, start)
            self._infos[info.filename] = info
        if sum(info.compress_size for info in self._infos.values()) > start:
            raise DamagedError("holds members that lie over one another")
        if (total := sum(self.sizes.values())) > size:
            raise DamagedError(f"unpacks to {total:,} bytes, more than any that a run writes ({size:,})")

    @property
    def sizes(self) -> Mapping[str, int]:
        """Bytes of each member, unpacked, by its name."""
        return {name: info.file_size for name, info in self._infos.items()}

    def read(self, name: str, size: int | None = None) -> bytes:
        """A member's bytes, or its first `size`; only the whole is held against its checksum.

        Raises DamagedError.
        """
        if name not in self._infos:
            raise DamagedError(f"has no {name}")
        length = self._infos[name].file_size if size is None else min(size, self._infos[name].file_size)
        with _as_damage(), self._zip.open(self._infos[name]) as member:
            data = member.read(length)
        if len(data) != length:
            raise DamagedError(f"breaks off within {name}")
        return data

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._zip.close()


@contextmanager
def _as_damage() -> Iterator[None]:
    """For calls of zipfile alone: `BROKEN` is what they raise on damaged bytes."""
    try:
        yield
    except BROKEN as error:
        raise DamagedError(f"is no sound archive ({type(error).__name__})") from None


def _directory_start(file: IO[bytes], members: int) -> int:
    """Where the directory begins, by the file's last bytes; it must reach from there to them."""
    size = file.seek(0, io.SEEK_END)
    room = END.size + LOCATOR_64.size + END_64.size
    file.seek(max(0, size - room))
    tail = file.read(room).rjust(room, b"\0")
    mark, _, _, _, entries, length, _, comment = END.unpack(tail[-END.size :])
    end = size - END.size
    if mark != b"PK\5\6" or comment:
        raise DamagedError("has no directory at its end")
    if tail[END_64.size :].startswith(b"PK\6\7"):
        end -= LOCATOR_64.size + END_64.size
        mark, _, _, _, _, _, _, entries, length, _ = END_64.unpack(tail[: END_64.size])
        if mark != b"PK\6\6" or LOCATOR_64.unpack_from(tail, END_64.size)[2] != end:
            raise DamagedError("has a directory that contradicts itself")
    if entries > members or length > min(end, members * ENTRY):
        raise DamagedError(f"lists more than the {members} members that a run writes")
    return end - int(length)


def _check_member(info: zipfile.ZipInfo, start: int) -> None:
    packed = {zipfile.ZIP_STORED: 1, zipfile.ZIP_DEFLATED: DENSEST}
    if info.flag_bits & ~PLAIN_FLAGS or info.compress_type not in packed:
        raise DamagedError("holds a member that is encrypted, or packed as no run packs it")
    fits = 0 <= info.header_offset <= info.header_offset + info.compress_size <= start
    if not fits or info.file_size > packed[info.compress_type] * (info.compress_size + 1):
        raise DamagedError("claims more than it holds")
