"""The webhook: where ``DHC_WEBHOOK`` names an address, a process of its own tells it how a run has ended.

Nothing that happens to that process touches a run or its queue.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

from dhc.jobs.process import detach, python
from dhc.runs import rundir

VARIABLE: Final = "DHC_WEBHOOK"


def announce(folder: Path) -> None:
    """Begin to tell that a run has ended, where an address is set; never fails, and waits for nothing."""
    if not os.environ.get(VARIABLE, "").strip():
        return
    try:
        detach(python("-m", "dhc.jobs.courier", str(folder)), log=folder.parent / rundir.WORKER_LOG)
    except (OSError, RuntimeError) as error:  # no process, no room for a log, no thread to wait for it
        print(f"webhook: nothing was sent of {folder.name}: {type(error).__name__}", file=sys.stderr)
