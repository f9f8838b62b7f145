"""The pulse of a training that an engine of a cluster has begun: signs of life, and obedience to its fence.

A machine that was cut off may train on while its run was handed out anew. So each handing out has a number, the fence: a training
that finds a higher one in its folder ends at once, without another write. So does one that finds another process named as the run's,
or none any more: the engine itself began the run elsewhere, under the same number.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from pathlib import Path

from dhc.runs import pulse, rundir
from dhc.runs.contract import Handed, Identity, Process
from dhc.runs.rundir import Guard

FENCE, DEVICE = (
    "DHC_FENCE",
    "DHC_DEVICE",
)  # in the environment: the number of this handing out; the device that it may use
FRESH = 6.0  # seconds for which the fence that was read last is believed


class Pulse:
    """Gives signs of life from a thread of its own, and ends this process once its run was handed out anew."""

    def __init__(self, folder: Path, fence: int, child: Identity) -> None:
        self._folder, self._fence, self._child = folder, fence, child
        self._seen, self._is_named = -FRESH, False

    def start(self) -> None:
        """Begin to beat; the first time at once, so that nobody finds a process without a sign of life."""
        self._look()
        with contextlib.suppress(OSError):
            pulse.beat(self._folder, self._fence, 0)
        threading.Thread(target=self._beat, name="pulse", daemon=True).start()

    def require(self) -> None:
        """Return if this process may write into the run's folder; else it has ended."""
        if time.monotonic() - self._seen > FRESH:
            self._look()

    def _beat(self) -> None:
        count = 1
        while True:
            time.sleep(pulse.BEAT)
            self._look()
            with contextlib.suppress(OSError):  # where nothing can be written, the training will say so
                pulse.beat(self._folder, self._fence, count)
            count += 1

    def _look(self) -> None:
        handed = Handed.read(self._folder)
        if handed is not None and (handed.fence != self._fence or self._is_replaced()):
            os._exit(rundir.TAKEN)  # not a moment longer: another process writes here
        if handed is not None:
            self._seen = time.monotonic()

    def _is_replaced(self) -> bool:
        process = Process.read(self._folder)
        if process is not None and process.child == self._child:
            self._is_named = True
            return False
        return process is not None or (self._is_named and not os.path.lexists(self._folder / rundir.PROCESS))


def is_on_a_cluster() -> bool:
    """Whether an engine has begun this training."""
    fence = os.environ.get(FENCE, "")
    return fence.isascii() and fence.isdigit()


def guard_of(folder: Path, child: Identity) -> Guard:
    """What this process, `child`, asks before it writes: of one that an engine has begun, its pulse, which beats from now on."""
    if not is_on_a_cluster():
        return lambda: None
    pulse = Pulse(folder, int(os.environ[FENCE]), child)
    pulse.start()
    return pulse.require
