"""``python -m dhc sweep``: train every combination of several settings' values as a group."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any, Literal

import click

from dhc.cli.common import DATA, GOOD, JSON, RUNS, follow_all, print_json, settings
from dhc.cli.numbers import Whole
from dhc.config import RunConfig, read_assignment
from dhc.errors import ConfigError, RunError
from dhc.jobs.groups import generated_name, start_group, stop_group
from dhc.jobs.sample import sample
from dhc.jobs.sweep import MAX_RUNS, SEED, grid
from dhc.jobs.values import GRAMMAR, format_value, parse_values
from dhc.models.presets import DEFAULT, PRESETS, preset_config
from dhc.runs.contract import MEDIAN_ENOUGH, MEDIAN_GRACE
from dhc.runs.store import Store

GRID_HELP = f"A setting and its values: {GRAMMAR}. Repeatable: all combinations are run."
HOPELESS_HELP = (
    "Stop a run early that does worse than the median of the group's finished ones; "
    f"from epoch {MEDIAN_GRACE} and {MEDIAN_ENOUGH} finished runs on."
)

REPEATS = Whole(1, MAX_RUNS, f"a sweep has at most {MAX_RUNS} runs")


@click.command()
@DATA
@click.option(
    "--preset", default=DEFAULT, show_default=True, type=click.Choice(list(PRESETS)), help="Settings to start from."
)
@settings("Change one setting of every run, e.g. fit.epochs=3; repeatable.")
@click.option("--grid", "axes", multiple=True, required=True, metavar="NAME=VALUES", help=GRID_HELP)
@click.option(
    "--repeats",
    type=REPEATS,
    default=1,
    show_default=True,
    help="Runs of each combination, each with a seed of its own.",
)
@click.option(
    "--sample",
    "draws",
    type=Whole(1, MAX_RUNS, f"a sweep has at most {MAX_RUNS} runs"),
    help="Draw so many runs between the values instead of running all combinations.",
)
@click.option(
    "--design",
    type=click.Choice(["random", "sobol"]),
    help="How --sample draws: at random, if nothing is said, or evenly by a Sobol sequence.",
)
@click.option("--name", default="", help="The group's name, else the settings and the time.")
@click.option("--note", default="", help="What is tried, and why; each run gets it.")
@click.option("--stop-hopeless", is_flag=True, help=HOPELESS_HELP)
@click.option("--detach", is_flag=True, help="Queue the runs, print their ids and return.")
@RUNS
@JSON
def sweep(
    folder: str,
    preset: str,
    assignments: tuple[str, ...],
    axes: tuple[str, ...],
    repeats: int,
    draws: int | None,
    design: Literal["random", "sobol"] | None,
    name: str,
    note: str,
    stop_hopeless: bool,
    detach: bool,
    runs_dir: Path,
    as_json: bool,
) -> None:
    """Train every combination of several settings' values, and compare the results.

    One run after the other; follows each, on standard error with --json. The exit status is 1 if a run failed. Ctrl-C leaves
    the runs going.
    """
    changes = dict(read_assignment(text) for text in assignments)
    values = _values(axes)
    base = preset_config(preset).with_values({**changes, "data.path": folder})
    if draws is not None and repeats > 1:
        raise ConfigError("--sample and --repeats exclude each other: repeat the settings that turn out well")
    if draws is None and design:
        raise ConfigError("--design says how --sample draws: name the number of runs by --sample, too")
    design = design or "random"
    configs = grid(base, values, repeats) if draws is None else sample(base, values, draws, design, base.fit.seed)
    title = name.strip() or generated_name(list(values))
    group, ids = start_group(
        configs,
        runs_dir,
        title,
        rule="median" if stop_hopeless else "",
        design=design if draws else "grid",
        note=note,
    )
    runs = dict(zip(ids, configs, strict=True))
    if not (detach or as_json):
        click.echo(f"{len(runs)} runs in the group {group}")
    if not detach:
        follow_all({run: _title(config, list(values)) for run, config in runs.items()}, runs_dir, to_stderr=as_json)
    rows = [_row(Store(runs_dir), run, config, [*values, SEED]) for run, config in runs.items()]
    _print(rows, group, list(values), detach=detach, as_json=as_json)
    sys.exit(0 if detach or all(row["status"] in GOOD for row in rows) else 1)


@click.command("stop-group")
@click.argument("name")
@RUNS
def stop_all(name: str, runs_dir: Path) -> None:
    """Stop a group's runs: one that trains keeps its best network, the others leave the queue."""
    for run_id in stop_group(runs_dir, name):
        click.echo(f"{run_id} was asked to stop")


