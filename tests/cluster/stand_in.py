"""``python -m cluster.stand_in RUN_DIR --queued``: a training without a network, all else of which is that of a real one.

Its lock, its fence, its pulse, its process record, its signals, its end and its events are `dhc.training`'s own; only what Keras would do
is left out: an epoch takes the second that ``STAND_IN_EPOCH`` names. After each it saves a state, from which it goes on as a training
does, in as long as ``STAND_IN_SAVE`` says; ``STAND_IN_BEAT`` is the pause between two signs of life. Its events name the process and the
number of its handing out, so that a test can see who wrote when. Where ``STAND_IN_FOR`` names a model, runs of any other are trained in
earnest.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from dhc.config import RunConfig
from dhc.files import remove, write
from dhc.runs import pulse, rundir
from dhc.runs.contract import Cause, Summary, write_exit
from dhc.runs.rundir import Guard, RunWriter
from dhc.training import __main__ as training
from dhc.training.outcomes import StopRequested
from dhc.training.pulse import fence_here

EPOCH = float(os.environ.get("STAND_IN_EPOCH", "1.0"))  # seconds
SAVE = float(os.environ.get("STAND_IN_SAVE", "0"))  # seconds
pulse.BEAT = float(os.environ.get("STAND_IN_BEAT", pulse.BEAT))
FOR = os.environ.get("STAND_IN_FOR", "")  # a model's name
STEPS = 8  # batches of an epoch, each of which is an event
STATE = rundir.STATE  # in a folder of resume/: here, the numbers of the epochs that it was reached by


def train(config: RunConfig, folder: Path, device: str, guard: Guard) -> int:
    """Let the epochs go by, in place of `dhc.training.__main__._train`."""
    if FOR and config.model.name != FOR:
        return in_earnest(config, folder, device, guard)
    cause: Cause = "done"
    try:
        with RunWriter(folder, guard) as writer:
            _epochs(config.fit.epochs, folder, writer)
    except StopRequested as request:
        if training._leaves(folder):
            return rundir.LEFT
        guard()
        write_exit(folder, "stopped", request.reason, cause=request.cause, code=0)
        return 0
    guard()
    write_exit(folder, "finished", "all epochs done", cause=cause, code=0)
    return 0


def _epochs(count: int, folder: Path, writer: RunWriter) -> None:
    me = {"pid": os.getpid(), "fence": fence_here()}
    done = _state(folder)
    if done:
        writer.event("resume", epoch=len(done) + 1, **me)
    writer.event("start", device="stand-in", parameters=0, train=8, val=8, classes=3, epochs=count, **me)
    for epoch in range(len(done) + 1, count + 1):
        for step in range(STEPS):
            time.sleep(EPOCH / STEPS)
            if (folder / rundir.STOP).exists():
                raise StopRequested
            writer.event("batch", epoch=epoch, batch=step + 1, **me)
        share = epoch / (count + 1)
        figures = {"loss": 1 - share, "accuracy": share, "val_loss": 1 - share, "val_accuracy": share}
        writer.event("epoch", epoch=epoch, **figures, learning_rate=0.001, seconds=EPOCH, best=True, eta=0.0, **me)
        done.append(epoch)
        _save(done, folder, writer)
        marks = (rundir.STOP_AFTER_EPOCH, rundir.LEAVE)
        if epoch < count and any((folder / mark).exists() for mark in marks):
            raise StopRequested(f"stopped after epoch {epoch}, on request")
    shares = tuple(epoch / (count + 1) for epoch in done)
    writer.require()
    Summary(epochs=count, best_epoch=count, best_val_accuracy=shares[-1], curve=shares, seconds=EPOCH).write(folder)


def _state(folder: Path) -> list[int]:
    """The epochs of the newest state."""
    newest = rundir.next_epoch(folder) - 1
    if not newest:
        return []
    text = (folder / rundir.RESUME / f"epoch-{newest:05d}" / STATE).read_text(encoding="ascii")
    done = [int(word) for word in text.split()]
    assert done == list(range(1, newest + 1)), done
    return done


def _save(done: list[int], folder: Path, writer: RunWriter) -> None:
    """Save a state as `dhc.training.resume` does: beside the earlier one, and renamed into place."""
    resume, name = folder / rundir.RESUME, f"epoch-{done[-1]:05d}"
    draft = resume / f".{name}.{os.urandom(8).hex()}"
    write.make_folder(draft, below=folder)
    write.text(draft / STATE, " ".join(map(str, done)))
    time.sleep(SAVE)
    writer.require()
    remove.tree(resume / name)
    remove.move(draft, resume / name)
    for other in resume.iterdir():
        if other.name != name:
            remove.tree(other)


in_earnest = training._train

if __name__ == "__main__":
    training._train = train
    status = training.main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
