"""A SQLite database of ours, opened with distrust: a regular file in a real folder, small values, short waits."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dhc.files import remove, write
from dhc.files.folder import RealFolder

if TYPE_CHECKING:
    import sqlite3


def _errors() -> tuple[type[Exception], ...]:
    try:
        import sqlite3
    except ImportError:  # Python can be built without it
        return OSError, ImportError
    return OSError, ImportError, sqlite3.Error


ERRORS = _errors()  # that whatever is done with a database may raise
PATIENCE = 0.3  # seconds to wait for another process's lock
LARGEST = 1_000_000  # bytes of a value
SIDES = ("", "-journal")  # what SQLite adds to the name


def connect(path: Path) -> sqlite3.Connection:
    """Open a database, made where there is none, its folder too. Raises ERRORS.

    It is meant for what can be made anew: a machine that stops may leave it damaged.
    """
    import sqlite3

    folder = write.root(path.parent)
    with RealFolder(folder) as parent:
        for side in SIDES:
            parent.require_file(path.name + side)
    connection = sqlite3.connect(folder / path.name, timeout=PATIENCE, isolation_level=None)
    try:
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LARGEST)
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA synchronous = OFF")
    except BaseException:
        connection.close()
        raise
    return connection


def is_damaged(error: Exception) -> bool:
    """Whether an error tells of what stands in the database, rather than of locks, rights or the disk."""
    import sqlite3

    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in (
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_ERROR,
        sqlite3.SQLITE_SCHEMA,
    )


def forget(path: Path) -> None:
    """Remove a database. Raises OSError."""
    for side in SIDES:
        remove.file(path.with_name(path.name + side))
