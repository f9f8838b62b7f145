"""What is new in a run's folder for whoever has a copy of it on another machine.

Two files grow, and are told of by their length and a hash of it. All others are replaced whole: what tells one version from the next
is its stamp, which two names of one file share. A large version that was once listed is held by a second name of its own, so that it
can be read to its end although the training has replaced it meanwhile.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import stat
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, NamedTuple

from dhc.cluster import promises
from dhc.files import remove, write
from dhc.files.folder import is_real_folder
from dhc.files.read import open_regular
from dhc.runs import rundir
from dhc.runs.contract import UsedPictures

GROWING = (rundir.EVENTS, rundir.LOG)
RECORDS = (
    *(rundir.CONFIG, rundir.REQUEST, rundir.ENVIRONMENT, rundir.PROCESS, rundir.PICTURES, rundir.SUMMARY),
    *(rundir.EXIT, rundir.COURSE, promises.ASKED, promises.FACTS),
)
FILES = frozenset((*GROWING, *RECORDS, rundir.PREDICTIONS, rundir.BEST, rundir.REVIEW, rundir.HEALTH))
OF_STATE = (rundir.STATE, rundir.BEST, rundir.PREDICTIONS)
GROUP = re.compile(rf"(?:{rundir.RESUME}|{rundir.STATES})/{rundir.STATE_OF_EPOCH.pattern}")
NAME = re.compile(
    "|".join(map(re.escape, FILES))
    + rf"|{rundir.DYNAMICS}/{rundir.DYNAMICS_OF_EPOCH.pattern}"
    + rf"|{GROUP.pattern}/(?:{'|'.join(map(re.escape, OF_STATE))})"
)
STAMP = re.compile(r"[0-9a-f]{1,32}-[0-9a-f]{1,16}-[0-9a-f]{1,24}")
LARGEST = 32_000_000_000  # bytes of a network's state (`dhc.runs.states`)
SMALL = 200_000  # bytes up to which a file comes at once
MOST = 1_000_000  # bytes of small files, and of what has grown, that come at once
HASHED = 500_000_000  # bytes that are hashed at once


class Entry(NamedTuple):
    """A version of a file: its stamp, and its bytes."""

    stamp: str
    size: int


class Piece(NamedTuple):
    """Bytes of a file: all of a small one, or those from `offset` on of one that grows."""

    name: str
    stamp: str
    offset: int
    data: bytes


class Copy(NamedTuple):
    """What the other side has of a file: the stamp of its version, or where it does not know that, a hash of all its bytes.

    Of a file that grows, both.
    """

    stamp: str
    size: int
    digest: str = ""


class Changes(NamedTuple):
    """What is there, what is new of it, and how the copies compare that came without a stamp."""

    listing: dict[str, Entry]
    pieces: list[Piece]
    same: list[str]
    different: list[str]


def stamp_of(status: os.stat_result) -> str:
    """What tells a version of a file from every other in its folder."""
    return f"{status.st_ino:x}-{status.st_size:x}-{status.st_mtime_ns:x}"


def group_of(name: str) -> str:
    """The folder of a state that a file belongs to; "" for any other."""
    group = GROUP.match(name)
    return group[0] if group else ""


def most_bytes(name: str) -> int:
    """How large a file of that name may be; the record of the end comes at once, or not at all."""
    if name == rundir.EXIT:
        return SMALL
    return UsedPictures.LIMIT if name in RECORDS else LARGEST


def names_in(folder: Path) -> Iterator[str]:
    """The names of the files of a run that are there, those of states with their folders."""
    for name in sorted(FILES):
        if os.path.lexists(folder / name):
            yield name
    for name in _names(folder, rundir.DYNAMICS):
        yield name
    for parent in (rundir.RESUME, rundir.STATES):
        for group in _names(folder, parent):
            yield from _names(folder, group)


def _names(folder: Path, name: str) -> list[str]:
    if not is_real_folder(folder / name):
        return []
    with contextlib.suppress(OSError):
        names = sorted(f"{name}/{entry.name}" for entry in os.scandir(folder / name))
        return [path for path in names if NAME.fullmatch(path) or GROUP.fullmatch(path)]
    return []


def digest_of(path: Path, size: int) -> str:
    """Hex digits of the first bytes of a file. Raises OSError."""
    with open_regular(path) as file:
        digest: str = _hashed(file, size).hexdigest()
    return digest


def _hashed(file: IO[bytes], size: int) -> Any:
    digest = hashlib.blake2b(digest_size=16)
    while size > 0 and (data := file.read(min(size, 1 << 20))):
        digest.update(data)
        size -= len(data)
    return digest


class Source:
    """Tells of a run's folder. `but` are names that are not told of; `holds` is a folder for the second names of large files."""

    def __init__(self, folder: Path, *, but: Collection[str] = (), holds: Path | None = None) -> None:
        self._folder, self._but, self._holds = folder, frozenset(but), holds
        self._paths: dict[str, Path] = {}  # of the listed versions, by stamp
        self._prefixes: dict[tuple[str, int, int], Any] = {}  # hashes by name, inode and count
        self._readings: dict[str, tuple[int, Any]] = {}  # by stamp: how far a version was read, and its hash so far

    def changes(self, copies: Mapping[str, Copy], awaited: Collection[str] = (), *, last: bool = False) -> Changes:
        """What is new beside `copies`; `awaited` are stamps of versions that are still to be read, gone or not.

        With `last` nobody writes any more: a half line counts, and nothing is taken for seen. Raises OSError where the folder is gone.
        """
        self._folder.lstat()
        listing = self._list({copy.stamp for copy in copies.values()})
        self._let_go(
            {entry.stamp for entry in listing.values()} - {copy.stamp for copy in copies.values()} | set(awaited)
        )
        pieces = [piece for name in GROWING if (piece := self._growth(name, copies.get(name), last)) is not None]
        left = MOST - sum(len(piece.data) for piece in pieces)
        for name, entry in listing.items():
            unsure = name in copies and not copies[name].stamp
            is_new = name not in copies or copies[name].stamp != entry.stamp
            if name in GROWING or group_of(name) or unsure or not is_new or not entry.size <= min(SMALL, left):
                continue
            with contextlib.suppress(OSError):
                pieces.append(Piece(name, entry.stamp, 0, self.read(entry.stamp, 0, SMALL)[0]))
                left -= entry.size
        return Changes(listing, pieces, *self._compare(listing, copies))

    def read(self, stamp: str, offset: int, most: int) -> tuple[bytes, str]:
        """Bytes of a version from `offset` on, and with its last one a hash of all. Raises OSError where it is gone."""
        path = self._paths.get(stamp)
        if self._holds is not None and STAMP.fullmatch(stamp) and (self._holds / stamp).is_file():
            path = self._holds / stamp
        if path is None:
            raise FileNotFoundError(stamp)
        with open_regular(path) as file:
            status = os.fstat(file.fileno())
            if stamp_of(status) != stamp:
                raise FileNotFoundError(stamp)
            count, digest = self._readings.pop(stamp, (-1, None))
            digest = digest if count == offset else _hashed(file, offset)
            file.seek(offset)
            data = file.read(most)
            digest.update(data)
            if offset + len(data) >= status.st_size:
                return data, digest.hexdigest()
        self._readings[stamp] = offset + len(data), digest
        return data, ""

    def _list(self, stamps_there: Collection[str]) -> dict[str, Entry]:
        """What is there, large versions held but for those that are there already; states whose files vanish meanwhile are left out."""
        listing: dict[str, Entry] = {}
        vanished: set[str] = set()
        self._paths = {}
        for name in names_in(self._folder):
            if name in self._but:
                continue
            try:
                status = (self._folder / name).lstat()
                if stat.S_ISREG(status.st_mode) and status.st_size <= most_bytes(name):
                    listing[name] = entry = Entry(stamp_of(status), status.st_size)
                    self._paths[entry.stamp] = self._folder / name
                    is_large = name not in GROWING and (bool(group_of(name)) or entry.size > SMALL)
                    if is_large and entry.stamp not in stamps_there:
                        self._hold(name, entry)
            except OSError:
                vanished.add(group_of(name) or name)
        return {name: entry for name, entry in listing.items() if not {name, group_of(name)} & vanished}

    def _hold(self, name: str, entry: Entry) -> None:
        """Give a version a second name. Raises OSError where it is gone."""
        if self._holds is None or (self._holds / entry.stamp).exists():
            return
        hold = write.make_folder(self._holds) / entry.stamp
        write.link(self._folder / name, hold)
        if stamp_of(hold.lstat()) != entry.stamp:
            remove.file(hold)
            if stamp_of((self._folder / name).lstat()) != entry.stamp:
                raise FileNotFoundError(name)
            self._holds = None  # a file system without second names: what is replaced meanwhile is read anew

    def _let_go(self, stamps: Collection[str]) -> None:
        self._readings = {stamp: value for stamp, value in self._readings.items() if stamp in stamps}
        if self._holds is not None and is_real_folder(self._holds):
            for path in list(self._holds.iterdir()):
                if path.name not in stamps:
                    remove.file(path)

    def _growth(self, name: str, copy: Copy | None, last: bool) -> Piece | None:
        """What a file has more than its copy; all of it where the copy is not its beginning."""
        try:
            file = open_regular(self._folder / name)
        except OSError:
            return None
        with file:
            status = os.fstat(file.fileno())
            count, digest = 0, _hashed(file, 0)
            if copy is not None:
                count = copy.size
                digest = None if last else self._prefixes.get((name, status.st_ino, count))
                digest = _hashed(file, count) if digest is None else digest
                if status.st_size < count or digest.hexdigest() != copy.digest:
                    copy, count, digest = None, 0, _hashed(file, 0)
            file.seek(count)
            data = file.read(MOST)
            if name == rundir.EVENTS and not last and len(data) < MOST:
                data = data[: data.rfind(b"\n") + 1]
            others = {key: value for key, value in self._prefixes.items() if key[0] != name}
            self._prefixes = others | {(name, status.st_ino, count): digest.copy()}
            digest.update(data)
            self._prefixes[name, status.st_ino, count + len(data)] = digest
            is_news = bool(data) or (copy is None and count == 0)
            return Piece(name, f"{status.st_ino:x}", count, data) if is_news else None

    def _compare(self, listing: Mapping[str, Entry], copies: Mapping[str, Copy]) -> tuple[list[str], list[str]]:
        """Which of the copies without a stamp are the same as what is here, as far as it can be said at once; and which are not."""
        same: list[str] = []
        different: list[str] = []
        left = HASHED
        for name, copy in copies.items():
            entry = listing.get(name)
            if copy.stamp or entry is None or name in GROWING or left <= 0:
                continue
            if entry.size != copy.size:
                different.append(name)
                continue
            left -= entry.size
            try:
                is_same = digest_of(self._folder / name, entry.size) == copy.digest
                is_same = is_same and stamp_of((self._folder / name).lstat()) == entry.stamp
            except OSError:
                continue
            (same if is_same else different).append(name)
        return same, different
