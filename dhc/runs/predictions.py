"""Reading ``predictions.npz`` with distrust: no pickles, no memory on the file's word."""

from __future__ import annotations

import math
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import IO

import numpy as np

from dhc.errors import RunError
from dhc.files.read import NotRegularError, open_regular
from dhc.runs import rundir
from dhc.runs.records import Predictions

MAX_PREDICTIONS = 1_000_000_000  # bytes of a predictions.npz, unpacked: 50,000 epochs of 10,000 pictures
PREDICTION_KINDS = {  # of dtypes, by array
    "ids": "U",
    "y_true": "ui",
    "y_pred": "ui",
    "best_epoch": "ui",
    "probabilities": "f",
    "classes": "U",
}


def read_predictions(folder: Path) -> Predictions:
    """What the run's network said of val. Raises RunError where there is nothing sound."""
    path = folder / rundir.PREDICTIONS
    try:
        with open_regular(path) as raw:
            _refuse_bomb(raw, path)
            with np.load(raw, allow_pickle=False) as file:
                predictions = _predictions({name: file[name] for name in PREDICTION_KINDS})
    except FileNotFoundError:
        if (folder / rundir.SUMMARY).exists():
            raise RunError(
                f"{path.name} of run {folder.name} is missing: its predictions cannot be shown any more"
            ) from None
        raise RunError("this run has not finished an epoch yet, so there are no predictions to show") from None
    except RunError:
        raise
    except NotRegularError as error:
        raise RunError(f"{error}, so it is none that run {folder.name} has written") from None
    except (OSError, ValueError, KeyError, TypeError, EOFError, MemoryError, zlib.error, zipfile.BadZipFile) as error:
        raise RunError(
            f"{path.name} of run {folder.name} cannot be read ({type(error).__name__}): it is damaged"
        ) from None
    _check(predictions, path)
    return predictions


def _refuse_bomb(raw: IO[bytes], path: Path) -> None:
    """Raise RunError for a huge archive, ValueError for an array that claims too much.

    To be called before anything is unpacked, since numpy first takes the memory that is claimed.
    """
    with zipfile.ZipFile(raw) as archive:
        size = sum(member.file_size for member in archive.infolist())
        if size > MAX_PREDICTIONS:
            raise RunError(f"{path.name} of run {path.parent.name} is too large to be its predictions: {size:,} bytes")
        for name in PREDICTION_KINDS:
            with archive.open(f"{name}.npy") as file:
                if _claimed_bytes(file) > archive.getinfo(f"{name}.npy").file_size:
                    raise ValueError(f"{name} claims more than it holds")
    raw.seek(0)


def _claimed_bytes(file: IO[bytes]) -> int:
    """Bytes of the array that a .npy file's header speaks of."""
    header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    shape, _, dtype = header[np.lib.format.read_magic(file)](file)
    return math.prod(shape) * dtype.itemsize


def _predictions(arrays: Mapping[str, np.ndarray]) -> Predictions:
    for name, kinds in PREDICTION_KINDS.items():
        if arrays[name].dtype.kind not in kinds:
            raise TypeError(f"{name} has the dtype {arrays[name].dtype}")
    return Predictions(
        ids=arrays["ids"],
        y_true=arrays["y_true"].astype(np.int64),
        y_pred=arrays["y_pred"].astype(np.int64),
        best_epoch=int(arrays["best_epoch"]),
        probabilities=arrays["probabilities"].astype(np.float32),
        classes=tuple(arrays["classes"].tolist()),
    )


def _check(predictions: Predictions, path: Path) -> None:
    y_true, y_pred, probabilities = predictions.y_true, predictions.y_pred, predictions.probabilities
    n, k = len(predictions.ids), len(predictions.classes)
    shapes_fit = (
        predictions.ids.ndim == 1
        and y_true.shape == (n,)
        and y_pred.ndim == 2
        and y_pred.shape[1] == n
        and probabilities.shape == (n, k)
        and 1 <= predictions.best_epoch <= len(y_pred)
        and n > 0
    )
    sound = (
        shapes_fit
        and min(y_true.min(), y_pred.min()) >= 0
        and max(y_true.max(), y_pred.max()) < k
        and probabilities.min() >= 0
        and probabilities.max() <= 1.001  # so not NaN, either
    )
    if not sound:
        raise RunError(f"{path.name} of run {path.parent.name} does not fit together: it is damaged or was edited")
