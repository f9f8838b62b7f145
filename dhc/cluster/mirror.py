"""The copy of a run's folder whose original lies on another machine, kept equal to it while it grows.

The original is told of by `dhc.cluster.source`, over whatever line; what comes is judged before it is written: only names of a run's
files, within bounds, and through no link. A reader never sees half a file or half a state, and whoever keeps the copy may be killed
at any moment: how far it is stands in the copy itself. The record of the end comes last, after all else is equal.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Collection
from pathlib import Path
from typing import Any

from dhc.cluster.source import (
    GROUP,
    GROWING,
    NAME,
    SMALL,
    STAMP,
    Changes,
    Copy,
    Entry,
    Piece,
    digest_of,
    group_of,
    most_bytes,
    names_in,
)
from dhc.cluster.transfer import MirrorError, Transfer
from dhc.files import remove, write
from dhc.runs import rundir
from dhc.runs.fit import remove_leftovers

MOST_FILES = 3 * rundir.MOST_EPOCHS + 10_000  # of a run: a state of each epoch, and all else


class Mirror:
    """A copy, and how far it is. `but` are names that are not copied.

    `take` what is new of the original; then, as long as `want` names something, `put` what the original has of it. Every method may
    raise OSError, after which the copy goes on where it is.
    """

    def __init__(self, folder: Path, *, but: Collection[str] = ()) -> None:
        self._folder, self._but = folder, frozenset(but)
        self._listing: dict[str, Entry] | None = None
        self._equal: dict[str, Entry] = {}  # files that are the original's version
        self._unsure: dict[str, Copy] = {}  # files that were here before, not compared yet
        self._prefixes: dict[str, tuple[int, Any]] = {}  # bytes of those that grow, and their hash
        self._end: Piece | None = None
        self._order: list[str] = []  # what was fetched, the latest last
        self._transfer: Transfer | None = None
        self._is_last = False
        remove_leftovers(folder)
        self._look()

    def copies(self) -> dict[str, Copy]:
        """What is here, as `Source.changes` takes it."""
        for name in GROWING:
            self._measure(name)
        prefixes = {name: Copy("", count, digest.hexdigest()) for name, (count, digest) in self._prefixes.items()}
        return {
            **{name: Copy(entry.stamp, entry.size) for name, entry in self._equal.items()},
            **self._unsure,
            **prefixes,
        }

    def awaited(self) -> list[str]:
        """The stamps of versions that are still to be read, though they may be replaced."""
        return [] if self._transfer is None else [entry.stamp for entry in self._transfer.missing.values()]

    def take(self, changes: Changes, *, last: bool = False) -> None:
        """Write down what is new; `last` says that nobody writes the original any more. Raises MirrorError."""
        listing = _judged(changes, self._but)
        for piece in changes.pieces:
            if piece.name in GROWING:
                self._grow(piece)
            else:
                self._replace(piece, listing[piece.name])
        for name in changes.same:
            if name in listing and self._unsure.pop(name, None) is not None:
                self._equal[name] = listing[name]
        for name in changes.different:
            self._unsure.pop(name, None)
        self._listing, self._is_last = listing, last
        self._remove_what_is_gone()

    def want(self) -> tuple[str, int] | None:
        """The stamp and the offset of what is to be read next of the original; None for nothing."""
        while True:
            if self._transfer is None:
                self._transfer = self._next()
                if self._transfer is None:
                    return None
            if (part := self._transfer.want()) is not None:
                return part
            self._finish_transfer()

    def put(self, stamp: str, data: bytes, digest: str) -> None:
        """Take what was read: bytes, and with the last of a version a hash of all."""
        assert self._transfer is not None
        try:
            self._transfer.put(stamp, data, digest)
        except (OSError, MirrorError):
            self.drop()
            raise

    def drop(self) -> None:
        """Give up what is being fetched: the original has it no more."""
        if self._transfer is not None:
            self._put_last(self._transfer.item)
            self._transfer.give_up()
            self._transfer = None

    @property
    def is_equal(self) -> bool:
        """Whether all of the original is here, the record of its end left out, and nobody writes the original any more."""
        if self._listing is None or not self._is_last or self._transfer is not None:
            return False
        lengths = {name: count for name, (count, _) in self._prefixes.items()}
        return all(
            lengths.get(name) == entry.size if name in GROWING else self._equal.get(name) == entry
            for name, entry in self._listing.items()
        )

    def finish(self) -> bool:
        """Write the record of the end once all else is equal; returns whether there is one."""
        if self._end is None or not self.is_equal:
            return False
        data = self._end.data
        write.replace(self._folder / rundir.EXIT, lambda file: file.write(data))
        return True

    def _look(self) -> None:
        """What is here already."""
        for name in names_in(self._folder):
            if name not in self._but and name not in GROWING and name != rundir.EXIT:
                with contextlib.suppress(OSError):
                    size = (self._folder / name).lstat().st_size
                    self._unsure[name] = Copy("", size, digest_of(self._folder / name, size))

    def _measure(self, name: str) -> None:
        """See how long a file is that grows: what was written last may have been cut off by a full disk."""
        try:
            size = (self._folder / name).lstat().st_size
        except OSError:
            self._prefixes.pop(name, None)
            return
        if name not in self._prefixes or self._prefixes[name][0] != size:
            digest = hashlib.blake2b(digest_size=16)
            with contextlib.suppress(OSError), (self._folder / name).open("rb") as file:
                while data := file.read(1 << 20):
                    digest.update(data)
                self._prefixes[name] = (file.tell(), digest)

    def _grow(self, piece: Piece) -> None:
        path = self._folder / piece.name
        self._measure(piece.name)
        count, digest = self._prefixes.get(piece.name, (0, hashlib.blake2b(digest_size=16)))
        self._prefixes.pop(piece.name, None)  # until all is written
        if piece.offset == 0:
            write.replace(path, lambda file: file.write(piece.data), sync=False)
            count, digest = 0, hashlib.blake2b(digest_size=16)
        elif piece.offset == count:
            with write.append(path) as file:
                file.write(piece.data)
        else:
            return  # an answer to an older question
        digest.update(piece.data)
        self._prefixes[piece.name] = (count + len(piece.data), digest)

    def _replace(self, piece: Piece, entry: Entry) -> None:
        if piece.name == rundir.EXIT:
            self._end = piece
        else:
            write.make_folder((self._folder / piece.name).parent, self._folder.parent)
            write.replace(self._folder / piece.name, lambda file: file.write(piece.data), sync=False)
        self._unsure.pop(piece.name, None)
        self._equal[piece.name] = entry

    def _remove_what_is_gone(self) -> None:
        """Remove epochs' answers and states that the original has no more; a state only where it has a newer one, or has ended."""
        assert self._listing is not None
        here = [*self._equal, *self._unsure]
        for name in here:
            if name not in self._listing and name.startswith(f"{rundir.DYNAMICS}/"):
                remove.file(self._folder / name)
                self._forget(name)
        listed = {group_of(name) for name in self._listing}
        for group in {group_of(name) for name in here} - listed - {""}:
            siblings = [other for other in listed if other.rpartition("/")[0] == group.rpartition("/")[0]]
            if self._is_last or any(self._is_whole(other) for other in siblings):
                remove.tree(self._folder / group)
                for name in here:
                    if group_of(name) == group:
                        self._forget(name)
        for name in [*self._equal] if self._is_last else []:
            if name not in self._listing and group_of(name):
                remove.file(self._folder / name)
                self._forget(name)
        if self._is_last and not any(name.startswith(f"{rundir.RESUME}/") for name in self._listing):
            remove.tree(self._folder / rundir.RESUME)

    def _is_whole(self, group: str) -> bool:
        assert self._listing is not None
        names = [name for name in self._listing if group_of(name) == group]
        return bool(names) and all(self._equal.get(name) == self._listing[name] for name in names)

    def _forget(self, name: str) -> None:
        self._equal.pop(name, None)
        self._unsure.pop(name, None)

    def _next(self) -> Transfer | None:
        """What to fetch next: of all that is missing, what was fetched longest ago."""
        items: dict[str, dict[str, Entry]] = {}
        for name, entry in (self._listing or {}).items():
            is_missing = name not in GROWING and name not in self._unsure and self._equal.get(name) != entry
            if is_missing and (group_of(name) or entry.size > SMALL):
                items.setdefault(_item(name), {})[name] = entry
        if not items:
            return None
        item = min(items, key=lambda item: self._order.index(item) if item in self._order else -1)
        newest = max({group_of(name) for name in items[item]})
        names = {name: entry for name, entry in (self._listing or {}).items() if newest and group_of(name) == newest}
        return Transfer(self._folder, item, names or items[item], self._twin)

    def _put_last(self, item: str) -> None:
        self._order = [*(other for other in self._order if other != item), item]

    def _twin(self, entry: Entry) -> Path | None:
        """A file here that is that version, under whatever name."""
        name = next((name for name, other in self._equal.items() if other == entry), None)
        return None if name is None else self._folder / name

    def _finish_transfer(self) -> None:
        assert self._transfer is not None
        transfer, self._transfer = self._transfer, None
        self._put_last(transfer.item)
        try:
            transfer.finish()
        except BaseException:
            transfer.give_up()
            raise
        if group := group_of(next(iter(transfer.files))):
            for name in [name for name in (*self._equal, *self._unsure) if group_of(name) == group]:
                self._forget(name)
        for name, entry in transfer.files.items():
            self._unsure.pop(name, None)
            self._equal[name] = entry
        self._remove_what_is_gone()


def _item(name: str) -> str:
    """What is fetched in turn with others: all states of a kind are one."""
    return group_of(name).rpartition("/")[0] or name


def _judged(changes: Changes, but: Collection[str]) -> dict[str, Entry]:
    """The listing, if all of it can be true. Raises MirrorError."""
    listing = {name: Entry(*entry) for name, entry in changes.listing.items()}
    is_sound = len(listing) <= MOST_FILES and all(
        isinstance(name, str)
        and NAME.fullmatch(name) is not None
        and name not in but
        and STAMP.fullmatch(entry.stamp) is not None
        and 0 <= entry.size <= most_bytes(name)
        for name, entry in listing.items()
    )
    is_sound = is_sound and all(
        piece.name in listing
        and not GROUP.match(piece.name)
        and isinstance(piece.data, bytes)
        and (piece.name in GROWING or (piece.offset == 0 and len(piece.data) == listing[piece.name].size))
        for piece in changes.pieces
    )
    if not is_sound:
        raise MirrorError(
            "what came of the run's folder from its machine cannot be true: see which version of this program runs there"
        )
    return listing
