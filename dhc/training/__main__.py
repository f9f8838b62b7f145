"""``python -m dhc.training RUN_DIR``: trains one run and records how it ended.

With ``--wait`` instead it imports what a training needs and then trains the run whose folder, a JSON string, comes as a line on its standard
input; where that ends without one, so does the process (`dhc.jobs.spare`).
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import socket
import sys
import traceback
from pathlib import Path
from typing import Any

from dhc.config import RunConfig
from dhc.errors import RunError
from dhc.files import remove, write
from dhc.machine import hardware
from dhc.machine.keras_import import import_keras
from dhc.runs import pulse, rundir
from dhc.runs.config_file import load_config
from dhc.runs.contract import Cause, Process, Request, write_exit
from dhc.runs.fit import remove_leftovers, require_fit
from dhc.runs.identity import identify
from dhc.runs.lock import HeldError, hold
from dhc.runs.pulse import DEVICE
from dhc.runs.rundir import Guard
from dhc.runs.status import State, status_of
from dhc.training.outcomes import UNEXPECTED, End, StopRequested, explain
from dhc.training.pulse import fence_here, guard_of

FINISHED, FAILED, BAD_INPUT = 0, 1, 2
QUEUED = "--queued"  # only if it still waits: a worker that was killed may have left a child that was faster
WAIT = "--wait"


def main(arguments: list[str]) -> int:
    """Train the run in the folder given; returns the exit status."""
    if arguments == [WAIT]:
        return wait()
    words = [word for word in arguments if word != QUEUED]
    if len(words) != 1:
        print(f"usage: python -m dhc.training RUN_DIR [{QUEUED}]", file=sys.stderr)
        return BAD_INPUT
    folder = Path(words[0]).resolve()
    try:
        require_fit(folder)
        with hold(folder, patience=0):  # two starters can never train one run twice
            if QUEUED in arguments and status_of(folder).state is not State.QUEUED:
                return rundir.TAKEN
            if (folder / rundir.EXIT).exists():
                print(f"{folder.name} has ended: `python -m dhc runs resume {folder.name}` resumes it", file=sys.stderr)
                return BAD_INPUT
            status = run(folder)
            with contextlib.suppress(OSError):
                pulse.cease(folder, fence_here())
            return status
    except HeldError:
        print(f"{folder.name} is already being trained", file=sys.stderr)
        return rundir.TAKEN
    except RunError as error:
        print(error, file=sys.stderr)
        return rundir.TAKEN


def wait() -> int:
    """Import Keras, then train the run that is named, if one is."""
    with contextlib.suppress(Exception):  # what is broken here is said in the run that meets it
        import_keras()
        importlib.import_module("dhc.training.loop")
    line = sys.stdin.buffer.readline()
    if not line.endswith(b"\n"):
        return FINISHED
    folder = Path(json.loads(line))
    try:
        _print_into(folder / rundir.LOG)
    except OSError as error:
        print(f"{folder.name} has no log: {error}", file=sys.stderr)
    return main([str(folder), QUEUED])


def _print_into(log: Path) -> None:
    """Have the standard output, and what it has had so far, go to the run's log. Raises OSError."""
    sys.stdout.flush()
    with write.append(log) as output:
        with os.fdopen(os.dup(sys.stdout.fileno()), "rb") as so_far:
            so_far.seek(0)
            output.write(so_far.read())
        output.flush()
        for stream in (sys.stdout, sys.stderr):
            os.dup2(output.fileno(), stream.fileno())
    with Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), sys.stdin.fileno())


def run(folder: Path) -> int:
    """Train and record how it ended, in every case in which a process still can."""
    # what ends a training on a cluster is no person: whoever attends it knows why, and where it goes on
    mark = rundir.LEAVE if fence_here() else rundir.STOP
    remove.file(folder / rundir.LEAVE)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, frame: write.mark(folder / mark))
    child, worker = identify(os.getpid()), identify(os.getppid())
    guard = guard_of(folder, child)  # nobody else writes there from now on, nor is in the midst of it
    if (folder / rundir.EXIT).exists():  # whoever trained it before came to its end after all
        return rundir.TAKEN
    place: dict[str, Any] = {"fence": fence} if (fence := fence_here()) else {}
    process = Process(child=child, worker=worker, host=socket.gethostname(), run=folder.name, **place)
    try:
        process.write(folder)
        remove_leftovers(folder)
        config = load_config(folder)
        device = _device(config, Request.read(folder))
        os.environ.update(hardware.environment(config.device, device))
        with rundir.RunWriter(folder, guard) as writer:
            writer.phase("starting", backend=config.device.backend)
        return _train(config, folder, device, guard)
    except Exception as error:  # noqa: BLE001 - the last net: the traceback is in the log, its gist in exit.json
        end = explain(error, folder)
        if end.cause in UNEXPECTED:
            _print(traceback.format_exc())
        guard()
        return _failed(folder, end)


def _device(config: RunConfig, request: Request | None) -> str:
    """What it may use: what an engine of a cluster gave it, else the device in whose queue it waited. Raises DeviceError."""
    if request is None or request.queue in rundir.ENGINES:
        return os.environ.get(DEVICE) or hardware.resolve(config.device.device)
    return hardware.resolve(request.queue)


def _train(config: RunConfig, folder: Path, device: str, guard: Guard) -> int:
    cause: Cause = "done"
    search = Request.of(folder).search
    try:
        if config.trains_network:
            import_keras()  # once the environment is set
        if search is not None:
            from dhc.training.search import search_rate

            reason = search_rate(config, search, folder, device=device, guard=guard)
        elif config.trains_network:
            from dhc.training.loop import train_and_evaluate

            reason = "all epochs done"
            epochs = train_and_evaluate(config, folder, device=device, guard=guard).epochs or 0
            if epochs < config.fit.epochs:
                cause, reason = "early", f"stopped early: no better val_accuracy in {config.fit.early_stopping} epochs"
        else:
            from dhc.training.knn import classify_and_evaluate

            classify_and_evaluate(config, folder, guard=guard)
            reason = "all pictures compared"
    except StopRequested as request:
        if _leaves(folder):
            return rundir.LEFT
        consolation = "; the best network so far is kept" if (folder / rundir.BEST).is_file() else ""
        guard()
        write_exit(folder, "stopped", f"{request.reason}{consolation}", cause=request.cause, code=FINISHED)
        return FINISHED
    guard()
    write_exit(folder, "finished", reason, cause=cause, code=FINISHED)
    return FINISHED


def _leaves(folder: Path) -> bool:
    """Whether the run ended only because its machine is wanted back: then this is no end of it."""
    asked = any((folder / name).exists() for name in (rundir.STOP, rundir.STOP_AFTER_EPOCH))
    return fence_here() > 0 and not asked and (folder / rundir.LEAVE).exists()


def _failed(folder: Path, end: End) -> int:
    _print(f"failed: {end.reason}")
    write_exit(folder, "failed", end.reason, cause=end.cause, code=FAILED, **end.where)
    return FAILED


def _print(text: str) -> None:
    with contextlib.suppress(OSError):  # the log's disk may be what is full
        print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    status = main(sys.argv[1:])
    with contextlib.suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(status)  # all is written; tearing a backend down can take seconds, and someone waits for the device
