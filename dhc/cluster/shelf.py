"""The data sets that were sent to this machine: each once for all runs that use it, under the hash of its bytes.

A data set takes its name on the shelf only when it is whole, and is looked at again before each run: one of which a file was
changed or removed is sent anew. Where room is short, those go that no run uses, the one unused for longest first.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
import shutil
import socket
import tarfile
import time
from collections.abc import Callable, Collection
from pathlib import Path, PurePosixPath
from typing import IO

from dhc.cluster.parcel import CHUNK, Parcel, ParcelError, contents, stamp
from dhc.data.decode import load_pictures
from dhc.data.layout import open_dataset
from dhc.errors import DataError
from dhc.files import remove, write
from dhc.files.folder import is_real_folder
from dhc.files.user_cache import user_cache
from dhc.runs import rundir
from dhc.runs.disk import usage
from dhc.text import size_text

RECORD = ".parcel.json"  # in a data set: what it was when it was unpacked; its time is that of its last use
NAME = re.compile(r"[0-9a-f]{32}")
DRAFT = re.compile(r"\.[0-9a-f]{16}\.[0-9a-f]{32}")  # of one that is being unpacked
MOST = 100_000_000_000  # bytes on the shelf
SPARE = 500_000_000  # bytes that are left free for the runs
TICK = 0.2  # seconds after which a file that was written counts as one that stays as it is (`dhc.data.decode`)
STALE = 3600.0  # seconds after which whoever unpacked a draft is dead
BROKEN = "the pictures came damaged to {host}: resume the run, and they are sent anew"
OTHER = "the data set reads differently without the files that its tables do not list: put it on a folder that all machines see"
NO_ROOM = "the pictures need {need} on {host}, where {free} are free in {folder}: make room there, or set XDG_CACHE_HOME to a larger disk"


def node_folder() -> Path:
    """Where all that is sent to this machine lies. Raises ParcelError for a user without a home."""
    base = user_cache()
    if base is None:
        raise ParcelError(
            f"the user of the cluster has no home on {socket.gethostname()}: set XDG_CACHE_HOME to a folder there"
        )
    return base / "dhc"


class Shelf:
    """The data sets in a folder. `in_use` says the names of those that runs use."""

    def __init__(
        self, folder: Path, in_use: Callable[[], Collection[str]] = lambda: (), *, most: int = MOST, spare: int = SPARE
    ) -> None:
        self._folder, self._in_use, self._most, self._spare = write.root(folder), in_use, most, spare
        self._remove_drafts()

    def find(self, digest: str) -> Path | None:
        """The data set with that hash, marked as used now; None where it is not here, or not as it was unpacked."""
        root = self._folder / digest
        record = rundir.read_json(root / RECORD) if NAME.fullmatch(digest) and is_real_folder(root) else None
        if record is None:
            return None
        try:
            if stamp(open_dataset(root)) == record.get("stamp"):
                rundir.write_json(root / RECORD, record)
                return root
        except (DataError, OSError):
            pass
        return None

    def receive(self, parcel: Parcel) -> Delivery:
        """Begin to take in a parcel, once room is made for it. Raises ParcelError, OSError."""
        self._make_room(parcel)
        return Delivery(self._folder, parcel)

    def _make_room(self, parcel: Parcel) -> None:
        places = [place for place in self._folder.iterdir() if NAME.fullmatch(place.name) and is_real_folder(place)]
        sizes = {place: usage(place).bytes for place in sorted(places, key=_last_use)}
        names_in_use = self._in_use()
        for place in list(sizes):
            if self._lack(parcel, sum(sizes.values())) and (
                place.name not in names_in_use or place.name == parcel.digest
            ):
                _remove_whole(place)
                del sizes[place]
        if self._free() < parcel.room + self._spare:
            raise ParcelError(_no_room(parcel, self._folder))

    def _lack(self, parcel: Parcel, taken: int) -> bool:
        return self._free() < parcel.room + self._spare or taken + parcel.room > self._most

    def _free(self) -> int:
        return shutil.disk_usage(self._folder).free

    def _remove_drafts(self) -> None:
        """Remove what killed processes left."""
        remove.leftovers(self._folder, re.compile(rf"{DRAFT.pattern}\.tar"))
        for place in self._folder.iterdir():
            with contextlib.suppress(OSError):
                if DRAFT.fullmatch(place.name) and time.time() - place.lstat().st_mtime > STALE:
                    remove.tree(place)


class Delivery:
    """A parcel that comes in, chunk by chunk; it lies in a file until all of it is there."""

    def __init__(self, folder: Path, parcel: Parcel) -> None:
        self._folder, self._parcel = folder, parcel
        self._draft = folder / f".{secrets.token_hex(8)}.{parcel.digest}"
        self._path = self._draft.with_name(f"{self._draft.name}.tar")
        self._digest = hashlib.blake2b(digest_size=16)
        self._file: IO[bytes] = write.create(self._path)
        self.count = 0

    def take(self, data: bytes) -> None:
        """Write down the bytes that follow those before. Raises ParcelError; then the delivery is over."""
        self.count += len(data)
        self._digest.update(data)
        try:
            if self.count > self._parcel.size:
                raise ParcelError(BROKEN.format(host=socket.gethostname()))
            self._file.write(data)
        except (ParcelError, OSError) as error:
            self.give_up()
            raise self._words(error) from None

    def finish(self) -> Path:
        """Unpack what came and put it on the shelf; returns its folder. Raises ParcelError."""
        try:
            self._file.flush()
            if self.count != self._parcel.size or self._digest.hexdigest() != self._parcel.digest:
                raise ParcelError(BROKEN.format(host=socket.gethostname()))
            return self._unpack()
        except (ParcelError, DataError, OSError, tarfile.TarError) as error:
            raise self._words(error) from None
        finally:
            self.give_up()

    def give_up(self) -> None:
        """Remove what is not on the shelf."""
        with contextlib.suppress(OSError):
            self._file.close()
        with contextlib.suppress(OSError):
            remove.file(self._path)
            remove.tree(self._draft)

    def _unpack(self) -> Path:
        write.new_folder(self._draft)
        with self._path.open("rb") as file, tarfile.open(fileobj=file, mode="r:", encoding="utf-8") as archive:
            folders = {self._draft}
            for entry in archive:
                self._extract(archive, entry, folders)
        time.sleep(TICK)
        dataset = open_dataset(self._draft)
        if contents(dataset) != self._parcel.contents:
            raise ParcelError(OTHER)
        for split in ("train", "val"):  # decoded once for all runs; what is wrong with a picture, the training says
            with contextlib.suppress(DataError):
                load_pictures(dataset, split, skip_bad=True)
        rundir.write_json(self._draft / RECORD, {"stamp": stamp(dataset)})
        place = self._folder / self._parcel.digest
        if place.exists():  # one that was changed since, or another's that came at the same time
            _remove_whole(place)
        remove.move(self._draft, place)
        return place

    def _extract(self, archive: tarfile.TarFile, entry: tarfile.TarInfo, folders: set[Path]) -> None:
        """Write one regular file below the draft, of a name that leads nowhere else. Raises ParcelError."""
        name = PurePosixPath(entry.name)
        source = archive.extractfile(entry) if entry.isreg() else None
        if source is None or not _is_safe(entry.name):
            raise ParcelError(BROKEN.format(host=socket.gethostname()))
        path = self._draft / name
        if path.parent not in folders:
            folders.add(write.make_folder(path.parent, self._draft))
        with source, write.create(path) as file:
            while data := source.read(CHUNK):
                file.write(data)

    def _words(self, error: Exception) -> ParcelError:
        if isinstance(error, ParcelError):
            return error
        if rundir.is_full(error):
            return ParcelError(_no_room(self._parcel, self._folder))
        return ParcelError(f"the pictures cannot be unpacked on {socket.gethostname()}: {error}")


def _remove_whole(place: Path) -> None:
    """Remove a data set so that nobody finds half of it. Raises OSError."""
    draft = place.with_name(f".{secrets.token_hex(8)}.{place.name}")
    remove.move(place, draft)
    remove.tree(draft)


def _is_safe(name: str) -> bool:
    """Whether a path of an archive lies below whatever folder it is put into, on every system."""
    parts = name.split("/")
    return (
        len(name) <= 4_000
        and len(parts) <= 100
        and all(part not in ("", ".", "..") for part in parts)
        and not re.search(r"[\\\0]|^[A-Za-z]:", name)
        and parts[0] != RECORD
    )


def _no_room(parcel: Parcel, folder: Path) -> str:
    free = shutil.disk_usage(folder).free
    host = socket.gethostname()
    return NO_ROOM.format(need=size_text(parcel.room), host=host, free=size_text(free), folder=folder)


def _last_use(place: Path) -> float:
    try:
        return os.lstat(place / RECORD).st_mtime
    except OSError:
        return 0.0
