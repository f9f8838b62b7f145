"""``epoch-maps.npz``: the map of pictures epoch by epoch, of the states that a run has kept; read with distrust."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dhc.files import write
from dhc.files.archive import DamagedError
from dhc.files.arrays import ArrayArchive
from dhc.runs import rundir
from dhc.runs.features import Features, headers_of, is_current, read_archive
from dhc.runs.picture_map import FARTHEST, METHODS

MOST_EPOCHS = 8  # of which maps are made
MOST_PICTURES = 2_000  # on each of them
KINDS = {
    "epochs": "u",
    "rows": "u",
    "pca": "f",
    "tsne": "f",
    "shares": "f",
    "predicted": "u",
    "confidence": "f",
    "perplexity": "f",
    "best_epoch": "u",
    "stamp": "U",
}


@dataclass(frozen=True, eq=False)
class EpochMaps:
    """Places of M pictures after each of E epochs, and what the network said of them then.

    epochs      (E,) int64, from 1, rising
    rows        (M,) int64, rising: the pictures' rows on the map of the best network, val's first
    places      by method ("tsne", "pca") (E, M, 2) float32
    shares      (E, 2) float32: of each epoch's spread, what the axes of PCA show
    predicted   (E, M) int64, class indices; confidence: (E, M) float32, the probability of that class
    perplexity  of t-SNE
    best_epoch  of the network whose map stands beside them, from 1; stamp: of its file
    """

    epochs: np.ndarray
    rows: np.ndarray
    places: dict[str, np.ndarray]
    shares: np.ndarray
    predicted: np.ndarray
    confidence: np.ndarray
    perplexity: float
    best_epoch: int
    stamp: str


def write_epoch_maps(folder: Path, maps: EpochMaps) -> None:
    """Write ``epoch-maps.npz``, in the place of the one before. Raises OSError."""
    values: dict[str, Any] = {
        "epochs": maps.epochs.astype(np.uint32),
        "rows": maps.rows.astype(np.uint32),
        **{method: maps.places[method].astype(np.float32) for method in METHODS},
        "shares": maps.shares.astype(np.float32),
        "predicted": maps.predicted.astype(np.uint16),
        "confidence": maps.confidence.astype(np.float16),
        "perplexity": np.float32(maps.perplexity),
        "best_epoch": np.uint32(maps.best_epoch),
        "stamp": np.array(maps.stamp, np.str_),
    }
    write.replace(folder / rundir.EPOCH_MAPS, lambda file: np.savez(file, **values))


def read_epoch_maps(folder: Path, features: Features) -> EpochMaps | None:
    """The maps beside that of the run's features; None where there are none, or those of other features. Raises RunError."""
    maps = read_archive(folder, rundir.EPOCH_MAPS, KINDS, _parse)
    if maps is None or maps.stamp != features.stamp or not is_current(folder, maps):
        return None
    pictures, classes = len(features.val) + len(features.train), features.train_probabilities.shape[1]
    return maps if maps.rows[-1] < pictures and maps.predicted.max() < classes else None


def _parse(archive: ArrayArchive) -> EpochMaps:
    headers = headers_of(archive, KINDS)
    shapes = {name: header.shape for name, header in headers.items()}
    count, pictures = (*shapes["epochs"], *shapes["rows"], 0, 0)[:2]
    fit = (
        (len(shapes["epochs"]), len(shapes["rows"])) == (1, 1)
        and 1 <= count <= MOST_EPOCHS
        and 1 <= pictures <= MOST_PICTURES
        and all(shapes[method] == (count, pictures, 2) for method in METHODS)
        and shapes["shares"] == (count, 2)
        and shapes["predicted"] == shapes["confidence"] == (count, pictures)
        and shapes["perplexity"] == shapes["best_epoch"] == shapes["stamp"] == ()
    )
    if not fit:
        raise DamagedError("has arrays that do not fit together")
    arrays = {name: archive.array(name) for name in KINDS}
    if not all(
        (np.abs(arrays[name].astype(np.float64)) < FARTHEST).all() for name, kind in KINDS.items() if kind == "f"
    ):
        raise DamagedError("has places that are no finite numbers, or too large")
    epochs, rows = arrays["epochs"].astype(np.int64), arrays["rows"].astype(np.int64)
    if epochs[0] < 1 or rows[0] < 0 or (np.diff(epochs) <= 0).any() or (np.diff(rows) <= 0).any():
        raise DamagedError("names epochs or pictures in no order")
    confidence = arrays["confidence"].astype(np.float32)
    if not ((confidence >= 0) & (confidence <= 1.001)).all() or arrays["best_epoch"] < 1:  # as float16 rounds it
        raise DamagedError("has answers that are no probabilities, or an epoch that it cannot have")
    return EpochMaps(
        epochs=epochs,
        rows=rows,
        places={method: arrays[method].astype(np.float32) for method in METHODS},
        shares=arrays["shares"].astype(np.float32),
        predicted=arrays["predicted"].astype(np.int64),
        confidence=confidence,
        perplexity=float(arrays["perplexity"]),
        best_epoch=int(arrays["best_epoch"]),
        stamp=str(arrays["stamp"]),
    )
