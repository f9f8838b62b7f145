"""The worker of a device, as its record tells: at work, hung, gone, or on another machine."""

from __future__ import annotations

import os
import time
from enum import Enum
from pathlib import Path

from dhc.runs import rundir
from dhc.runs.contract import Worker
from dhc.runs.identity import Origin, is_alive, is_paused, origin

SILENCE = 30.0  # seconds without a sign of life after which a worker hangs
SHORT_SILENCE = (
    8.0  # the same for one whose training is dead: it has nothing to do but say so, which takes it three at most
)


class Standing(Enum):
    """How a worker stands."""

    GONE = "no worker is running"
    WORKS = "at work"
    HANGS = "the worker hangs: it lives, but does nothing"
    ELSEWHERE = "the worker was started on another machine or in another container"


def worker_record(runs_dir: Path, device: str) -> Worker:
    """What the device's worker says of itself, or nothing.

    Where it can no longer write that, as on a disk that was made read-only, its silence means nothing.
    """
    path = rundir.worker_file(runs_dir, device)
    record = Worker.load(path) or Worker()
    return record if os.access(path, os.W_OK) else record.model_copy(update={"beat": None})


def standing_of(worker: Worker, silence: float = SILENCE) -> Standing:
    """How the worker of a record stands.

    It hangs if its process is paused, as after SIGSTOP, or has given no sign of life for `silence` seconds. They are counted by a
    clock that stands still while the machine is suspended.
    """
    if worker.worker is None:
        return Standing.GONE
    if origin(worker.worker, worker.host) is Origin.ELSEWHERE:
        return Standing.ELSEWHERE
    if not is_alive(worker.worker, worker.host):
        return Standing.GONE
    silent = worker.beat is not None and time.monotonic() - worker.beat > silence
    return Standing.HANGS if silent or is_paused(worker.worker, worker.host) else Standing.WORKS
