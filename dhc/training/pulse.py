"""The pulse of a training that an engine of a cluster has begun: signs of life, and obedience to its fence.

A machine that was cut off may train on while its run was handed out anew. So each handing out has a number, the fence: a training
that finds a higher one in its folder ends at once, without another write. So does one that finds another process named as the run's,
or none any more: the engine itself began the run elsewhere, under the same number.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
import traceback
from pathlib import Path

from dhc.runs import pulse, rundir
from dhc.runs.contract import Handed, Identity, Process
from dhc.runs.rundir import Guard

PAUSE = 0.3  # seconds between two looks where nothing can be read
MISSES = 3  # looks in a row without a record, after which the folder counts as moved or removed
PATIENCE = 150.0  # seconds that a file server may take to answer again


class Pulse:
    """Gives signs of life from a thread of its own, and ends this process once its run was handed out anew."""

    def __init__(self, folder: Path, fence: int, child: Identity) -> None:
        self._folder, self._fence, self._child = folder, fence, child
        self._seen, self._misses, self._is_named = -pulse.FRESH, 0, False

    def start(self) -> None:
        """Begin to beat; the first time at once, so that nobody finds a process without a sign of life.

        Whoever trained the run before may have read its number just before that rose, and believes it a while: this waits as long.
        """
        self.require()
        deadline = pulse.clock() + PATIENCE
        while (seconds := pulse.silence_of_others(self._folder, self._fence)) is not None and seconds <= pulse.FRESH:
            if pulse.clock() > deadline:
                os._exit(rundir.TAKEN)
            time.sleep(PAUSE)
        with contextlib.suppress(OSError):
            pulse.beat(self._folder, self._fence, 0)
        self._seen = -pulse.FRESH  # the next look is to find this process named in `process.json`
        threading.Thread(target=self._beat, name="pulse", daemon=True).start()

    def require(self) -> None:
        """Return if this process may write into the run's folder; else it has ended.

        Where the fence cannot be read, as while a file server is started anew, this waits.
        """
        waited_since = pulse.clock()
        while pulse.clock() - self._seen > pulse.FRESH:
            self._look()
            if pulse.clock() - self._seen > pulse.FRESH:
                if pulse.clock() - waited_since > PATIENCE:
                    os._exit(rundir.TAKEN)
                time.sleep(PAUSE)

    def _beat(self) -> None:
        count = 1
        while True:
            time.sleep(pulse.BEAT)
            try:
                self._look()
                pulse.beat(self._folder, self._fence, count)
            except OSError:  # where nothing can be written, the training will say so
                pass
            except Exception:  # noqa: BLE001 - without a pulse nobody would end this process
                traceback.print_exc(file=sys.stderr)
            count += 1

    def _look(self) -> None:
        handed = Handed.read(self._folder)
        if handed is None:
            self._misses = self._misses + 1 if self._is_gone() else 0
            if self._misses >= MISSES:
                os._exit(rundir.TAKEN)
            return
        if handed.fence > self._fence or self._is_replaced():  # a lower one is what a file server showed a while ago
            os._exit(rundir.TAKEN)  # not a moment longer: another process writes here
        self._seen, self._misses = pulse.clock(), 0

    def _is_gone(self) -> bool:
        """Whether there is no record any more, and not only none that can be read."""
        try:
            (self._folder / rundir.HANDED).lstat()
        except FileNotFoundError:
            return True
        except OSError:
            return False
        return False

    def _is_replaced(self) -> bool:
        """Whether another process, or none, is named as the run's since this one was."""
        process = Process.read(self._folder)
        if process is not None and process.fence == self._fence:
            self._is_named = self._is_named or process.child == self._child
            return process.child != self._child
        return self._is_named and (process is not None or not os.path.lexists(self._folder / rundir.PROCESS))


def fence_here() -> int:
    """The number of the handing out that this process was started for; 0 where no engine has begun it."""
    fence = os.environ.get(pulse.FENCE, "")
    return int(fence) if fence.isascii() and fence.isdigit() and len(fence) < 13 else 0


def guard_of(folder: Path, child: Identity) -> Guard:
    """What this process, `child`, asks before it writes: of one that an engine has begun, its pulse, which beats from now on."""
    fence = fence_here()
    if not fence:
        return lambda: None
    pulse = Pulse(folder, fence, child)
    pulse.start()
    return pulse.require
