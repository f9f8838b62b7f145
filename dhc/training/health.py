"""How a network's layers fare, epoch by epoch: written as events, and as histograms in ``health.npz``. Imports Keras."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from dhc.errors import RunError
from dhc.runs.histograms import Histograms, histograms, read_histograms, write_histograms
from dhc.runs.rundir import RunWriter
from dhc.text import one_line
from dhc.training.outcomes import is_memory
from dhc.training.probe import Look, Probe
from dhc.training.validation import KeepBest

PICTURES, FEW = 64, 32  # looked at, and those of them that gradients are taken on
SHARE = 0.01  # of an epoch that a look may take
MOST_LOOKS = 500  # in a whole training, about: more columns than that no screen can show
STREAM = 0x6EA1  # tells the probe's draw from the others of a seed


class Health(keras.callbacks.Callback):  # type: ignore[misc]
    """Looks at the layers after an epoch: the first two, the last one, and in between so often that it costs SHARE.

    Changes nothing of the training: its pictures are drawn by a generator of its own, and `Probe` only reads weights. The ratio of
    update to weights is ‖w after − w before‖ / ‖w before‖ of the weights that a layer's input is multiplied with, over the epoch's
    last step: only for that one are they copied. Where the device does several steps at once it is their mean, so rather too small.
    """

    def __init__(
        self, writer: RunWriter, x: np.ndarray, y: np.ndarray, seed: int, batch_size: int, best: KeepBest
    ) -> None:
        super().__init__()
        self._writer, self._best = writer, best
        self._x, self._y, self._rows = x, y, probe_rows(y, PICTURES, seed)
        self._batches = -(-len(y) // batch_size)
        self._probe: Probe | None = None
        self._histograms: Histograms | None = None
        self._pace = LookPace()
        self._before: list[Any] = []
        self._changes: list[Any] = []
        self._steps = 1

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Whether this epoch is looked at."""
        self._before, self._changes = [], []
        self._pace.begin(epoch + 1, self.params["epochs"])

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Copy the weights before the epoch's last step."""
        if self._pace.is_due and not self._before and batch + self.model.steps_per_execution >= self._batches:
            with self._pace.spending(), self._forgiven():
                self._steps = self._batches - batch
                self._before = [ops.copy(kernel) for kernel in self._looking().kernels()]

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Compare them with what the step has made of them; let the copies go."""
        if self._before:
            with self._pace.spending(), self._forgiven():
                pairs = zip(self._before, self._looking().kernels(), strict=True)
                self._changes = [(_norm(new - old), _norm(old)) for old, new in pairs]
            self._before = []

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        """Look, and write down what there is to see."""
        if not self._pace.is_due:
            return
        with self._pace.spending(), self._forgiven():
            probe = self._looking()
            look = probe.look()
            self._write_event(epoch + 1, probe, look)
            self._write_histograms(epoch + 1, probe, look)
        self._pace.end(logs["seconds"])

    def state(self) -> dict[str, Any]:
        """Nothing: the histograms are in a file of their own."""
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up the histograms of earlier epochs as far as the state's ``epoch``."""
        try:
            earlier = read_histograms(self._writer.folder).up_to(int(state["epoch"]))
        except RunError:
            return
        self._histograms = earlier if earlier.epochs else None

    def _looking(self) -> Probe:
        model = self.model  # on JAX, asking for it brings the variables up to date
        if self._probe is None:
            self._probe = Probe(model, self._x[self._rows], self._y[self._rows], FEW)
        return self._probe

    @contextlib.contextmanager
    def _forgiven(self) -> Iterator[None]:
        """A look that finds no memory or no disk must not end the training: there are no more of them, and a note says so."""
        try:
            yield
        except Exception as error:
            if not (is_memory(error) or isinstance(error, OSError)):
                raise
            self._pace.stop()
            self._before, self._changes = [], []
            reason = "the memory does not suffice" if is_memory(error) else one_line(str(error), 200)
            self._writer.event("note", text=f"the layers are not looked at any more: {reason}")

    def _write_event(self, epoch: int, probe: Probe, look: Look) -> None:
        figures: dict[str, Sequence[float] | np.ndarray] = {
            "update_ratio": self._update_ratios(probe.learns()),
            "gradient_norm": look.gradient_norm,
            "dead_share": look.dead_share,
            "mean": look.mean,
            "std": look.std,
        }
        self._writer.event(
            "health",
            epoch=epoch,
            **({} if self._pace.looks else {"layers": probe.names}),
            **{name: [_short(value) for value in values] for name, values in figures.items()},
            mean_largest=_short(look.mean_largest),
            share_certain=_short(look.share_certain),
        )

    def _update_ratios(self, learns: Sequence[bool]) -> list[float]:
        """NaN for weights that are 0, and for those that training never changes."""
        if not self._changes:
            return [math.nan] * len(learns)
        pairs = [[float(ops.convert_to_numpy(norm)) for norm in pair] for pair in self._changes]
        return [
            change / size / self._steps if size > 0 and is_learning else math.nan
            for (change, size), is_learning in zip(pairs, learns, strict=True)
        ]

    def _write_histograms(self, epoch: int, probe: Probe, look: Look) -> None:
        ours = histograms(probe.names, epoch, {"weights": look.weights, "activations": look.activations})
        if self._histograms is not None and self._histograms.layers == ours.layers:
            ours = self._histograms.joined(ours)
        self._histograms = ours.thinned({self._best.best_epoch})
        write_histograms(self._writer.folder, self._histograms)


class LookPace:
    """Which epochs are looked at: the first two, the last one, and in between so many that looks take SHARE of the time."""

    def __init__(self) -> None:
        self.looks = 0  # so far, in this process
        self.is_due = False
        self._every, self._last, self._spent = 1, 0, 0.0
        self._stopped = False

    def begin(self, epoch: int, epochs: int) -> None:
        """An epoch begins, counted from 1, of so many."""
        self._epoch, self._spent = epoch, 0.0
        every = max(self._every, -(-epochs // MOST_LOOKS))
        is_due = not self.looks or epoch == epochs or epoch - self._last >= every
        self.is_due = is_due and not self._stopped

    @contextlib.contextmanager
    def spending(self) -> Iterator[None]:
        """What is done here is part of the epoch's look."""
        start = time.perf_counter()
        yield
        self._spent += time.perf_counter() - start

    def end(self, seconds: float) -> None:
        """The look at an epoch of so many seconds is done. The first one compiles, so it tells nothing of the others."""
        if self.looks and seconds > 0:
            self._every = max(1, math.ceil(self._spent / (SHARE * seconds)))
        self.looks += 1
        self._last = self._epoch

    def stop(self) -> None:
        """No more looks."""
        self._stopped, self.is_due = True, False


def probe_rows(y: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Rows of at most `count` pictures, drawn by the seed from labels y (N,): as many of each class as of any other.

    As far as they go; in the order drawn, so that the first few are of many classes, too.
    """
    order = np.random.default_rng([seed, STREAM]).permutation(len(y))
    rank = np.zeros(len(y), np.int64)  # of a picture among those of its class, in the order drawn
    for label in np.unique(y):
        own = order[y[order] == label]
        rank[own] = np.arange(len(own))
    rows: np.ndarray = order[np.argsort(rank[order], kind="stable")][:count]
    return rows


def _norm(values: Any) -> Any:
    return ops.sqrt(ops.sum(ops.square(ops.cast(values, "float32"))))


def _short(value: float) -> float:
    """The value with four significant digits."""
    return float(f"{value:.4g}")
