"""``dynamics/``: what the network said of each training picture, epoch by epoch; written whole, read with distrust.

``dynamics/epoch-00007.npy`` is one (N, 2) float16 array, in the order of the run's training pictures as ``pictures.json`` names
them: the probability p of a picture's class, and its margin. Both are of the training pass itself: of the picture as it was
augmented in that epoch, with dropout, at the step that learned from it. NaN where the epoch did not show the picture.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dhc.errors import RunError
from dhc.files import remove, write
from dhc.files.archive import DamagedError
from dhc.files.arrays import MAX_HEADER, parse_header
from dhc.files.folder import UnfitError, is_real_folder
from dhc.files.read import read_regular
from dhc.runs import rundir
from dhc.runs.contract import UsedPictures
from dhc.runs.lenient import MAX_EPOCH

MOST_FILES, BUDGET = 500, 24_000_000  # of a run: files, and bytes of all of them
OF_PICTURE = 4  # bytes: p and margin, in float16
MAX_BYTES = 4 * BUDGET  # that are read: a data set may be so large that one epoch of it takes more than the budget
_DRAFTS = write.temporary_names(rundir.DYNAMICS_OF_EPOCH.pattern)


@dataclass(frozen=True, eq=False)
class Dynamics:
    """What the network said of N training pictures in each of the E epochs that were recorded.

    epochs    (E,) int64, 1-based and rising; with gaps where not every epoch was recorded
    p         (E, N) float32, 0 to 1: the probability of the picture's class; NaN where the epoch did not show it
    margin    (E, N) float32: the logit of its class minus the largest other one, above 0 where it was right; NaN as in p
    damaged   how many epochs' files cannot be read, and are left out
    """

    epochs: np.ndarray
    p: np.ndarray
    margin: np.ndarray
    damaged: int = 0

    def up_to(self, epoch: int) -> Dynamics:
        """That of the epochs up to this one."""
        kept = self.epochs <= epoch
        return Dynamics(self.epochs[kept], self.p[kept], self.margin[kept], self.damaged)


@dataclass(frozen=True, eq=False)
class Followed:
    """The N training pictures that a run's dynamics are of: (N,) str files, (N,) int64 labels, the names of the classes."""

    files: np.ndarray
    labels: np.ndarray
    classes: tuple[str, ...]

    @property
    def class_names(self) -> np.ndarray:
        """(N,) str: the class of each picture."""
        names: np.ndarray = np.array(self.classes)[self.labels]
        return names


def followed(used: UsedPictures, dynamics: Dynamics) -> Followed:
    """The pictures of a run's dynamics. Raises RunError where ``pictures.json`` does not name them."""
    files, labels = np.array(used.train.files, np.str_), np.array(used.train.labels, np.int64)
    count = dynamics.p.shape[1]
    if len(files) != count or len(labels) != count or not ((labels >= 0) & (labels < len(used.classes))).all():
        raise RunError(
            f"{rundir.PICTURES} of this run does not name the {count:,} training pictures that {rundir.DYNAMICS} is of: "
            "it was edited or lost, and a copy of the run would write both anew"
        )
    return Followed(files, labels, tuple(used.classes))


