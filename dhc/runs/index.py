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

from dhc import config
from dhc.files import database, gate
from dhc.files.user_cache import cache_of
from dhc.runs.line import Line
from dhc.runs.shared import SECTIONS, Shared

if TYPE_CHECKING:
    import sqlite3

NAME = "lines.sqlite"
WORTH = 200  # runs, fewer of which are read in no time
TOGETHER = 1_000  # lines written at once
SPARE = 1_000  # lines of deleted runs that may stay
LONGEST = 50_000  # bytes of a line
FEW = 50  # lines that are looked up one by one, before all are read at once
ALL_ROWS = "SELECT id, line, digest FROM lines"
ONE_ROW = f"{ALL_ROWS} WHERE id = ?"
Row = tuple[bytes, bytes]  # a line and its digest
TABLE = "CREATE TABLE IF NOT EXISTS lines (id TEXT PRIMARY KEY, line BLOB, digest BLOB)"


class Index:
    """The kept lines of one folder of runs. Safe to share between threads and processes."""

    def __init__(self, runs_dir: Path, shared: Shared) -> None:
        self._runs_dir, self._shared = runs_dir, shared

    @contextmanager
    def look(self, ids: Sequence[str]) -> Iterator[Look]:
        """Take and keep lines while one thread lists these runs; nothing is opened before a line is asked for."""
        look = Look(self._place() if len(ids) >= WORTH and not gate.is_shut() else None, ids, self._shared)
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

    def __init__(self, path: Path | None, ids: Sequence[str], shared: Shared) -> None:
        self._path, self._ids, self._shared = path, ids, shared
        self._connection: sqlite3.Connection | None = None
        self._new: list[tuple[str, bytes, bytes]] = []
        self._asked = 0
        self._rows: dict[str, Row] = {}

    def line(self, run_id: str, signature: bytes) -> Line | None:
        """The line of the run as it was when it had that signature; None where it has to be read."""
        row = self._row(run_id)
        if row is None or _digest(run_id, signature, row[0]) != row[1]:
            return None
        try:
            return _unpacked(row[0], self._shared)
        except (ValueError, RecursionError):
            return None

    def keep(self, run_id: str, signature: bytes, line: Line) -> None:
        """Keep a line for the next process."""
        if self._path is None:
            return
        try:
            text = _packed(line)
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

    def _row(self, run_id: str) -> Row | None:
        self._asked += 1
        if self._asked > FEW:
            if self._asked == FEW + 1:
                self._rows = dict(self._select(ALL_ROWS))
            return self._rows.pop(run_id, None)
        return dict(self._select(ONE_ROW, run_id)).get(run_id)

    def _select(self, query: str, *values: str) -> list[tuple[str, Row]]:
        with self._forgiven():
            if (connection := self._open()) is not None:
                rows = connection.execute(query, values).fetchall()
                return [(run_id, (line, digest)) for run_id, line, digest in rows if _are_bytes(line, digest)]
        return []

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


def _are_bytes(*values: object) -> bool:
    return all(isinstance(value, bytes) for value in values)


def _packed(line: Line) -> bytes:
    """A line as text: each section of its settings, which others share, and the rest. Raises ValueError."""
    config = line.config
    parts = (
        [] if config is None else [getattr(config, name).model_dump_json(exclude_defaults=True) for name in SECTIONS]
    )
    return "\n".join((*parts, line.model_dump_json(exclude={"config"}, exclude_defaults=True))).encode()


def _unpacked(text: bytes, shared: Shared) -> Line:
    """The line, its settings' sections shared. Raises ValueError."""
    *sections, rest = text.split(b"\n")
    line = Line.model_validate_json(rest)
    return line.model_copy(update={"config": shared.config_of(sections)}) if sections else line


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
