"""``python -m dhc.jobs.worker RUNS_DIR DEVICE``: drains one device's queue, one training process at a time.

It waits for each child and records how it ended where the child could not. Two workers of one device exclude each other
by a file lock, which the system lets go when its holder dies; a queue that outlives its worker waits for the next one.
"""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

from filelock import FileLock, Timeout

from dhc.config import ConfigError, RunConfig
from dhc.jobs.process import REPOSITORY, python
from dhc.runs import rundir
from dhc.runs.status import State, status_of
from dhc.training import hardware

FAILED_TO_START = "its process could not be started"


def main(arguments: list[str]) -> int:
    """Work until the device's queue is empty; returns the exit status."""
    runs_dir, device = Path(arguments[0]), arguments[1]
    lock = FileLock(runs_dir / f".worker-{re.sub(r'[^a-z0-9]', '-', device)}.lock")
    # The queue is looked at once more after the lock is let go: a run that came while the last look was over is not left.
    while next_queued(runs_dir, device) is not None:
        try:
            with lock.acquire(timeout=0):
                drain(runs_dir, device)
        except Timeout:
            return 0  # another worker is at it
    return 0


def drain(runs_dir: Path, device: str) -> None:
    """Run whatever is queued for the device, in order, until nothing is."""
    while (folder := next_queued(runs_dir, device)) is not None:
        run_child(folder, device)


def queue(runs_dir: Path, device: str) -> list[Path]:
    """The folders queued for a device, first come first."""
    waiting = []
    for folder in runs_dir.iterdir():
        request = rundir.read_json(folder / rundir.REQUEST) if rundir.RUN_ID.fullmatch(folder.name) else None
        if request is not None and request.get("device") == device and status_of(folder).state is State.QUEUED:
            waiting.append((request.get("queued_at") or 0.0, folder.name, folder))
    return [folder for *_, folder in sorted(waiting)]


def next_queued(runs_dir: Path, device: str) -> Path | None:
    """The folder that is to run next, or None."""
    return next(iter(queue(runs_dir, device)), None)


def run_child(folder: Path, device: str) -> None:
    """Train one run in a child process and see it through to an exit record."""
    try:
        config = RunConfig.from_json((folder / rundir.CONFIG).read_bytes())
        env = hardware.environment(config.device, device)
        with (folder / rundir.LOG).open("ab") as log:
            child = subprocess.Popen(
                python("-m", "dhc.training", str(folder)),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=env,
                cwd=REPOSITORY,
            )
    except (ConfigError, OSError) as error:
        rundir.write_exit(folder, "failed", f"{FAILED_TO_START}: {error}", code=1)
        return
    code = child.wait()
    if code == rundir.TAKEN:  # someone else's child holds this run; it writes its own record
        time.sleep(0.2)
    else:
        record_end(folder, code)


def record_end(folder: Path, code: int) -> None:
    """Write the exit record that a killed child could not write; one that the child wrote stays."""
    if rundir.read_json(folder / rundir.EXIT) is not None:
        return
    if code < 0:
        rundir.write_exit(folder, "killed", _killed_by(-code), signal=-code)
    else:
        rundir.write_exit(
            folder,
            "failed",
            f"its process ended with status {code} and gave no reason; the log may say more",
            code=code,
        )


def _killed_by(number: int) -> str:
    name = signal.Signals(number).name if number in set(signal.Signals) else f"signal {number}"
    if number == signal.SIGKILL:
        return f"killed from outside ({name}): by a person, or by the system because memory ran out"
    if number in (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS):
        return f"its process crashed ({name}) inside a library"
    return f"killed from outside ({name})"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
