"""Ending a training at once, when asking it to stop is not enough."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

import psutil

from dhc.errors import RunError
from dhc.files import remove, write
from dhc.jobs import launch, webhook
from dhc.jobs.ends import KILLED
from dhc.jobs.hung import PATIENCE, end_hung_worker
from dhc.runs import rundir
from dhc.runs.contract import Identity, Process, Request, write_exit
from dhc.runs.identity import find, is_alive
from dhc.runs.status import State, Status, status_of
from dhc.runs.workers import SHORT_SILENCE, worker_record

CLUSTER_PATIENCE = 10.0  # seconds that a cluster may take to end a run


def kill(runs_dir: Path, run_id: str) -> None:
    """End a run's training process without asking it, and its worker where that hangs.

    Its worker records the end; without a worker, this does. What its finished epochs wrote stays, and it can be resumed from
    its last saved state. Raises RunError for a run that does not train on this machine or whose process is another user's.
    """
    folder = rundir.run_dir(runs_dir, run_id)
    status = status_of(folder)
    if Request.of(folder).queue in rundir.ENGINES:
        _kill_on_a_cluster(folder, status)
        return
    if status.cause == "elsewhere":
        raise RunError(f"run {run_id} cannot be killed from here: {status.reason}")
    child = _child_of(folder, status)
    if status.cause != "hung":
        was_alive = child is not None and _kill(folder, child)
        if child is None or not (was_alive or status.state is State.STOPPING):
            raise RunError(_nothing_to_kill(folder))
        status = _await_end(folder, child)
        if status.state is State.STOPPING and not was_alive:
            raise RunError(_nothing_to_kill(folder))
    if status.cause == "hung":
        end_hung_worker(runs_dir, Request.of(folder).queue)
        launch.work(runs_dir)
    elif status.state is State.CRASHED:  # its worker is gone: nobody else will say how it ended
        write_exit(folder, "killed", KILLED, cause="kill", signal=9)
        webhook.announce(folder)


def _kill_on_a_cluster(folder: Path, status: Status) -> None:
    """Have the worker of the run's engine end it, and wait a while for that."""
    if status.state not in (State.RUNNING, State.STOPPING, State.UNHEARD):
        raise RunError(_nothing_to_kill(folder))
    write.mark(folder / rundir.KILL)
    launch.start_worker(folder.parent, Request.of(folder).queue)
    deadline = time.monotonic() + CLUSTER_PATIENCE
    while status_of(folder).state.alive and time.monotonic() < deadline:
        time.sleep(0.1)


def _child_of(folder: Path, status: Status) -> Identity | None:
    """The run's process: of one that waits, the one that its worker has just started for it."""
    if status.state in (State.RUNNING, State.STOPPING):
        return Process.of(folder).child
    worker = worker_record(folder.parent, Request.of(folder).queue)
    return worker.child if status.state is State.QUEUED and worker.run == folder.name else None


def _nothing_to_kill(folder: Path) -> str:
    state = status_of(folder).state
    if state is State.STOPPING:
        return f"run {folder.name} has ended, and its worker is about to say how: try again in a moment"
    hint = "; stop takes it out of the queue" if state is State.QUEUED else ""
    return f"run {folder.name} is {state.value}: there is no process to kill{hint}"


def _await_end(folder: Path, child: Identity) -> Status:
    """The run's state once its process is gone, and its worker has said so or proved to hang."""
    deadline = time.monotonic() + PATIENCE
    while is_alive(child) and time.monotonic() < deadline:
        time.sleep(0.02)
    deadline += SHORT_SILENCE
    while (status := status_of(folder)).state is State.STOPPING and time.monotonic() < deadline:
        time.sleep(0.02)
    return status


def _kill(folder: Path, child: Identity) -> bool:
    """Kill the very process that the record describes; False where it has ended.

    A later process with its number is left alone, and so is one that a hand-edited record names: the training's command line
    names its run.
    """
    mark = folder / rundir.KILL
    process = find(child)
    try:
        if process is None or not is_alive(child) or not _trains(process.cmdline(), folder):
            return False
        with contextlib.suppress(OSError):  # on a full disk it is killed without the mark
            write.mark(mark)
        process.kill()  # psutil itself refuses a number that was reused since it was looked up
    except psutil.AccessDenied:
        remove.file(mark)
        raise RunError(f"run {folder.name} belongs to another user of this machine: only they can kill it") from None
    except psutil.Error:
        return False
    return True


def _trains(command: list[str], folder: Path) -> bool:
    """Whether a command line is that of the run's training, under the name that its folder had when it began."""
    names = {folder.name, Process.of(folder).run} - {""}
    return any(name in word for word in command for name in names)
