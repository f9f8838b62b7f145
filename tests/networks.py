"""Networks so small that training one takes seconds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from dhc.config import RunConfig
from dhc.runs import rundir


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


def trained_by_the_loop(
    config: RunConfig, runs: Path, plant: Callable[[Any], None] = lambda model: None
) -> tuple[Path, Any]:
    """The run's folder and its model, trained by the real loop; `plant` may change the network first."""
    from dhc.training.dynamics import answers_of
    from dhc.training.loop import compiled, fit
    from dhc.training.pictures import open_pictures

    folder = rundir.create(runs, config.model.name)
    rundir.write_json(folder / rundir.CONFIG, config.model_dump())
    with rundir.RunWriter(folder) as writer:
        data = open_pictures(config, writer)
        answers = answers_of(config, len(data.train.ids))
        model = compiled(config, data, folder, "cpu", answers)
        plant(model)
        fit(config, model, data, writer, lambda: False, answers=answers)
    return folder, model
