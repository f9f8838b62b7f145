"""A process that has imported what a training needs before there is a run, so that the next run starts seconds sooner.

It is a training's own process in all but the run: started as every training is, for one device and backend, it trains one run and ends.
It waits on its standard input, so it ends with the worker that started it, however that ends.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

import psutil

from dhc.config import DeviceConfig
from dhc.files import write
from dhc.jobs.process import prepare, python
from dhc.machine import hardware

WAIT = "--wait"  # instead of a run's folder
ROOM = 2_000_000_000  # bytes of memory that must be free before one is started
LITTLE = 1_000_000_000  # bytes: where less is free, it gives its own back


class Spare:
    """One such process. Raises OSError where the system starts none."""

    def __init__(self, config: DeviceConfig, device: str) -> None:
        self._environment = hardware.environment(config, device)
        with write.nameless() as output:  # the run's log takes over what is in it
            self._process = prepare(python("-m", "dhc.training", WAIT), output=output, env=self._environment)

    def give(self, folder: Path, environment: Mapping[str, str]) -> subprocess.Popen[bytes] | None:
        """Have it train the run in the folder; None where it has ended or stands still, or was prepared for another device."""
        process, inlet = self._process, self._process.stdin
        assert inlet is not None
        if process.poll() is not None or environment != self._environment or self._is_paused():
            self.end()
            return None
        try:
            with inlet:
                inlet.write(json.dumps(str(folder)).encode() + b"\n")
        except OSError:  # it has just ended
            self.end()
            return None
        return process

    def _is_paused(self) -> bool:
        with contextlib.suppress(psutil.Error):
            return bool(psutil.Process(self.pid).status() == psutil.STATUS_STOPPED)
        return False

    @property
    def pid(self) -> int:
        """The number of its process."""
        return self._process.pid

    @property
    def memory(self) -> int:
        """The bytes of memory that the system gets back with its end; 0 once it has ended."""
        with contextlib.suppress(psutil.Error):
            return int(psutil.Process(self.pid).memory_full_info().uss) if self._process.poll() is None else 0
        return 0

    def end(self) -> None:
        """End it and wait for it."""
        self._process.kill()
        self._process.wait()
        with contextlib.suppress(OSError):
            if self._process.stdin is not None:
                self._process.stdin.close()


def prepare_spare(config: DeviceConfig, device: str) -> Spare | None:
    """One for the next run of this device and backend; None where memory is short or the system starts no process."""
    if free_memory() < ROOM:
        return None
    with contextlib.suppress(OSError):
        return Spare(config, device)
    return None


def free_memory() -> int:
    """The bytes of memory that programs could have now."""
    return int(psutil.virtual_memory().available)
