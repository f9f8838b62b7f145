"""``health.npz``: histograms of each layer's weights and activations, of some epochs; read with distrust."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dhc.errors import RunError
from dhc.files import write
from dhc.files.archive import DamagedError
from dhc.files.arrays import ArrayArchive
from dhc.files.read import NotRegularError, open_regular, reason
from dhc.runs import rundir
from dhc.runs.lenient import MAX_EPOCH

BINS = 32
MOST_EPOCHS = 64  # that are kept
MOST_LAYERS, MOST_LETTERS = 256, 32
MAX_BYTES = 2 * MOST_EPOCHS * MOST_LAYERS * (BINS + 2) * 4 + MOST_LAYERS * MOST_LETTERS * 4 + 100_000
KINDS = ("weights", "activations")


@dataclass(frozen=True, eq=False)
class Histograms:
    """Histograms by epoch and layer, each of BINS bins of equal width.

    layers   L names; epochs: E epochs, 1-based and rising
    counts   by kind ("weights", "activations") (E, L, BINS) uint32: a sample's values in each bin
    ranges   by kind (E, L, 2) float32: where the first bin begins and the last one ends
    """

    layers: tuple[str, ...]
    epochs: tuple[int, ...]
    counts: Mapping[str, np.ndarray]
    ranges: Mapping[str, np.ndarray]

    def nearest(self, epoch: int) -> int:
        """The place of the epoch that is nearest to the one given, the earlier of two."""
        return min(range(len(self.epochs)), key=lambda place: abs(self.epochs[place] - epoch))

    def up_to(self, epoch: int) -> Histograms:
        """Those of the epochs up to this one."""
        return self.at([place for place, own in enumerate(self.epochs) if own <= epoch])

    def at(self, places: Sequence[int]) -> Histograms:
        """Those of the epochs at some places."""
        rows = np.array(places, np.int64)
        return Histograms(
            self.layers,
            tuple(self.epochs[place] for place in places),
            {kind: values[rows] for kind, values in self.counts.items()},
            {kind: values[rows] for kind, values in self.ranges.items()},
        )

    def joined(self, other: Histograms) -> Histograms:
        """These, and behind them another's of the same layers."""
        return Histograms(
            self.layers,
            (*self.epochs, *other.epochs),
            {kind: np.concatenate([values, other.counts[kind]]) for kind, values in self.counts.items()},
            {kind: np.concatenate([values, other.ranges[kind]]) for kind, values in self.ranges.items()},
        )

    def thinned(self, keep: Collection[int]) -> Histograms:
        """At most MOST_EPOCHS of them: the first, the last and those of the epochs `keep` stay, the rest evenly."""
        places = list(range(len(self.epochs)))
        while len(places) > MOST_EPOCHS:
            inner = [i for i in range(1, len(places) - 1) if self.epochs[places[i]] not in keep]
            gaps = {i: self.epochs[places[i + 1]] - self.epochs[places[i - 1]] for i in inner}
            del places[min(gaps, key=lambda i: (gaps[i], i))]
        return self if len(places) == len(self.epochs) else self.at(places)


def histograms(layers: Sequence[str], epoch: int, samples: Mapping[str, Sequence[np.ndarray]]) -> Histograms:
    """Those of one epoch, of L samples for each kind; values that are not finite are left out."""
    counts, ranges = {}, {}
    for kind in KINDS:
        pairs = [_histogram(sample) for sample in samples[kind]]
        counts[kind] = np.stack([pair[0] for pair in pairs])[None]
        ranges[kind] = np.array([pair[1] for pair in pairs], np.float32)[None]
    return Histograms(tuple(layers), (epoch,), counts, ranges)


def write_histograms(folder: Path, histograms: Histograms) -> None:
    """Write ``health.npz``, in the place of the one before. Raises OSError."""
    values = {"layers": np.array(histograms.layers, np.str_), "epochs": np.array(histograms.epochs, np.uint32)}
    for kind in KINDS:
        values |= {kind: histograms.counts[kind], f"{kind}_range": histograms.ranges[kind]}
    write.replace(folder / rundir.HEALTH, lambda file: np.savez(file, **values))  # type: ignore[arg-type]


def read_histograms(folder: Path) -> Histograms:
    """A run's histograms. Raises RunError where there are none, or none that can be true."""
    name = f"{rundir.HEALTH} of run {folder.name}"
    try:
        with (
            open_regular(folder / rundir.HEALTH) as file,
            ArrayArchive(file, members=2 + 2 * len(KINDS), size=MAX_BYTES) as archive,
        ):
            return _parse(archive)
    except FileNotFoundError:
        raise RunError(
            "this run has no histograms: it was trained without looks at its layers, or has not had one yet"
        ) from None
    except NotRegularError as error:
        raise RunError(f"{error}, so it is none that run {folder.name} has written") from None
    except DamagedError as error:
        raise RunError(
            f"{name} cannot be read, because it is damaged or was edited (it {error}): "
            "the figures by layer stay, and a copy of the run would write it anew"
        ) from None
    except OSError as error:
        raise RunError(f"{name} cannot be read: {reason(error)}") from None


def _histogram(sample: np.ndarray) -> tuple[np.ndarray, tuple[float, float]]:
    values = sample[np.isfinite(sample)]
    if not len(values):
        return np.zeros(BINS, np.uint32), (0.0, 0.0)
    low, high = float(values.min()), float(values.max())
    places = (values.astype(np.float64) - low) * (BINS / (high - low)) if high > low else np.zeros(len(values))
    counts = np.bincount(np.minimum(places.astype(np.int64), BINS - 1), minlength=BINS)
    return counts.astype(np.uint32), (low, high)


def _parse(archive: ArrayArchive) -> Histograms:
    """Raises DamagedError where a header is none of ours, before memory is taken, or a value cannot be true."""
    names = ["layers", "epochs", *KINDS, *(f"{kind}_range" for kind in KINDS)]
    headers = {name: archive.header(name) for name in names}
    layers, epochs = headers["layers"].shape, headers["epochs"].shape
    kinds = {name: header.dtype.kind for name, header in headers.items()}
    expected = {name: "f" if name.endswith("_range") else "u" for name in names} | {"layers": "U"}
    if kinds != expected or len(layers) != 1 or len(epochs) != 1:
        raise DamagedError("has arrays that are none of ours")
    if not (1 <= layers[0] <= MOST_LAYERS and 1 <= epochs[0] <= MOST_EPOCHS):
        raise DamagedError("has more layers or epochs than any of ours")
    shapes = dict.fromkeys(KINDS, (*epochs, *layers, BINS))
    shapes |= {f"{kind}_range": (*epochs, *layers, 2) for kind in KINDS}
    if any(headers[name].shape != shape for name, shape in shapes.items()):
        raise DamagedError("has arrays that do not fit together")
    arrays = {name: archive.array(name) for name in names}
    numbers = [int(epoch) for epoch in arrays["epochs"]]
    if numbers != sorted(set(numbers)) or not 1 <= numbers[0] <= numbers[-1] <= MAX_EPOCH:
        raise DamagedError("names epochs that do not rise from 1")
    ranges = {kind: arrays[f"{kind}_range"].astype(np.float32) for kind in KINDS}
    if any(not np.isfinite(r).all() or (r[..., 0] > r[..., 1]).any() for r in ranges.values()):
        raise DamagedError("has bins that begin behind their end")
    names_of_layers = tuple(name[:MOST_LETTERS] for name in arrays["layers"].tolist())
    return Histograms(names_of_layers, tuple(numbers), {kind: arrays[kind].astype(np.uint32) for kind in KINDS}, ranges)
