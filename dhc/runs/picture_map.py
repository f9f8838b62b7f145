"""``map.npz``: where each picture that has features lies on the map of pictures; read with distrust."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dhc.files import write
from dhc.files.archive import DamagedError
from dhc.files.arrays import ArrayArchive
from dhc.runs import rundir
from dhc.runs.features import Features, headers_of, is_current, read_archive

KINDS = {"pca": "f", "tsne": "f", "shares": "f", "perplexity": "f", "val": "u", "best_epoch": "u", "stamp": "U"}
METHODS = ("tsne", "pca")
FARTHEST = 1e9  # from the middle that a place may be; of ours none is beyond some hundreds


@dataclass(frozen=True, eq=False)
class PictureMap:
    """Places of the val pictures, then of the training sample, in the order of the features that they are made of.

    places      by method ("tsne", "pca") (N + n, 2) float32
    shares      (2,) float32: of the features' spread, what each axis of PCA shows
    perplexity  of t-SNE
    val         N, how many of the rows are val's
    best_epoch  of the network, from 1; stamp: of its file
    """

    places: Mapping[str, np.ndarray]
    shares: np.ndarray
    perplexity: float
    val: int
    best_epoch: int
    stamp: str


def write_map(folder: Path, picture_map: PictureMap) -> None:
    """Write ``map.npz``, in the place of the one before. Raises OSError."""
    values: dict[str, Any] = {
        **{method: picture_map.places[method].astype(np.float32) for method in METHODS},
        "shares": picture_map.shares.astype(np.float32),
        "perplexity": np.float32(picture_map.perplexity),
        "val": np.uint32(picture_map.val),
        "best_epoch": np.uint32(picture_map.best_epoch),
        "stamp": np.array(picture_map.stamp, np.str_),
    }
    write.replace(folder / rundir.MAP, lambda file: np.savez(file, **values))


def read_map(folder: Path, features: Features) -> PictureMap | None:
    """The map of the run's features; None where there is none, or one of other features. Raises RunError."""
    picture_map = read_archive(folder, rundir.MAP, KINDS, _parse)
    if picture_map is None or picture_map.stamp != features.stamp or not is_current(folder, picture_map):
        return None
    counts = (picture_map.val, len(picture_map.places["pca"]))
    return picture_map if counts == (len(features.val), len(features.val) + len(features.train)) else None


def _parse(archive: ArrayArchive) -> PictureMap:
    headers = headers_of(archive, KINDS)
    shape = headers["pca"].shape
    single = {headers[name].shape for name in ("perplexity", "val", "best_epoch", "stamp")}
    if (
        len(shape) != 2
        or shape[1] != 2
        or headers["tsne"].shape != shape
        or headers["shares"].shape != (2,)
        or single != {()}
    ):
        raise DamagedError("has arrays that do not fit together")
    arrays = {name: archive.array(name) for name in KINDS}
    if not all((np.abs(arrays[name]) < FARTHEST).all() for name, kind in KINDS.items() if kind == "f"):
        raise DamagedError("has places that are no finite numbers, or too large")
    if not (1 <= int(arrays["val"]) <= shape[0] and arrays["best_epoch"] >= 1):
        raise DamagedError("names pictures or an epoch that it does not have")
    return PictureMap(
        places={method: arrays[method].astype(np.float32) for method in METHODS},
        shares=arrays["shares"].astype(np.float32),
        perplexity=float(arrays["perplexity"]),
        val=int(arrays["val"]),
        best_epoch=int(arrays["best_epoch"]),
        stamp=str(arrays["stamp"]),
    )
