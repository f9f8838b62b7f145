"""``python -m dhc.cluster.trial_there RUN_DIR``: a trial, where the engine has it run: says what it is, and answers the other side."""

from __future__ import annotations

import os
import socket
import sys
import time
from pathlib import Path

from dhc.cluster import promises
from dhc.cluster.promises import Asked, Facts, Report, Swaps
from dhc.errors import sentence
from dhc.files import write
from dhc.files.lock import hold_lock
from dhc.machine import hardware
from dhc.machine.cores import cores
from dhc.runs.contract import write_exit

LONGEST = 60.0  # seconds after which the other side has gone
FREED = 5.0  # seconds in which a lock that was let go of must be had


def main(arguments: list[str]) -> int:
    """Take part in the trial in a folder; returns the exit status."""
    folder = Path(arguments[0]).resolve()
    asked = Asked.read(folder)
    if asked is None:
        print(f"error: {folder} holds no trial", file=sys.stderr)
        return 1
    try:
        if asked.is_shared:
            with hold_lock(promises.lock_of(folder, "there"), 0):
                _facts(folder, asked).write(folder)
                report = _answer(folder)
            report.write(folder)
        else:
            _facts(folder, asked).write(folder)
        write_exit(folder, "finished", "the trial is over", cause="done", code=0)
    except OSError as error:
        print(f"error: {sentence(error)}", file=sys.stderr)
        return 1
    return 0


def _facts(folder: Path, asked: Asked) -> Facts:
    gpus, unlisted = _gpus()
    return Facts(
        host=socket.gethostname(),
        packages=promises.versions(),
        cores=cores(),
        gpus=gpus,
        unlisted=unlisted,
        unseen=[path for path in asked.folders if not Path(path).is_dir()],
        lock=promises.attempt(promises.lock_of(folder, "here")) if asked.is_shared else "",
    )


def _gpus() -> tuple[list[str], list[str]]:
    """The GPUs that this process may use, as its environment says: names of those that the driver lists, numbers of the others."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    numbers = [word.strip() for word in visible.split(",") if word.strip() not in ("", "-1")]
    names = {str(gpu.index): gpu.name for gpu in hardware.gpus()}
    return [names[number] for number in numbers if number in names], [n for n in numbers if n not in names]


def _answer(folder: Path) -> Report:
    """Answer marks and lines until the other side is at its end, or gone."""
    swaps, marks, lines, freed = Swaps(folder, "there"), 0, 0, ""
    deadline = time.monotonic() + LONGEST
    while not os.path.lexists(folder / promises.END) and time.monotonic() < deadline:
        swaps.step()
        if not freed and os.path.lexists(folder / promises.RELEASED):
            freed = promises.attempt(promises.lock_of(folder, "here"), FREED)
        if os.path.lexists(promises.mark_of(folder, "here", marks)):
            write.mark(promises.mark_of(folder, "there", marks))
            marks += 1
        while lines < promises.count_lines(folder, "here"):
            promises.append_line(folder, "there", lines)
            lines += 1
        time.sleep(promises.PAUSE)
    return Report(reads=swaps.reads, torn=swaps.torn, freed=freed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
