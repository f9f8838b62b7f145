"""``predictions.npz``: written whole, and read with distrust: no pickles, no memory on the file's word."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from dhc.errors import RunError
from dhc.files import write
from dhc.files.archive import DamagedError
from dhc.files.arrays import ArrayArchive, Header
from dhc.files.read import NotRegularError, open_regular, reason
from dhc.runs import rundir
from dhc.runs.config_file import read_config
from dhc.runs.records import Predictions

MAX_BYTES = 1_000_000_000  # unpacked: 50,000 epochs of 10,000 pictures
MAX_PACKED_GAIN = 100_000_000  # bytes that packing may have saved; a run of ours writes its arrays unpacked
PREDICTION_KINDS = {  # of dtypes, by array
    "ids": "U",
    "y_true": "ui",
    "y_pred": "ui",
    "best_epoch": "ui",
    "probabilities": "f",
    "classes": "U",
}
ROUNDING = 0.01  # by which a picture's probabilities may miss 1
REMEDY = "its curves stay, and a copy of the run would write it anew"


def read_predictions(folder: Path) -> Predictions:
    """What the run's network said of val. Raises RunError where there is nothing sound."""
    path = folder / rundir.PREDICTIONS
    try:
        with open_regular(path) as file:
            return parse_predictions(file, _most_epochs(folder))
    except FileNotFoundError:
        if (folder / rundir.SUMMARY).exists():
            raise RunError(
                f"{path.name} of run {folder.name} is missing: its predictions cannot be shown any more"
            ) from None
        raise RunError("this run has not finished an epoch yet, so there are no predictions to show") from None
    except NotRegularError as error:
        raise RunError(f"{error}, so it is none that run {folder.name} has written") from None
    except DamagedError as error:
        raise RunError(
            f"{path.name} of run {folder.name} cannot be read, because it is damaged or was edited (it {error}): {REMEDY}"
        ) from None
    except OSError as error:
        raise RunError(f"{path.name} of run {folder.name} cannot be read: {reason(error)}") from None


def parse_predictions(file: IO[bytes], epochs: int) -> Predictions:
    """The predictions in an open file, of at most so many epochs. Raises DamagedError, OSError."""
    limit = min(MAX_BYTES, os.fstat(file.fileno()).st_size + MAX_PACKED_GAIN)
    with ArrayArchive(file, members=len(PREDICTION_KINDS), size=limit) as archive:
        _check_headers({name: archive.header(name) for name in PREDICTION_KINDS}, epochs)
        arrays = {name: archive.array(name) for name in PREDICTION_KINDS}
    _check_values(arrays)
    return Predictions(
        ids=arrays["ids"],
        y_true=arrays["y_true"].astype(np.int64),
        y_pred=arrays["y_pred"],
        best_epoch=int(arrays["best_epoch"]),
        probabilities=arrays["probabilities"].astype(np.float32),
        classes=tuple(arrays["classes"].tolist()),
    )


def save_predictions(
    folder: Path,
    *,
    ids: np.ndarray,
    y_true: np.ndarray,
    y_pred: Sequence[np.ndarray],
    best_epoch: int,
    probabilities: np.ndarray,
    classes: Sequence[str],
) -> None:
    """Write ``predictions.npz`` atomically.

    ids (N,) str, y_true (N,), one (N,) y_pred for each epoch, the best epoch's probabilities (N, K); `best_epoch` from 1.
    """
    values: dict[str, Any] = {
        "ids": ids,
        "y_true": y_true.astype(np.uint16),
        "classes": np.array(classes, dtype=np.str_),
        "y_pred": np.stack([row.astype(np.uint16) for row in y_pred]),
        "best_epoch": np.int64(best_epoch),
        "probabilities": probabilities,
    }
    write.replace(folder / rundir.PREDICTIONS, lambda file: np.savez(file, **values))


def _most_epochs(folder: Path) -> int:
    """How many epochs the run's settings allow; any number where they cannot be read."""
    config, _ = read_config(folder)
    return MAX_BYTES if config is None else config.fit.epochs


def _check_headers(headers: Mapping[str, Header], epochs: int) -> None:
    """Raise DamagedError unless the dtypes are ours and the shapes fit together."""
    for name, kinds in PREDICTION_KINDS.items():
        if headers[name].dtype.kind not in kinds:
            raise DamagedError(f"has the dtype {headers[name].dtype} for {name}")
    shapes = {name: header.shape for name, header in headers.items()}
    pictures, classes = shapes["ids"], shapes["classes"]
    fit = (
        (len(pictures), len(classes)) == (1, 1)
        and min(pictures + classes) > 0
        and shapes["y_true"] == pictures
        and shapes["y_pred"][1:] == pictures
        and shapes["probabilities"] == pictures + classes
        and shapes["best_epoch"] == ()
    )
    if not fit:
        raise DamagedError("has arrays that do not fit together")
    if not 1 <= shapes["y_pred"][0] <= epochs:
        raise DamagedError(f"tells of {shapes['y_pred'][0]:,} epochs, but the run has at most {epochs:,}")


def _check_values(arrays: Mapping[str, np.ndarray]) -> None:
    """Raise DamagedError unless each label is a class's and each picture's probabilities are that."""
    labels, probabilities = (arrays["y_true"], arrays["y_pred"]), arrays["probabilities"]
    if min(a.min() for a in labels) < 0 or max(a.max() for a in labels) >= len(arrays["classes"]):
        raise DamagedError("names classes that it does not have")
    if not 1 <= arrays["best_epoch"] <= len(arrays["y_pred"]):
        raise DamagedError("names a best epoch that it does not have")
    if not is_distribution(probabilities):
        raise DamagedError("has answers that are no probabilities")
    if len(set(arrays["classes"].tolist())) < len(arrays["classes"]):
        raise DamagedError("has two classes of one name")


def is_distribution(probabilities: np.ndarray) -> bool:
    """Whether each row of (N, K) floats is one of probabilities: 0 to 1, and 1 in sum; NaN is none."""
    if not (probabilities.min() >= 0 and probabilities.max() <= 1 + ROUNDING):  # before any sum: infinities have none
        return False
    return bool(np.abs(probabilities.sum(axis=1, dtype=np.float32) - 1).max() <= ROUNDING)
