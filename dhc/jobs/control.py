"""Ending a training at once, when asking it to stop is not enough."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

import psutil

from dhc.errors import RunError
from dhc.jobs.worker import KILLED
from dhc.runs import rundir
from dhc.runs.contract import Identity, Process, write_exit
from dhc.runs.status import State, is_alive, status_of

PATIENCE = 3.0  # seconds that the system may take to end what was killed


def kill(runs_dir: Path, run_id: str) -> None:
    """End a run's training process without asking it.

    Its worker records the end; without a worker, this does. What its finished epochs wrote stays, and it can be resumed from
    its last saved state. Raises RunError for a run that does not train on this machine or whose process is another user's.
    """
    folder = rundir.run_dir(runs_dir, run_id)
    status = status_of(folder)
    if status.cause == "elsewhere":
        raise RunError(f"run {run_id} cannot be killed from here: {status.reason}")
    process = Process.read(folder)
    child = None if process is None else process.child
    if status.state not in (State.RUNNING, State.STOPPING) or not _kill(folder, child):
        state = status_of(folder).state
        hint = "; stop takes it out of the queue" if state is State.QUEUED else ""
        raise RunError(f"run {run_id} is {state.value}: there is no process to kill{hint}")
    deadline = time.monotonic() + PATIENCE
    while is_alive(child) and time.monotonic() < deadline:
        time.sleep(0.02)
    if status_of(folder).state is State.CRASHED:  # its worker is gone: nobody else will say how it ended
        write_exit(folder, "killed", KILLED, cause="kill", signal=9)


def _kill(folder: Path, child: Identity | None) -> bool:
    """Kill the very process that the record describes; False where it has ended.

    A later process with its number is left alone, and so is one that a hand-edited record names: the training's command line
    names its run.
    """
    mark = folder / rundir.KILL
    try:
        if child is None or not is_alive(child):
            return False
        process = psutil.Process(child.pid)
        if not any(folder.name in word for word in process.cmdline()):
            return False
        with contextlib.suppress(OSError):  # on a full disk it is killed without the mark
            mark.touch()
        process.kill()  # psutil itself refuses a number that was reused since it was looked up
    except psutil.AccessDenied:
        mark.unlink(missing_ok=True)
        raise RunError(f"run {folder.name} belongs to another user of this machine: only they can kill it") from None
    except psutil.Error:
        return False
    return True
