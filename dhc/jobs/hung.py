"""Ending a worker that hangs, so that its run gets its true end and its queue goes on."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

import psutil

from dhc.errors import RunError
from dhc.files import remove
from dhc.jobs import webhook
from dhc.jobs.ends import record_end
from dhc.jobs.process import worker_module
from dhc.runs import rundir
from dhc.runs.contract import Process, Worker
from dhc.runs.identity import exit_status, find, is_alive
from dhc.runs.status import status_of
from dhc.runs.workers import Standing, standing_of, worker_record

PATIENCE = 3.0  # seconds that the system may take to end what was killed
UNSEEN = "its training ended while its worker hung, so nobody saw how; what its finished epochs left is kept"


def end_hung_worker(runs_dir: Path, device: str) -> bool:
    """End the device's worker if it hangs, and record how the run that it had in hand ended.

    Returns whether one was ended; a training that still runs goes on alone. Raises RunError for a worker that is another user's
    or that not even the system can end.
    """
    worker = worker_record(runs_dir, device)
    folder = runs_dir / worker.run if rundir.RUN_ID.fullmatch(worker.run) else None
    is_over = folder is not None and status_of(folder).cause == "hung"
    if not is_over and standing_of(worker) is not Standing.HANGS:
        return False
    # before its worker goes, with which the last trace of a dead child goes, too
    code = None if folder is None else exit_status(Process.of(folder).child)
    if not _end(runs_dir, device, worker):
        return False
    with contextlib.suppress(OSError):
        remove.file(rundir.worker_file(runs_dir.resolve(), device))
    if is_over and folder is not None:
        if code is None:
            record_end(folder, 1, reason=UNSEEN, cause="hung")
        else:
            record_end(folder, code)
        webhook.announce(folder)
    return True


def process_of(worker: Worker, runs_dir: Path, device: str) -> psutil.Process | None:
    """The very process of the record, which a hand-edited one cannot turn on another program. Raises psutil.Error."""
    process = find(worker.worker, worker.host)
    return process if process is not None and _works_on(process.cmdline(), runs_dir, device) else None


def await_end(worker: Worker) -> bool:
    """Wait until the record's process is gone; False where it is not within PATIENCE."""
    deadline = time.monotonic() + PATIENCE
    while is_alive(worker.worker, worker.host):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _end(runs_dir: Path, device: str, worker: Worker) -> bool:
    """Kill the process of the record; False where there is none of that worker."""
    try:
        process = process_of(worker, runs_dir, device)
        if process is None:
            return False
        process.kill()
    except psutil.AccessDenied:
        raise RunError(f"the worker of {device} hangs, and it is another user's: only they can end it") from None
    except psutil.Error:
        return False
    if not await_end(worker):
        raise RunError(
            f"the worker of {device} hangs in the system, as on a disk that does not answer, and cannot be ended: "
            "mend the disk or restart the machine"
        )
    return True


def _works_on(command: list[str], runs_dir: Path, device: str) -> bool:
    """Whether a command line is that of a worker of this device and folder of runs."""
    module = worker_module(device)
    if module not in command:
        return False
    place, its_device = [*command[command.index(module) + 1 :], "", ""][:2]
    try:
        return its_device == device and Path(place).samefile(runs_dir)
    except (OSError, ValueError):
        return False
