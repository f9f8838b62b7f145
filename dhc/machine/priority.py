"""Giving way to what a person waits for."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

import psutil

LOWEST = 19  # of what `nice` takes
AUTOGROUP = Path("/proc/self/autogroup")


def give_way() -> None:
    """Let every other process have the processor before this one and its children, as far as the system can do that."""
    with contextlib.suppress(psutil.Error, OSError):
        psutil.Process().nice(psutil.IDLE_PRIORITY_CLASS if sys.platform == "win32" else LOWEST)
    # A Linux may share out the processor among sessions first, and obey `nice` only within each.
    if AUTOGROUP.exists() and os.getsid(0) == os.getpid():  # a session of our own, not that of somebody's terminal
        with contextlib.suppress(OSError):
            AUTOGROUP.write_bytes(b"%d" % LOWEST)
