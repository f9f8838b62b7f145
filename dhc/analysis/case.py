"""A run as the coach's detectors see it, and what one of them finds."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from dhc.analysis.layers import LayerTable, layer_table
from dhc.config import RunConfig
from dhc.models.mixing import mixes
from dhc.runs.records import History

MOST = 6  # epochs that one detection names


@dataclass(frozen=True, eq=False)
class Case:
    """A run as its detectors see it; `classes`: how many it tells apart, None if unknown."""

    history: History
    config: RunConfig
    classes: int | None

    def column(self, name: str) -> np.ndarray:
        """A figure of every finished epoch: (E,) float64."""
        return self.history.epochs[name].to_numpy(dtype=np.float64)

    @property
    def epochs(self) -> list[int]:
        """The finished epochs' numbers, 1-based."""
        return [int(epoch) for epoch in self.history.epochs["epoch"]]

    @cached_property
    def layers(self) -> LayerTable | None:
        """The figures of its layers; None where they were never looked at."""
        return layer_table(self.history)

    @property
    def mixes(self) -> bool:
        """Whether it was shown mixed pictures, of which nobody can know all: then its accuracy on them stays low."""
        return mixes(self.config.augment)

    @property
    def complete(self) -> bool:
        """Whether all epochs of its config have ended."""
        return bool(self.epochs) and self.epochs[-1] >= self.config.fit.epochs


@dataclass(frozen=True)
class Detection:
    """Where a detector fired, and why.

    epochs     1-based, ascending; the first is the one that tells
    sentence   the figures, without a full stop
    """

    epochs: tuple[int, ...]
    sentence: str
