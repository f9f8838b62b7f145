"""``python -m dhc lr-find``: seek a learning rate, and say which two rules suggest."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click
import numpy as np

from dhc.analysis.rates import RateCurve, RatePass, read_search
from dhc.cli.common import DATA, GOOD, JSON, RUNS, follow_all, guide, print_json, settings
from dhc.cli.numbers import Real, Whole
from dhc.config import ScheduleConfig, read_assignment
from dhc.errors import ConfigError
from dhc.jobs import launch
from dhc.models.presets import DEFAULT, PRESETS, preset_config
from dhc.runs.contract import (
    FEWEST_BATCHES,
    LEAST_RATE,
    MOST_BATCHES,
    MOST_PASSES,
    MOST_RATE,
    SEARCH_BATCHES,
    SEARCH_NAME,
    SEARCH_PASSES,
    RateSearch,
)
from dhc.runs.store import Store
from dhc.text import rate_text

RATE = Real(LEAST_RATE, MOST_RATE, "no network learns beyond")


@click.command("lr-find", epilog=guide("find-the-rate"))
@DATA
@click.option(
    "--preset", default=DEFAULT, show_default=True, type=click.Choice(list(PRESETS)), help="Settings to start from."
)
@settings("Change one setting, e.g. fit.batch_size=64; repeatable.")
@click.option("--low", type=RATE, default=1e-7, show_default=True, help="The learning rate of the first batch.")
@click.option("--high", type=RATE, default=10.0, show_default=True, help="The one that it grows to.")
@click.option(
    "--batches",
    type=Whole(FEWEST_BATCHES, MOST_BATCHES, "more would show nothing new"),
    default=SEARCH_BATCHES,
    show_default=True,
    help="In how many batches of a pass.",
)
@click.option(
    "--passes",
    type=Whole(1, MOST_PASSES, "more would bring nothing"),
    default=SEARCH_PASSES,
    show_default=True,
    help="How many networks to train so, each with weights of its own; the suggestions are those of their mean.",
)
@RUNS
@JSON
def lr_find(
    folder: str,
    preset: str,
    assignments: tuple[str, ...],
    low: float,
    high: float,
    batches: int,
    passes: int,
    runs_dir: Path,
    as_json: bool,
) -> None:
    """Train for some batches while the learning rate grows, and say where the loss falls best.

    The curve depends on the batch size, the dropout and the augmentation: give those that you will train with.
    """
    if low >= high:
        raise ConfigError(f"the learning rate cannot grow from {low:g} to {high:g}: --low must be below --high")
    changes = dict(read_assignment(text) for text in assignments)
    config = preset_config(preset).with_values({**changes, "data.path": folder})
    if not config.trains_network:
        raise ConfigError("nearest neighbours have no learning rate: choose a network by --preset or model.name")
    search = RateSearch(low=low, high=high, batches=batches, passes=passes)
    run_id = launch.launch(config, runs_dir, name=SEARCH_NAME, search=search)
    follow_all({run_id: "search for a learning rate"}, runs_dir, to_stderr=as_json)
    result = outcome(Store(runs_dir), run_id, search)
    if as_json:
        print_json(result)
    else:
        click.echo(sentence(result, config.optimizer.learning_rate))
    sys.exit(0 if result["status"] in GOOD else 1)


def outcome(store: Store, run_id: str, search: RateSearch) -> dict[str, Any]:
    """What a search brought, as plain values: its id, status and reason, and `_values` of the mean and of each pass.

    `range` holds the lowest and the highest rate that a pass by itself says to start from.
    """
    info, table = store.run(run_id), store.history(run_id).search
    curve = read_search(table, search.batches)
    schedule = ScheduleConfig() if info.config is None else info.config.schedule
    return {
        "id": run_id,
        "status": info.state.value,
        "reason": info.status.reason,
        **_values(curve, schedule),
        "range": curve.starts(schedule),
        "passes": [_values(one, schedule) for one in curve.passes],
    }


def _values(curve: RateCurve | RatePass, schedule: ScheduleConfig) -> dict[str, Any]:
    """The suggestions, and each batch's rate and loss."""
    return {
        "start": curve.suggestions.start(schedule),
        "valley": curve.suggestions.valley,
        "steep": curve.suggestions.steep,
        "learning_rate": curve.rates.tolist(),
        "loss": [loss if np.isfinite(loss) else None for loss in curve.losses.tolist()],
    }


def sentence(result: dict[str, Any], own: float) -> str:
    """What an `outcome` suggests, for settings whose own rate is `own`."""
    if result["status"] not in GOOD:
        return f"no suggestion: the search was broken off, {result['status']}"
    if result["valley"] is None:
        batches = sum(len(one["loss"]) for one in result["passes"])
        ran = "1 batch" if batches == 1 else f"{batches} batches"
        return (
            f"no suggestion: in {ran} the loss hardly fell, or there were too few; try a lower --low, or more --batches"
        )
    steepest = "" if result["steep"] is None else f", steep {rate_text(result['steep'])}"
    rates = f"{rate_text(result['start'])}, valley {rate_text(result['valley'])}{steepest}"
    alone = "" if result["range"] is None else f"; its passes alone {' to '.join(map(rate_text, result['range']))}"
    return f"suggested learning rate: {rates}{alone}; these settings have {rate_text(own)}"
