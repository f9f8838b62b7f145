"""The webhook: where ``DHC_WEBHOOK`` names an address, a process of its own tells it how a run has ended.

Nothing that happens to that process touches a run or its queue.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from dhc.jobs.process import detach, python
from dhc.runs import rundir
from dhc.runs.status import status_of

VARIABLE: Final = "DHC_WEBHOOK"


def announce(*folders: Path) -> None:
    """Begin to tell that runs have ended, where an address is set; never fails, and waits for nothing."""
    if not folders or not os.environ.get(VARIABLE, "").strip():
        return
    try:
        detach(python("-m", "dhc.jobs.courier", *map(str, folders)), log=folders[0].parent / rundir.WORKER_LOG)
    except (OSError, RuntimeError) as error:  # no process, no room for a log, no thread to wait for it
        names = ", ".join(folder.name for folder in folders)
        print(f"webhook: nothing was sent of {names}: {type(error).__name__}", file=sys.stderr)


def announce_cancelled(folders: Iterable[Path]) -> None:
    """Tell of those that a person has just taken out of the queue: no worker sees them end."""
    announce(*(folder for folder in folders if status_of(folder).cause == "cancelled"))
