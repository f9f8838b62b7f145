"""``features.npz``: what a run's best network makes of its pictures, before its last layer; read with distrust.

The values of every val picture, in the order of ``predictions.npz``, and of a sample of the training pictures. Another network
makes other values, so the file bears a stamp of the network that it was made with.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np

from dhc.errors import RunError
from dhc.files import write
from dhc.files.archive import DamagedError
from dhc.files.arrays import ArrayArchive, Header
from dhc.files.read import NotRegularError, open_regular, reason, tail
from dhc.runs import rundir
from dhc.runs.predictions import is_distribution, read_predictions

T = TypeVar("T")
MOST_TRAINING = 5_000  # pictures of the sample
MAX_BYTES = 500_000_000  # 50,000 val pictures of the report's largest network take 450 MB
HEADERS = 10_000  # bytes that the archive has besides its values
LARGEST = float(np.finfo(np.float16).max)
STAMP = 32  # hex digits
DIRECTORY = 65_536  # bytes at a network file's end in which its parts' checksums stand
KINDS = {  # of dtypes, by array
    "val": "f",
    "train": "f",
    "train_rows": "u",
    "train_true": "u",
    "train_probabilities": "f",
    "best_epoch": "u",
    "stamp": "U",
}
REMEDY = "`python -m dhc features` writes it anew"


@dataclass(frozen=True, eq=False)
class Features:
    """The values before the last layer of a run's best network, F for a picture.

    val                  (N, F) float32, in the order of the run's predictions
    train                (n, F) float32, of the training sample
    train_rows           (n,) int64, rising: the sample's places among the run's training pictures
    train_true           (n,) int64, their classes
    train_probabilities  (n, K) float32, the network's answers for them
    best_epoch           of the network, from 1
    stamp                of the network's file
    """

    val: np.ndarray
    train: np.ndarray
    train_rows: np.ndarray
    train_true: np.ndarray
    train_probabilities: np.ndarray
    best_epoch: int
    stamp: str


def network_stamp(folder: Path) -> str:
    """What tells the run's best network from another, and stays when its folder is copied; "" where it has none.

    Of the file's size and its end, where a .keras archive has the checksums of its parts.
    """
    path = folder / rundir.BEST
    try:
        size, end = path.stat().st_size, tail(path, DIRECTORY)
    except OSError:
        return ""
    return hashlib.blake2b(b"%d " % size + end, digest_size=STAMP // 2).hexdigest()


def write_features(folder: Path, features: Features) -> None:
    """Write ``features.npz``, in the place of the one before; values beyond those of float16 are cut. Raises OSError."""
    values: dict[str, Any] = {
        "val": _half(features.val),
        "train": _half(features.train),
        "train_rows": features.train_rows.astype(np.uint32),
        "train_true": features.train_true.astype(np.uint16),
        "train_probabilities": features.train_probabilities.astype(np.float16),
        "best_epoch": np.uint32(features.best_epoch),
        "stamp": np.array(features.stamp, np.str_),
    }
    write.replace(folder / rundir.FEATURES, lambda file: np.savez(file, **values))


def read_features(folder: Path) -> Features | None:
    """The features of the run's best network; None where there are none, or those of an earlier network or of other pictures.

    Raises RunError where the file cannot be one of ours, or the run has no predictions.
    """
    features = read_any_features(folder)
    if features is None or not is_current(folder, features):
        return None
    pictures, classes = read_predictions(folder).probabilities.shape
    fit = (len(features.val), features.train_probabilities.shape[1]) == (pictures, classes)
    return features if fit else None


def read_any_features(folder: Path) -> Features | None:
    """The features that the run's folder has, of whichever of its networks. Raises RunError."""
    return read_archive(folder, rundir.FEATURES, KINDS, _parse)


