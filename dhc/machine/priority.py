"""Giving way to what a person waits for."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from pathlib import Path

import psutil

LOWEST = 19  # of what `nice` takes: what nobody waits for
LOWER = 5  # what somebody waits for, but less than for a training: beside one it has about a quarter of the time
AUTOGROUP = Path("/proc/self/autogroup")


def give_way(level: int = LOWEST) -> None:
    """Let other processes have the processor before this one and its children, as far as the system can do that.

    level: as `nice` has it, LOWEST or LOWER.
    """
    with contextlib.suppress(psutil.Error, OSError):
        if sys.platform == "win32":
            psutil.Process().nice(psutil.IDLE_PRIORITY_CLASS if level == LOWEST else psutil.BELOW_NORMAL_PRIORITY_CLASS)
        else:
            psutil.Process().nice(level)
    # A Linux may share out the processor among sessions first, and obey `nice` only within each.
    if AUTOGROUP.exists() and os.getsid(0) == os.getpid():  # a session of our own, not that of somebody's terminal
        with contextlib.suppress(OSError):
            AUTOGROUP.write_bytes(b"%d" % level)


def gives_way() -> bool:
    """Whether this process lets others have the processor first."""
    with contextlib.suppress(psutil.Error, OSError):
        level = psutil.Process().nice()
        return bool(level > 0 if sys.platform != "win32" else level != psutil.NORMAL_PRIORITY_CLASS)
    return False


def give_way_in_thread(level: int = LOWEST) -> None:
    """Let other threads have the processor before the calling one, where threads have a priority of their own: on Linux."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), level)
