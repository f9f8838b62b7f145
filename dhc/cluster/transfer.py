"""A large file, or the files of a state, on their way from another machine: a draft until all of it is here."""

from __future__ import annotations

import contextlib
import hashlib
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path

from dhc.cluster.source import Entry, group_of
from dhc.errors import UserError
from dhc.files import remove, write
from dhc.files.folder import is_real_folder


class MirrorError(UserError):
    """What came from another machine is no part of a run."""


class Transfer:
    """One such file, or one state; `twin` finds a version that is here already, under whatever name."""

    def __init__(
        self, folder: Path, item: str, files: Mapping[str, Entry], twin: Callable[[Entry], Path | None]
    ) -> None:
        self.item, self.files, self.missing = item, dict(files), dict(files)
        self._folder, self._twin = folder, twin
        self._group = group_of(next(iter(files)))
        self._drafts: dict[str, Path] = {}
        self._count, self._digest = 0, hashlib.blake2b(digest_size=16)
        place = folder / self._group
        self._place = place.with_name(f".{place.name}.{secrets.token_hex(8)}") if self._group else folder

    def want(self) -> tuple[str, int] | None:
        """What is to be read next; what is here under another name is linked instead."""
        for name, entry in list(self.missing.items()):
            if self._count:
                return entry.stamp, self._count
            source = self._twin(entry) or next(
                (self._drafts[other] for other in self._drafts if self.files[other] == entry), None
            )
            if source is None and entry.size:
                return entry.stamp, 0
            draft = self._draft(name)
            if source is None:
                write.create(draft).close()
            else:
                write.link(source, draft)
            self._drafts[name] = draft
            del self.missing[name]
        return None

    def put(self, stamp: str, data: bytes, digest: str) -> None:
        """Write down bytes of the first file that is missing. Raises MirrorError, OSError."""
        name, entry = next(iter(self.missing.items()))
        if stamp != entry.stamp or not data or self._count + len(data) > entry.size:
            raise MirrorError(f"{name} came otherwise than it was asked for")
        if self._count == 0:
            self._drafts[name] = self._draft(name)
            write.create(self._drafts[name]).close()
        with write.append(self._drafts[name]) as file:
            file.write(data)
        self._digest.update(data)
        self._count += len(data)
        if self._count == entry.size:
            if self._digest.hexdigest() != digest:
                raise MirrorError(f"{name} came damaged")
            self._count, self._digest = 0, hashlib.blake2b(digest_size=16)
            del self.missing[name]

    def finish(self) -> None:
        """Put the draft into its place."""
        if not self._group:
            for name, draft in self._drafts.items():
                write.link(draft, self._folder / name)
                remove.file(draft)
            return
        place, old = (
            self._folder / self._group,
            self._place.with_name(f".{self._place.name[1:-17]}.{secrets.token_hex(8)}"),
        )
        if is_real_folder(place):
            remove.move(place, old)
        remove.move(self._place, place)
        remove.tree(old)

    def give_up(self) -> None:
        """Remove what has come."""
        with contextlib.suppress(OSError):
            if self._group:
                remove.tree(self._place)
            else:
                for draft in self._drafts.values():
                    remove.file(draft)

    def _draft(self, name: str) -> Path:
        if self._group:
            write.make_folder(self._place, self._folder.parent)
            return self._place / name.rpartition("/")[2]
        parent = write.make_folder((self._folder / name).parent, self._folder.parent)
        return parent / write.temporary_name(name.rpartition("/")[2])