def read_archive(folder: Path, name: str, kinds: Mapping[str, str], parse: Callable[[ArrayArchive], T]) -> T | None:
    """What `parse` makes of the arrays `kinds` in a run's file of that name; None without one. Raises RunError."""
    try:
        with open_regular(folder / name) as file:
            limit = min(MAX_BYTES, os.fstat(file.fileno()).st_size + HEADERS)  # ours are not packed
            with ArrayArchive(file, members=len(kinds), size=limit) as archive:
                return parse(archive)
    except FileNotFoundError:
        return None
    except NotRegularError as error:
        raise RunError(f"{error}, so it is none that run {folder.name} has written: remove it") from None
    except DamagedError as error:
        raise RunError(
            f"{name} of run {folder.name} cannot be read, because it is damaged or was edited (it {error}): {REMEDY}"
        ) from None
    except OSError as error:
        raise RunError(f"{name} of run {folder.name} cannot be read: {reason(error)}") from None


class OfNetwork(Protocol):
    """What was made with a network."""

    @property
    def stamp(self) -> str:
        """Of the network's file."""

    @property
    def best_epoch(self) -> int:
        """The network's, from 1."""


def is_current(folder: Path, made: OfNetwork) -> bool:
    """Whether something is of the run's best network; where that was given up, of its epoch."""
    stamp = network_stamp(folder)
    return stamp == made.stamp if stamp else read_predictions(folder).best_epoch == made.best_epoch


def _half(values: np.ndarray) -> np.ndarray:
    return np.asarray(np.clip(values, -LARGEST, LARGEST), np.float16)


def _parse(archive: ArrayArchive) -> Features:
    """Raises DamagedError where a header is none of ours, before memory is taken, or a value cannot be true."""
    _check_shapes(headers_of(archive, KINDS))
    arrays = {name: archive.array(name) for name in KINDS}
    features = Features(
        val=arrays["val"].astype(np.float32),
        train=arrays["train"].astype(np.float32),
        train_rows=arrays["train_rows"].astype(np.int64),
        train_true=arrays["train_true"].astype(np.int64),
        train_probabilities=arrays["train_probabilities"].astype(np.float32),
        best_epoch=int(arrays["best_epoch"]),
        stamp=str(arrays["stamp"]),
    )
    _check_values(features)
    return features


def headers_of(archive: ArrayArchive, kinds: Mapping[str, str]) -> dict[str, Header]:
    """The headers of the arrays, by name. Raises DamagedError where one's dtype is not of the kind that `kinds` gives it, or is too long."""
    headers = {name: archive.header(name) for name in kinds}
    for name, kind in kinds.items():
        if headers[name].dtype.kind != kind or headers[name].dtype.itemsize > 4 * STAMP:
            raise DamagedError(f"has the dtype {headers[name].dtype} for {name}")
    return headers


def _check_shapes(headers: Mapping[str, Header]) -> None:
    shapes = {name: header.shape for name, header in headers.items()}
    val, train, rows, answers = (shapes[name] for name in ("val", "train", "train_rows", "train_probabilities"))
    fit = (
        (len(val), len(train), len(rows), len(answers)) == (2, 2, 1, 2)
        and min(val + train + answers) > 0
        and val[1] == train[1]
        and rows == shapes["train_true"] == train[:1] == answers[:1]
        and shapes["best_epoch"] == shapes["stamp"] == ()
    )
    if not fit or train[0] > MOST_TRAINING:
        raise DamagedError("has arrays that do not fit together")


def _check_values(features: Features) -> None:
    if not (np.isfinite(features.val).all() and np.isfinite(features.train).all()):
        raise DamagedError("has values that are no finite numbers")
    if features.train_rows[0] < 0 or (np.diff(features.train_rows) <= 0).any():
        raise DamagedError("has training pictures in no order")
    if not is_distribution(features.train_probabilities):
        raise DamagedError("has answers that are no probabilities")
    if features.train_true.max() >= features.train_probabilities.shape[1] or features.best_epoch < 1:
        raise DamagedError("names classes or an epoch that it does not have")
