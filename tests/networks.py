"""Networks so small that training one takes seconds."""

from __future__ import annotations

from pathlib import Path

from dhc.config import RunConfig


def small_network(data: Path) -> RunConfig:
    """Three convolutions of a thirty-second of the width, with batch normalization and dropout; two epochs of batches of 8."""
    return RunConfig().with_values(
        {
            "data.path": str(data),
            "model.name": "cnn3-dropout",
            "model.width": 1 / 32,
            "model.conv_dropout": 0.1,
            "fit.epochs": 2,
            "fit.batch_size": 8,
        }
    )


def plain_network(data: Path) -> RunConfig:
    """The same without normalization and dropout, for tests of what befalls a training: it starts in half the time."""
    return small_network(data).with_values({"model.name": "cnn3-linear", "model.conv_dropout": 0.0})
