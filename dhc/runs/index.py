"""The lines of ended runs, kept from one process to the next, so that not every folder must be read again.

A cache and nothing else: a database in the user's cache folder, not beside the runs, since these travel, may be read-only, and may
lie where several machines' locks do not hold. A line is taken only while its run's signature and our own code are what they were,
which a digest over all of them proves, and it is read with the same distrust as the files. Whatever goes wrong with the database,
the files are read.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from dhc import config
from dhc.files import database, gate
from dhc.files.user_cache import cache_of
from dhc.runs.line import Line

if TYPE_CHECKING:
    import sqlite3

NAME = "lines.sqlite"
WORTH = 200  # runs, fewer of which are read in no time
TOGETHER = 1_000  # lines written at once
SPARE = 1_000  # lines of deleted runs that may stay
LONGEST = 50_000  # bytes of a line
TABLE = "CREATE TABLE IF NOT EXISTS lines (id TEXT PRIMARY KEY, line BLOB, digest BLOB)"


class Index:
    """The kept lines of one folder of runs. Safe to share between threads and processes."""

    def __init__(self, runs_dir: Path) -> None:
        self._runs_dir = runs_dir

    @contextmanager
    def look(self, ids: Sequence[str]) -> Iterator[Look]:
        """Take and keep lines while one thread lists these runs; nothing is opened before a line is asked for."""
        look = Look(self._place() if len(ids) >= WORTH and not gate.is_shut() else None, ids)
        try:
            yield look
        finally:
            look.close()

    def _place(self) -> Path | None:
        with suppress(OSError, RuntimeError):
            folder = cache_of(self._runs_dir)
            return None if folder is None else folder / NAME
        return None


class Look:
    """One thread's look at the index."""

    def __init__(self, path: Path | None, ids: Sequence[str]) -> None:
        self._path, self._ids = path, ids
        self._connection: sqlite3.Connection | None = None
        self._new: list[tuple[str, bytes, bytes]] = []

    def line(self, run_id: str, signature: bytes) -> Line | None:
        """The line of the run as it was when it had that signature; None where it has to be read."""
        row = self._row(run_id)
        if row is None or _digest(run_id, signature, row[0]) != row[1]:
            return None
        try:
            return Line.model_validate_json(row[0])
        except (ValidationError, RecursionError):
            return None

    def keep(self, run_id: str, signature: bytes, line: Line) -> None:
        """Keep a line for the next process."""
        if self._path is None:
            return
        try:
            text = line.model_dump_json(exclude_defaults=True).encode()
        except ValueError:  # a text that is no Unicode
            return
        if len(text) <= LONGEST:
            self._new.append((run_id, text, _digest(run_id, signature, text)))
        if len(self._new) >= TOGETHER:
            self._write()

    def close(self) -> None:
        """Write what is new, and let go of the database."""
        if self._new:
            self._write()
        if self._connection is not None:
            self._connection.close()

    def _row(self, run_id: str) -> tuple[bytes, bytes] | None:
        found: tuple[object, object] | None = None
        with self._forgiven():
            if (connection := self._open()) is not None:
                found = connection.execute("SELECT line, digest FROM lines WHERE id = ?", (run_id,)).fetchone()
        if found is not None and isinstance(found[0], bytes) and isinstance(found[1], bytes):
            return found[0], found[1]
        return None

    def _write(self) -> None:
        rows, self._new = self._new, []
        with self._forgiven():
            if (connection := self._open()) is None:
                return
            connection.execute("BEGIN IMMEDIATE")
            with connection:
                connection.executemany("INSERT OR REPLACE INTO lines VALUES (?, ?, ?)", rows)
                (count,) = connection.execute("SELECT count(*) FROM lines").fetchone()
                if count > len(self._ids) + SPARE:
                    self._drop_deleted(connection)

    def _drop_deleted(self, connection: sqlite3.Connection) -> None:
        with closing(connection.execute("SELECT id FROM lines")) as rows:
            gone = {run_id for (run_id,) in rows} - set(self._ids)
        connection.executemany("DELETE FROM lines WHERE id = ?", [(run_id,) for run_id in gone])

    def _open(self) -> sqlite3.Connection | None:
        if self._connection is None and self._path is not None:
            self._connection = database.connect(self._path)
            self._connection.execute(TABLE)
        return self._connection

    @contextmanager
    def _forgiven(self) -> Iterator[None]:
        """Do without the database from the first error on; a damaged one is removed, and the next look makes it anew."""
        try:
            yield
        except database.ERRORS as error:
            path, self._path, connection, self._connection = self._path, None, self._connection, None
            with suppress(*database.ERRORS):
                if connection is not None:
                    connection.close()
            if path is not None and database.is_damaged(error):
                with suppress(OSError):
                    database.forget(path)


def _digest(run_id: str, signature: bytes, line: bytes) -> bytes:
    """Another one for another run, other files, another line and other code of ours."""
    return hashlib.blake2b(b"\0".join((run_id.encode(), signature, line)), key=_code(), digest_size=16).digest()


@functools.cache
def _code() -> bytes:
    """Changes whenever the code does that makes a line of files."""
    files = [
        path for room in (Path(__file__).parent, Path(config.__file__).parent) for path in sorted(room.glob("*.py"))
    ]
    states = [(path.name, status.st_size, status.st_mtime_ns) for path in files for status in [path.stat()]]
    return hashlib.blake2b(repr(states).encode(), digest_size=32).digest()
