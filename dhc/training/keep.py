"""Keeping states to branch from: links to those that were saved to resume from. No Keras."""

from __future__ import annotations

import secrets
from pathlib import Path

from dhc.files import remove, write
from dhc.runs import rundir
from dhc.runs.budget import make_room
from dhc.runs.course import Course
from dhc.runs.states import STATE, epoch_of, kinds_of, state_folders

FILES = (STATE, rundir.BEST, rundir.PREDICTIONS)


def is_one_of_every(epoch: int, every: int) -> bool:
    """Whether the epoch, from 1, is one of every so many; none is of every 0."""
    return every > 0 and epoch % every == 0


def keep_state(run: Path, epoch: int, best_epoch: int, every: int, *, spare: bool) -> bool:
    """Link the state that was just saved after an epoch into ``states/``; of those there only what is still wanted stays.

    That is the best epoch's, those of every so many epochs and before changes, and this one. Then the states of all runs are held
    to their budget, beyond which a `spare` one is not kept. Returns whether it was. Raises OSError.
    """
    source, folder = run / rundir.RESUME / f"epoch-{epoch:05d}", run / rundir.STATES
    place = folder / source.name
    draft = folder / f".{place.name}.{secrets.token_hex(8)}"
    write.make_folder(draft, below=run)
    for name in FILES:
        write.link(source / name, draft / name)
    remove.tree(place)
    remove.move(draft, place)
    remove.trees(folder, rundir.DRAFT)
    changes = [change.epoch for change in Course.of(run).changes]
    for other in state_folders(folder):
        if not kinds_of(epoch_of(other), last=epoch, best=best_epoch, every=every, changes=changes):
            remove.tree(other)
    room = make_room(run.parent)
    if spare and room.used > room.limit:
        remove.tree(place)
        return False
    return True
