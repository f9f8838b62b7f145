"""Recording how a training ended that could not say so itself, wherever its folder is by now."""

from __future__ import annotations

import os
import re
import sys
import time
from pathlib import Path

from dhc.files.folder import RealFolder
from dhc.files.read import tail
from dhc.runs import room, rundir
from dhc.runs.contract import Cause, Exit, How, write_exit
from dhc.runs.exit_codes import Ending, ending

HOW: dict[Cause, How] = {"limit": "stopped", "scancel": "killed", "memory": "killed"}  # of what no training says itself
KILLED = "killed on request; what its finished epochs left is kept"
PATIENCE = 3.0  # seconds to go on trying to record an end
PAUSE = 0.5  # seconds between two attempts
MEMORY_WORDS = re.compile(
    r"std::bad_alloc|out of memory|RESOURCE_EXHAUSTED|MemoryError|cannot allocate memory|mmap error: 12|pthread_create\(\) failed",
    re.IGNORECASE,
)


def record_end(
    folder: Path, code: int, *, reason: str = "", cause: Cause = "error", out_of_memory: bool = False
) -> None:
    """Write the exit record that a child could not write; one that the child wrote stays.

    `code` is the exit status, negative for a signal. Gives up where nothing can be written, and where no folder is.
    """
    deadline = time.monotonic() + PATIENCE
    while folder.is_dir() and ((end := Exit.read(folder)) is None or end.how is None):
        is_killed = os.path.lexists(folder / rundir.KILL)
        story = _story(folder, code, out_of_memory) if not reason else Ending(HOW.get(cause, "failed"), reason, cause)
        if is_killed and cause in HOW:  # by the cluster, as the person wanted
            story = Ending("killed", KILLED, "kill")
        try:
            write_exit(
                folder,
                "killed" if is_killed else story.how,
                story.reason,
                cause=story.cause,
                code=code if code > 0 else None,
                signal=ending(code).signal,
            )
        except OSError:
            if time.monotonic() > deadline:
                return
            time.sleep(PAUSE)


def _story(folder: Path, code: int, out_of_memory: bool) -> Ending:
    """What an exit status says here, where more is known than the number."""
    if os.path.lexists(folder / rundir.KILL):
        return Ending("killed", KILLED, "kill")
    story = ending(code)
    if story.cause == "error" and (lack := room.shortage(folder)):
        return Ending("failed", lack, "disk")
    if story.signal == 9 and out_of_memory:
        return Ending("killed", "out of memory: the system killed it (SIGKILL) to save the rest", "memory")
    if story.cause == "library" and MEMORY_WORDS.search(_log_end(folder)):
        return Ending("killed", "out of memory: a library gave up", "memory")
    return story


def _log_end(folder: Path) -> str:
    try:
        return tail(folder / rundir.LOG, 4_000).decode("utf-8", "replace")
    except OSError:
        return ""


def place_now(handle: RealFolder) -> Path | None:
    """Where a folder that is held open lies by now, renamed perhaps; None where it is deleted."""
    try:
        place = _path_of(handle)
        if handle.fd is None or os.path.samestat(place.stat(), os.fstat(handle.fd)):
            return place if place.is_dir() else None
    except (OSError, ValueError):
        return None
    return None


def _path_of(handle: RealFolder) -> Path:
    if handle.fd is not None and sys.platform == "linux":
        return Path(f"/proc/self/fd/{handle.fd}").readlink()
    if handle.fd is not None and sys.platform == "darwin":
        import fcntl

        return Path(os.fsdecode(fcntl.fcntl(handle.fd, fcntl.F_GETPATH, bytes(1024)).rstrip(b"\0")))
    return handle.path