def pace(pictures: int, epochs: int) -> int:
    """Every how many epochs a run of so many records them, so that it stays within BUDGET and MOST_FILES: 1 is each."""
    return max(1, -(-epochs * pictures * OF_PICTURE // BUDGET), -(-epochs // MOST_FILES))


def is_recorded(epoch: int, every: int) -> bool:
    """Whether an epoch, from 1, is recorded: the first, and every so many after it."""
    return (epoch - 1) % every == 0


def write_epoch(folder: Path, epoch: int, values: np.ndarray) -> None:
    """Write (N, 2) p and margin of an epoch, from 1, in the place of those before. Raises OSError."""
    place = write.make_folder(folder / rundir.DYNAMICS) / _name(epoch)
    array = np.ascontiguousarray(values, np.float16)
    # What a power failure may take is one epoch of these; waiting for the disk would cost more than recording.
    write.replace(place, lambda file: np.save(file, array), sync=False)


def keep_epochs(folder: Path, last: int, every: int) -> None:
    """Remove the records of epochs after `last`, which will be trained anew, and of those that are not due any more."""
    place = folder / rundir.DYNAMICS
    if not is_real_folder(place):
        return
    gone = [epoch for epoch in _epochs(place) if epoch > last or not is_recorded(epoch, every)]
    if gone:
        remove.trees(place, re.compile("|".join(re.escape(name) for name in map(_name, gone))))
    remove.leftovers(place, _DRAFTS)


def link_epochs(parent: Path, child: Path, last: int) -> None:
    """Give a child run its parent's records up to the epoch `last`. Raises OSError."""
    place = parent / rundir.DYNAMICS
    epochs = [epoch for epoch in _epochs(place) if epoch <= last] if is_real_folder(place) else []
    if epochs:
        target = write.make_folder(child / rundir.DYNAMICS)
        for epoch in epochs[: 2 * MOST_FILES]:
            with contextlib.suppress(UnfitError):  # a stranger's: no record of ours, and no reason to have no child
                write.link(place / _name(epoch), target / _name(epoch))


def read_dynamics(folder: Path) -> Dynamics | None:
    """A run's records; None where it has none: a run of an earlier version, of neighbours, or one that recorded none.

    Epochs whose file is damaged are left out and counted. Raises RunError where none is left, or more lies there than a run writes.
    """
    place = folder / rundir.DYNAMICS
    epochs = _epochs(place) if is_real_folder(place) else []
    if not epochs:
        return None
    if len(epochs) > 2 * MOST_FILES:
        raise RunError(
            f"{rundir.DYNAMICS} of run {folder.name} holds {len(epochs):,} files, more than any run writes: copied together?"
        )
    sound, damaged = _sound(place, epochs)
    if not sound:
        raise RunError(
            f"{rundir.DYNAMICS} of run {folder.name} cannot be read, because its files are damaged or were edited: "
            "the curves stay, and a copy of the run would record it anew"
        )
    values = np.stack(list(sound.values()))
    p, margin = (np.ascontiguousarray(values[..., column], np.float32) for column in (0, 1))
    return Dynamics(np.array(list(sound), np.int64), p, margin, damaged)


def _sound(place: Path, epochs: Iterable[int]) -> tuple[dict[int, np.ndarray], int]:
    """By epoch the arrays that can be true, all of as many pictures as the first, and how many others there are."""
    sound: dict[int, np.ndarray] = {}
    left, damaged, pictures = MAX_BYTES, 0, None
    for epoch in epochs:
        try:
            data = read_regular(place / _name(epoch), left)
            values = _parse(data)
        except (OSError, DamagedError):
            damaged += 1
            continue
        pictures = len(values) if pictures is None else pictures
        if len(values) != pictures:
            damaged += 1
            continue
        left -= len(data)
        sound[epoch] = values
    return sound, damaged


def _parse(data: bytes) -> np.ndarray:
    """(N, 2) float16 of a file's bytes. Raises DamagedError."""
    header = parse_header(data[:MAX_HEADER])
    is_ours = header.dtype == np.float16 and len(header.shape) == 2 and not header.fortran
    if not is_ours or header.shape[0] < 1 or header.shape[1] != 2 or header.end != len(data):
        raise DamagedError("holds an array that is none of ours")
    values: np.ndarray = np.ndarray(header.shape, header.dtype, data, header.start)
    p, margin = values[:, 0], values[:, 1]
    seen = ~np.isnan(p)
    if (
        (np.isnan(margin) == seen).any()
        or not np.isfinite(margin[seen]).all()
        or not ((p[seen] >= 0) & (p[seen] <= 1)).all()
    ):
        raise DamagedError("holds figures that cannot be true")
    return values


def _epochs(place: Path) -> list[int]:
    """The epochs that files in the folder are named by, rising."""
    try:
        names = [rundir.DYNAMICS_OF_EPOCH.fullmatch(path.name) for path in place.iterdir()]
    except OSError:
        return []
    numbers = [int(name[1]) for name in names if name and len(name[1]) < 8 and name[0] == _name(int(name[1]))]
    return sorted(epoch for epoch in numbers if 1 <= epoch <= MAX_EPOCH)


def _name(epoch: int) -> str:
    return f"epoch-{epoch:05d}.npy"
