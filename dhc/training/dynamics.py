"""What the network says of each training picture while it trains: gathered on the device, written once an epoch. Imports Keras."""

from __future__ import annotations

import contextlib
from typing import Any

import keras
import numpy as np
from keras import ops

from dhc.config import RunConfig
from dhc.runs.dynamics import is_recorded, keep_epochs, pace, write_epoch
from dhc.runs.rundir import RunWriter
from dhc.text import one_line
from dhc.training.batches import order_of_epoch
from dhc.training.outcomes import is_memory

TINY = np.finfo(np.float32).tiny  # where a softmax in float32 ends


class Answers(keras.metrics.Metric):  # type: ignore[misc]
    """Gathers of each training picture of an epoch p of its class and of the likeliest other one, in the epoch's order.

    A metric, since those are handed what the training step itself computes, on every backend, compiled with it and within as many
    steps at once as the device does: no second pass, and nothing is waited for before the epoch's end. It feeds nothing back, so
    the weights are the same with and without it.

    The probabilities are the softmax's, in float32 whatever the precision of the layers before it. Each operation here is one more
    in every training step: what can wait is done once an epoch, by `p_and_margin`.
    """

    def __init__(self, pictures: int) -> None:
        super().__init__(name="followed", dtype="float32")
        self._values = self.add_variable((pictures, 2), "zeros", name="values")
        self._count = self.add_variable((), "zeros", dtype="int32", name="count")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add a batch: labels (B,), (B, 1) or, mixed, (B, 3) with the picture's own first; probabilities (B, K).

        Weights, of which the loss makes use, do not matter.
        """
        own_labels = y_true[:, 0] if len(y_true.shape) == 2 else y_true
        labels = ops.cast(ops.reshape(own_labels, (-1,)), "int32")
        probabilities = ops.cast(y_pred, "float32")
        is_own = ops.one_hot(labels, probabilities.shape[-1], dtype="float32")
        own = ops.sum(probabilities * is_own, axis=-1)
        other = ops.max(probabilities - is_own, axis=-1)  # in which that of the class itself is at most 0
        size = ops.shape(labels)[0]
        rows = self._count + ops.arange(size, dtype="int32")
        batch = ops.stack([own, other], axis=-1)
        self._values.assign(ops.scatter_update(self._values, ops.expand_dims(rows, -1), batch))
        self._count.assign(self._count + size)

    def result(self) -> Any:
        """How many pictures it has seen in this epoch."""
        return ops.cast(self._count, "float32")

    def reset_state(self) -> None:
        """An epoch begins: none of its pictures has been seen."""
        self._values.assign(ops.full(self._values.shape, float("nan"), dtype="float32"))
        self._count.assign(0)

    @property
    def pictures(self) -> int:
        """How many training pictures there are."""
        return int(self._values.shape[0])

    def values(self) -> np.ndarray:
        """(N, 2) float32: both probabilities, in the order of the epoch; NaN for what it has not seen yet."""
        values: np.ndarray = ops.convert_to_numpy(self._values)
        return values


class Recorder(keras.callbacks.Callback):  # type: ignore[misc]
    """Writes an epoch's answers into ``dynamics/``, in the order of the training pictures.

    Where the disk or the memory does not suffice, the epoch has no record: the training goes on, and the first time a note says so.
    """

    def __init__(self, writer: RunWriter, answers: Answers, seed: int) -> None:
        super().__init__()
        self._writer, self._answers, self._seed = writer, answers, seed
        self._is_first, self._has_failed, self._every = True, False, 1

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Before the first one of this process, drop what an earlier process has left of it and of those after it."""
        if not self._is_first:
            return
        self._is_first = False
        self._every = pace(self._answers.pictures, self.params["epochs"])
        keep_epochs(self._writer.folder, last=epoch, every=self._every)
        if self._every > 1:
            text = (
                f"what it says of each training picture is kept of every {self._every} epochs, so that it stays small"
            )
            self._writer.event("note", text=text)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Write, where the epoch is one to be kept."""
        if not is_recorded(epoch + 1, self._every):
            return
        try:
            write_epoch(self._writer.folder, epoch + 1, self._in_order(epoch))
        except Exception as error:
            if not (is_memory(error) or isinstance(error, OSError)):
                raise
            self._forgive(epoch + 1, "the memory does not suffice" if is_memory(error) else one_line(str(error), 200))

    def _in_order(self, epoch: int) -> np.ndarray:
        """(N, 2): p and margin, in the order of the pictures."""
        values = p_and_margin(self._answers.values())
        in_order = np.empty_like(values)
        in_order[order_of_epoch(len(values), self._seed, epoch)] = values
        return in_order

    def _forgive(self, epoch: int, reason: str) -> None:
        if not self._has_failed:
            with contextlib.suppress(OSError):  # the disk that has no room for the record may have none for the note
                text = f"what it said of the training pictures in epoch {epoch} could not be written: {reason}"
                self._writer.event("note", text=text)
        self._has_failed = True


def p_and_margin(probabilities: np.ndarray) -> np.ndarray:
    """(N, 2) float32 of those of the class and of the likeliest other one: the margin is that of their logits.

    A softmax's logits differ as its logarithms do; where it ends at 0, so do the margins, at ± 87.
    """
    logarithms = np.log(np.maximum(probabilities, TINY))
    return np.stack([probabilities[:, 0], logarithms[:, 0] - logarithms[:, 1]], axis=1)


def answers_of(config: RunConfig, pictures: int) -> Answers | None:
    """What gathers the answers of a run on so many training pictures; None where they are not wanted."""
    return Answers(pictures) if config.fit.watch_pictures else None
