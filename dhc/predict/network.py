"""A saved network and its probabilities. Imports Keras."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import h5py
import keras
import numpy as np

from dhc.config import RunConfig
from dhc.errors import RunError
from dhc.models.build import build
from dhc.models.ladder import plan_of
from dhc.models.plan import measure
from dhc.predict.archive import SavedNetwork, answer_bytes, read_network
from dhc.runs import rundir
from dhc.runs.predictions import is_distribution
from dhc.text import one_line

BATCH = 128  # pictures
ROOM = 100_000_000  # bytes that a network may take above what its run's settings describe, as another version's may
REMEDY = "a copy of the run would train it anew"


def load_network(run_dir: Path, config: RunConfig, classes: int) -> keras.Model:
    """The run's best network, for so many classes: its saved plan built, its saved weights in it.

    Raises RunError where its file has parts that none of ours has, is damaged, or holds another network than one of its
    settings.
    """
    path = run_dir / rundir.BEST
    try:
        return _network(path, config, classes)
    except RunError as error:
        raise RunError(f"{rundir.BEST} of run {run_dir.name} cannot be used: {error}; {REMEDY}") from None


def probabilities(model: keras.Model, x: np.ndarray) -> np.ndarray:
    """The softmax of (N, 64, 64, 3) uint8 pictures: (N, K) float32, rows sum to 1.

    Raises RunError where the network's weights bring forth no probabilities.
    """
    answers = np.asarray(model.predict(x, batch_size=BATCH, verbose=0), np.float32)
    if not is_distribution(answers):
        raise RunError(f"{rundir.BEST} gives answers that are no probabilities, so its weights are damaged; {REMEDY}")
    return answers


def _network(path: Path, config: RunConfig, classes: int) -> keras.Model:
    most = answer_bytes(measure(plan_of(config, classes)), BATCH) + ROOM
    saved = read_network(path, most)
    rows = saved.rows
    if rows[-1].shape != (classes,):
        raise RunError(f"it tells {rows[-1].shape[0]:,} classes apart, but the run has {classes:,}")
    if answer_bytes(rows, BATCH) > most or len(saved.weights) < 2 * sum(row.parameters for row in rows):
        raise RunError("it describes a far larger network than its run's settings or its own weights")
    _check_weights(saved)
    keras.config.set_dtype_policy(saved.precision)
    model = build(saved.plan, seed=config.fit.seed, name=config.model.name)
    try:
        model.load_weights(path)
    except Exception as error:  # Keras raises all kinds for weights that are those of another network
        gist = one_line(str(error), 200)
        raise RunError(f"its weights do not fit its layers ({type(error).__name__}: {gist})") from error
    return model


def _check_weights(saved: SavedNetwork) -> None:
    """Raise RunError unless the weights are plain arrays within the file, no more than the plan has.

    HDF5 can also name values in other files, and sizes that would be filled only when they are read.
    """
    rows = saved.rows
    most = sum(row.parameters for row in rows) + 16 * len(rows)  # the state of a Dropout's seed
    try:
        with h5py.File(io.BytesIO(saved.weights), "r") as file:
            sizes = [_plain_size(item) for item in _items(file, 20 * len(rows) + 20)]
    except RunError:
        raise
    except (OSError, KeyError, RuntimeError, TypeError, ValueError) as error:  # what HDF5 says of damaged bytes
        raise RunError(f"its weights are damaged ({type(error).__name__})") from None
    if sum(sizes) > most:
        raise RunError("it holds more weights than its layers have")


def _items(file: h5py.File, most: int) -> Iterator[h5py.Group | h5py.Dataset]:
    """What the file's groups hold, at most so many; a link to another place or file is refused."""
    groups, count = [file], 0
    while groups:
        group = groups.pop()
        for name in group:
            count += 1
            if count > most or not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise RunError("its weights hold more than a network's, or lead elsewhere")
            item = group[name]
            if isinstance(item, h5py.Group):
                groups.append(item)
            yield item


def _plain_size(item: h5py.Group | h5py.Dataset) -> int:
    """How many values a dataset has, 0 for a group."""
    if isinstance(item, h5py.Group):
        return 0
    if item.chunks or item.external or item.is_virtual or item.dtype.kind not in "fu" or item.dtype.itemsize > 8:
        raise RunError("its weights are stored as no run stores them")
    return int(item.size)
