"""A run's saved network held against the run's settings and its own weights, before it is built. No Keras."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from pathlib import Path

import h5py

from dhc.config import RunConfig
from dhc.errors import RunError
from dhc.models.ladder import plan_of
from dhc.models.plan import LayerSize, measure
from dhc.predict.archive import SavedNetwork, read_network

BATCH = 128  # pictures that a network answers for at once
ROOM = 100_000_000  # bytes that a network may take above what its run's settings describe, as another version's may
SEED = 16  # values that a Dropout may keep for its seed


def saved_network(path: Path, config: RunConfig, classes: int) -> SavedNetwork:
    """The network in a .keras archive, which can only be one of these settings for so many classes.

    Raises RunError, whose text goes on after the file's name.
    """
    most = _memory(measure(plan_of(config, classes))) + ROOM
    network = read_network(path, most)
    rows = network.rows
    if rows[-1].shape != (classes,):
        raise RunError(f"it tells {rows[-1].shape[0]:,} classes apart, but the run has {classes:,}")
    if _memory(rows) > most or len(network.weights) < 2 * sum(row.parameters for row in rows):
        raise RunError("it describes a far larger network than its run's settings or its own weights")
    _check_weights(network.weights, rows)
    return network


def _memory(rows: tuple[LayerSize, ...]) -> int:
    """About how many bytes a network takes while it answers."""
    return 4 * sum(row.parameters + BATCH * math.prod(row.shape) for row in rows)


def _check_weights(data: bytes, rows: tuple[LayerSize, ...]) -> None:
    """Raise RunError unless the weights are plain arrays within the file, no more than the layers have.

    HDF5 can also name values in other files, and sizes that are filled only when they are read.
    """
    try:
        with h5py.File(io.BytesIO(data), "r") as file:
            sizes = [_plain_size(item) for item in _items(file, 20 * len(rows) + 20)]
    except RunError:
        raise
    except (OSError, KeyError, RuntimeError, TypeError, ValueError) as error:  # what HDF5 says of damaged bytes
        raise RunError(f"its weights are damaged ({type(error).__name__})") from None
    if sum(sizes) > sum(row.parameters + SEED for row in rows):
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
    plain = isinstance(item, h5py.Dataset) and not (item.chunks or item.external or item.is_virtual)
    if not plain or item.dtype.kind not in "fu" or item.dtype.itemsize > 8:
        raise RunError("its weights are stored as no run stores them")
    return int(item.size)
