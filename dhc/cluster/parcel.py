"""A data set as a run uses it, packed to be sent: its tables, and the pictures that they list.

The parcel is a tar archive that depends on nothing but names and bytes, so that its hash is the same on every machine and changes
with any byte, name or label. It is never whole in memory: it is read off the disk piece by piece, once to be hashed, once to be sent.
"""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from dhc.data.about import ABOUT
from dhc.data.cache import SHAPE
from dhc.data.files import FileState, stat_files
from dhc.data.layout import Dataset, open_dataset
from dhc.data.places import SPLITS, find_table
from dhc.data.tree import DiskTree
from dhc.errors import UserError
from dhc.text import quote_path

CHUNK = 4_000_000  # bytes that are sent at once
BLOCK = 512  # of a tar archive
TEST_LABELS = "test_labels.csv"
CHANGED = "{} was changed while it was sent to another machine: leave it alone for a moment, then resume the run"


class ParcelError(UserError):
    """A data set that cannot be sent, or that finds no room where it is sent to."""


@dataclass(frozen=True)
class Parcel:
    """What is sent, known before.

    digest    32 hex digits of all its bytes
    size      its bytes
    pictures  how many it holds
    contents  32 hex digits of what its tables say: files, labels and classes
    """

    digest: str
    size: int
    pictures: int
    contents: str

    @property
    def room(self) -> int:
        """Bytes that it takes where it is unpacked, at most: as it comes, its files, and these decoded."""
        return 2 * self.size + self.pictures * int(np.prod(SHAPE))


@dataclass(frozen=True)
class Member:
    """A file of a data set: its name in the parcel, where it lies."""

    name: str
    path: Path
    state: FileState


def parcel_of(root: Path) -> Parcel:
    """What would be sent of the data set in `root`; reads all of it. Raises DataError, ParcelError."""
    dataset = open_dataset(root)
    listed = members(dataset)
    digest, size = hashlib.blake2b(digest_size=16), 0
    for data in _archive(listed):
        digest.update(data)
        size += len(data)
    return Parcel(digest.hexdigest(), size, sum(map(len, _picture_names(dataset).values())), contents(dataset))


def chunks(root: Path, size: int = CHUNK) -> Iterator[bytes]:
    """The bytes of the parcel, `size` at a time. Raises DataError, ParcelError."""
    buffer = bytearray()
    for data in _archive(members(open_dataset(root))):
        buffer += data
        while len(buffer) >= size:
            yield bytes(buffer[:size])
            del buffer[:size]
    if buffer:
        yield bytes(buffer)


def members(dataset: Dataset) -> list[Member]:
    """The files of a data set that are there, by name: tables, the maker's note, the pictures of every split."""
    tree = DiskTree(dataset.root)
    tables = [table for split in SPLITS if (table := find_table(tree, split)) is not None]
    names = {dataset.root: {*tables, ABOUT, *([TEST_LABELS] if "test" in dataset.splits else [])}}
    names.setdefault(dataset.pictures, set()).update(*_picture_names(dataset).values())
    listed: dict[str, Member] = {}
    for folder, files in names.items():
        ordered = sorted(files)
        for name, state in zip(ordered, stat_files(folder, ordered), strict=True):
            if state is not None:
                listed.setdefault(name, Member(name, folder / name, state))
    return [listed[name] for name in sorted(listed)]


def contents(dataset: Dataset) -> str:
    """Hex digits of what the tables of a data set say, wherever its folder is."""
    splits = [
        (name, split.table.names, split.files, None if split.y is None else split.y.tolist())
        for name, split in sorted(dataset.splits.items())
    ]
    words = repr((dataset.classes, splits)).encode("utf-8", "backslashreplace")
    return hashlib.blake2b(words, digest_size=16).hexdigest()


def stamp(dataset: Dataset) -> str:
    """Hex digits that change when a file of a data set does, by its size and its time; no picture is opened."""
    states = [(member.name, member.state.size, member.state.mtime_ns) for member in members(dataset)]
    return hashlib.blake2b(repr(states).encode("utf-8", "backslashreplace"), digest_size=16).hexdigest()


def _picture_names(dataset: Dataset) -> dict[str, set[str]]:
    return {name: set(split.files) for name, split in dataset.splits.items()}


def _archive(listed: list[Member]) -> Iterator[bytes]:
    """The bytes of the archive: a header, the file, zeros up to a whole block; zeros at the end. Raises ParcelError."""
    for member in listed:
        try:
            with member.path.open("rb") as file:
                yield from _entry(member, file)
        except PermissionError:
            continue  # nobody can train with it here, either
        except OSError:
            raise ParcelError(CHANGED.format(quote_path(member.path))) from None
    yield bytes(2 * BLOCK)


def _entry(member: Member, file: IO[bytes]) -> Iterator[bytes]:
    header = tarfile.TarInfo(member.name)
    header.size, header.mode = member.state.size, 0o644
    yield header.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
    left = header.size
    while data := file.read(CHUNK):
        left -= len(data)
        if left < 0:
            break
        yield data
    if left:
        raise ParcelError(CHANGED.format(quote_path(member.path)))
    yield bytes(-header.size % BLOCK)
