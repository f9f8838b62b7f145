"""The records that a run is read into: its history (curves) and its predictions on val.

`runs.store` fills them from the files of a run folder; `analysis` and `figures` take nothing else. They hold DataFrames
and arrays, so they compare by identity, not by value.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
import pandas as pd

BATCH_COLUMNS: Mapping[str, str] = MappingProxyType(
    {
        "t": "float64",
        "epoch": "int64",
        "position": "float64",
        "loss": "float64",
        "accuracy": "float64",
        "pictures_per_second": "float64",
    }
)
EPOCH_COLUMNS: Mapping[str, str] = MappingProxyType(
    {
        "t": "float64",
        "epoch": "int64",
        "loss": "float64",
        "accuracy": "float64",
        "val_loss": "float64",
        "val_accuracy": "float64",
        "learning_rate": "float64",
        "seconds": "float64",
        "pictures_per_second": "float64",
        "best": "bool",
    }
)
GPU_COLUMNS: Mapping[str, str] = MappingProxyType(
    dict.fromkeys(("t", "memory_used", "memory", "utilization", "temperature"), "float64")
)
SEARCH_COLUMNS: Mapping[str, str] = MappingProxyType(
    {"t": "float64", "pass": "int64", "batch": "int64", "learning_rate": "float64", "loss": "float64"}
)
HEALTH_FIGURES = ("update_ratio", "gradient_norm", "dead_share", "mean", "std")  # by layer
HEALTH_COLUMNS: Mapping[str, str] = MappingProxyType(
    {"epoch": "int64", "layer": "int64", **dict.fromkeys(HEALTH_FIGURES, "float64")}
)
SOFTMAX_COLUMNS: Mapping[str, str] = MappingProxyType(
    {"epoch": "int64", "mean_largest": "float64", "share_certain": "float64"}
)
LR_COLUMNS: Mapping[str, str] = MappingProxyType({"epoch": "int64", "old": "float64", "new": "float64"})

CHANGEABLE = ("learning_rate", "factor", "patience")
CHANGE_COLUMNS: Mapping[str, str] = MappingProxyType(
    {"epoch": "int64"} | {f"{name}_{side}": "float64" for name in CHANGEABLE for side in ("old", "new")}
)


@dataclass(frozen=True, eq=False)
class History:
    """The events of a run so far, as tables in time order; any may be empty, figures may be NaN.

    batches     t (Unix seconds), epoch (1-based, the one that the batch belongs to), position (epochs seen so far: 2.37
                lies in epoch 3), loss and accuracy (0 to 1) on the training pictures, pictures_per_second.
    epochs      one row per finished epoch: t (when it ended), epoch (1-based), loss, accuracy, val_loss, val_accuracy,
                learning_rate (the one used *during* the epoch), seconds, pictures_per_second, best (val_accuracy above
                that of every epoch before).
    lr_changes  epoch (1-based, the first one that runs at the new rate), old, new.
    changes     what a person set while it trained: epoch (1-based, the first one that it holds for), learning_rate_old and _new,
                factor_old and _new, patience_old and _new; NaN for what was left as it was.
    search      of a search for a learning rate: t, pass and its batch (1-based), learning_rate, loss of that batch.
    health      of each layer after each epoch that was looked at: epoch, layer (place in `layers`); update_ratio, ‖Δw‖/‖w‖ of the
                epoch's last step, or a step's mean over its last few (`dhc.training.health`); gradient_norm, dead_share (0 to 1),
                mean and std of activations on a few training pictures.
    softmax     of the same epochs: mean_largest of the probabilities, share_certain of the pictures, those above 0.99.
    layers      the names of the layers: conv 1, norm 1, …
    gpu         of a GPU's training, every few seconds: t, memory_used and memory (MiB), utilization (percent), temperature (°C).
    """

    batches: pd.DataFrame
    epochs: pd.DataFrame
    lr_changes: pd.DataFrame
    gpu: pd.DataFrame = field(default_factory=lambda: empty_table(GPU_COLUMNS))
    search: pd.DataFrame = field(default_factory=lambda: empty_table(SEARCH_COLUMNS))
    changes: pd.DataFrame = field(default_factory=lambda: empty_table(CHANGE_COLUMNS))
    health: pd.DataFrame = field(default_factory=lambda: empty_table(HEALTH_COLUMNS))
    softmax: pd.DataFrame = field(default_factory=lambda: empty_table(SOFTMAX_COLUMNS))
    layers: tuple[str, ...] = ()

    @classmethod
    def empty(cls) -> History:
        """The history of a run that has written nothing yet: tables without rows."""
        return cls(empty_table(BATCH_COLUMNS), empty_table(EPOCH_COLUMNS), empty_table(LR_COLUMNS))

    @property
    def steps(self) -> dict[int, dict[str, tuple[float, float]]]:
        """What a person set, by the first epoch (from 1) that it holds for: by name, the value before and after."""
        return {
            int(row["epoch"]): {
                name: (row[f"{name}_old"], row[f"{name}_new"])
                for name in CHANGEABLE
                if np.isfinite([row[f"{name}_old"], row[f"{name}_new"]]).all()
            }
            for row in self.changes.to_dict("records")
        }

    @property
    def rate(self) -> float | None:
        """The learning rate as it stands: that of the last epoch, or of a drop or a change behind it; None before there is any."""
        known: list[tuple[int, float | None]] = [(0, None)]
        for table, column in (
            (self.epochs, "learning_rate"),
            (self.lr_changes, "new"),
            (self.changes, "learning_rate_new"),
        ):
            rows = table[np.isfinite(table[column].to_numpy(dtype=np.float64))]
            known += [(int(rows["epoch"].iloc[-1]), float(rows[column].iloc[-1]))] if len(rows) else []
        return max(known, key=lambda one: one[0])[1]

    @property
    def best_epoch(self) -> int | None:
        """The epoch of the highest val_accuracy, from 1, the earliest of equals; or None."""
        accuracy = self.epochs["val_accuracy"].to_numpy(dtype=np.float64)
        if not np.isfinite(accuracy).any():
            return None
        return int(self.epochs["epoch"].iloc[int(np.argmax(np.where(np.isfinite(accuracy), accuracy, -np.inf)))])


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a run's network said of the val pictures.

    ids            (N,) str, file names as in the data set's table
    y_true         (N,) int64, index into classes
    y_pred         (E, N) integers, the predicted class after each finished epoch; row 0 is epoch 1
    best_epoch     1-based, the epoch whose network was saved
    probabilities  (N, K) float32, that network's softmax; rows sum to 1
    classes        K names
    """

    ids: np.ndarray
    y_true: np.ndarray
    y_pred: np.ndarray
    best_epoch: int
    probabilities: np.ndarray
    classes: tuple[str, ...]

    @property
    def predicted(self) -> np.ndarray:
        """(N,) int64: the classes that the saved network predicts, `y_pred` at the best epoch."""
        return self.predicted_after(self.best_epoch)

    def predicted_after(self, epoch: int) -> np.ndarray:
        """(N,) int64: the classes predicted after an epoch, 1 to E."""
        row: np.ndarray = self.y_pred[epoch - 1].astype(np.int64)
        return row


def empty_table(columns: Mapping[str, str]) -> pd.DataFrame:
    """A DataFrame without rows whose columns carry the given names and dtypes, in that order."""
    return _made_once(tuple(columns.items())).copy()


@functools.cache
def _made_once(columns: tuple[tuple[str, str], ...]) -> pd.DataFrame:
    """Pandas takes a millisecond to make an empty table, and each run has five; a copy takes hardly any."""
    return pd.DataFrame({name: pd.Series(dtype=dtype) for name, dtype in columns})