def _values(axes: Sequence[str]) -> dict[str, tuple[Any, ...]]:
    """The values by dotted name out of ``NAME=VALUES`` texts."""
    values: dict[str, tuple[Any, ...]] = {}
    for name, text in map(read_assignment, axes):
        if name in values:
            raise ConfigError(f"{name} has two --grid: write all its values in one")
        values[name] = parse_values(name, text)
    return values


def _title(config: RunConfig, names: Sequence[str]) -> str:
    """What tells the run from the others of its sweep: ``schedule.factor=0.5, fit.seed=0``."""
    effective_names = [name for name in dict.fromkeys([*names, SEED]) if config.uses(name)]
    return ", ".join(f"{name}={format_value(config.get(name))}" for name in effective_names)


def _row(store: Store, run: str, config: RunConfig, names: Sequence[str]) -> dict[str, Any]:
    """A run's settings and results as plain values; a setting without effect is None."""
    try:
        values = store.run(run).as_dict()
    except RunError:
        values = {"status": "deleted"}
    keys = ("status", "reason", "best_val_accuracy", "best_epoch", "epoch", "epochs", "seconds", "device")
    settings = {name: config.get(name) if config.uses(name) else None for name in names}
    return {"run": run, "settings": settings, **{key: values.get(key) for key in keys}}


def _print(rows: Sequence[Mapping[str, Any]], group: str, names: Sequence[str], *, detach: bool, as_json: bool) -> None:
    if as_json:
        print_json({"group": group, "runs": rows})
    elif detach:
        click.echo("\n".join(row["run"] for row in rows))
    else:
        click.echo("\n" + "\n".join([*_table(rows), *_means(rows, [name for name in names if name != SEED])]))


def _table(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    names = list(rows[0]["settings"])
    widths = {name: max(len(name), *(len(_cell(row["settings"][name])) for row in rows)) + 2 for name in names}
    head = "".join(f"{name:{widths[name]}}" for name in names)
    lines = [f"{head}{'best val_accuracy':>17}{'epoch':>8}{'seconds':>9}  {'status':10}run"]
    for row in rows:
        cells = "".join(f"{_cell(row['settings'][name]):{widths[name]}}" for name in names)
        best = "-" if row["best_val_accuracy"] is None else f"{row['best_val_accuracy']:.3f}"
        seconds = "-" if row["seconds"] is None else f"{row['seconds']:.1f}"
        lines.append(f"{cells}{best:>17}{row['best_epoch'] or '-':>8}{seconds:>9}  {row['status']:10}{row['run']}")
    return lines


def _means(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> list[str]:
    """Where combinations were repeated: each one's mean and spread, the highest mean first."""
    by_settings: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        if row["best_val_accuracy"] is not None:
            text = ", ".join(f"{name}={_cell(row['settings'][name])}" for name in names)
            by_settings[text].append(row["best_val_accuracy"])
    if not any(len(values) > 1 for values in by_settings.values()):
        return []
    ranked = sorted(by_settings.items(), key=lambda item: -fmean(item[1]))
    lines = [
        f"{fmean(values):.3f} ({min(values):.3f} to {max(values):.3f}, {len(values)} seeds)  {text}"
        for text, values in ranked
    ]
    return ["", "mean best val_accuracy by settings:", *lines]


def _cell(value: Any) -> str:
    return "-" if value is None else format_value(value)
