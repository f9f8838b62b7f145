"""The figures of a network's layers as tables: a row a layer, a column an epoch that was looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from dhc.runs.records import HEALTH_FIGURES, History


@dataclass(frozen=True, eq=False)
class LayerTable:
    """How the layers fared.

    names      L layers; epochs: E epochs that were looked at, 1-based and rising
    figures    by name, see `History.health`: (L, E) float64, NaN where there is none
    mean_largest, share_certain   (E,) float64 of the softmax
    """

    names: tuple[str, ...]
    epochs: tuple[int, ...]
    figures: Mapping[str, np.ndarray]
    mean_largest: np.ndarray
    share_certain: np.ndarray

    def row(self, epoch: int) -> list[dict[str, Any]]:
        """What is known of each layer after an epoch that was looked at; None for no such figure."""
        column = self.epochs.index(epoch)
        return [
            {"layer": name} | {figure: _plain(values[place, column]) for figure, values in self.figures.items()}
            for place, name in enumerate(self.names)
        ]

    def nearest(self, epoch: int) -> int:
        """The epoch looked at that is nearest to the one given, the earlier of two."""
        return min(self.epochs, key=lambda own: (abs(own - epoch), own))


def layer_table(history: History) -> LayerTable | None:
    """The table of a run's layers; None where they were never looked at."""
    health, softmax, names = history.health, history.softmax, history.layers
    if health.empty or not names:
        return None
    epochs = sorted(int(epoch) for epoch in health["epoch"].unique())
    columns = np.searchsorted(epochs, health["epoch"].to_numpy())
    rows = health["layer"].to_numpy()
    inside = rows < len(names)
    figures = {}
    for name in HEALTH_FIGURES:
        values = np.full((len(names), len(epochs)), np.nan)
        values[rows[inside], columns[inside]] = health[name].to_numpy(dtype=np.float64)[inside]
        figures[name] = values
    of_epoch = softmax.set_index("epoch").reindex(epochs)
    return LayerTable(
        names,
        tuple(epochs),
        figures,
        of_epoch["mean_largest"].to_numpy(dtype=np.float64),
        of_epoch["share_certain"].to_numpy(dtype=np.float64),
    )


def _plain(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
