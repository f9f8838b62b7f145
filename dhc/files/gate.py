"""A process that only reads: once its gate is shut it changes no file, starts no process, ends none and takes no lock.

The gate is an audit hook of Python's own, below whatever our code or a library calls. So what is written tomorrow meets it as
well, and nothing opens it again before the process ends.
"""

from __future__ import annotations

import os
import sys
from typing import Any, Final

from dhc.errors import UserError

WRITING: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
# What Python itself reports before it does it: https://docs.python.org/3/library/audit_events.html
REFUSED: Final = frozenset(
    {
        *("os.chflags", "os.chmod", "os.chown", "os.link", "os.mkdir", "os.remove", "os.rename", "os.rmdir"),
        *("os.removexattr", "os.setxattr", "os.symlink", "os.truncate", "os.utime", "sqlite3.connect"),
        *("fcntl.flock", "fcntl.lockf", "os.lockf", "msvcrt.locking", "_winapi.CreateJunction"),
        *("os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.startfile", "os.startfile/2"),
        *("os.system", "pty.spawn", "subprocess.Popen", "_winapi.CreateProcess", "_winapi.TerminateProcess"),
        *("os.kill", "os.killpg", "signal.pthread_kill"),
    }
)
STARTERS: Final = "multiprocessing.popen_"  # modules that start processes without a report; loaded at the first one
ASKING: Final = "nvidia-smi"  # lists the GPUs, and does nothing else as we call it


class ReadOnlyError(UserError, PermissionError):
    """Something that a process which only reads will not do."""


class _Gate:
    """The one gate of this process."""

    shut = False


def is_shut() -> bool:
    """Whether this process only reads."""
    return _Gate.shut


def shut() -> None:
    """From here on this process only reads: whatever would change something raises ReadOnlyError, in every thread."""
    if not _Gate.shut:
        sys.dont_write_bytecode = True
        _Gate.shut = True
        sys.addaudithook(_refuse)


def _refuse(event: str, values: tuple[Any, ...]) -> None:
    if event == "open":
        path, mode, flags = values
        if (flags & WRITING or set(mode or "") & set("wax+")) and path != os.devnull:
            raise _refusal()
    elif (event in REFUSED and not _is_question(event, values)) or (
        event == "import" and values[0].startswith(STARTERS)
    ):
        raise _refusal()


def _is_question(event: str, values: tuple[Any, ...]) -> bool:
    """Whether a call only asks: for a process's life, which signal 0 does, or the driver for its GPUs."""
    return (event == "os.kill" and values[1] == 0) or (event == "subprocess.Popen" and values[0] == ASKING)


def _refusal() -> ReadOnlyError:
    return ReadOnlyError("This is a read-only view: it starts, changes and deletes nothing; the full dashboard does")
