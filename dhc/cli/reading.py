"""``python -m dhc read-sweep``: what a sweep says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from dhc.analysis.differences import differing_settings
from dhc.analysis.repeats import SEED
from dhc.analysis.sweeps import edge, infeasible, isolate
from dhc.analysis.tuning import FEWEST, tuning_curve, worth_of_more
from dhc.cli.common import JSON, RUNS, lesson, print_json
from dhc.errors import RunError
from dhc.runs.store import RunInfo, Store

MORE = 10  # runs whose worth is told


@click.command("read-sweep", epilog=lesson("read-the-sweep"))
@click.argument("names", nargs=-1, required=True, metavar="GROUP|RUN_ID…")
@RUNS
@JSON
def read_sweep(names: tuple[str, ...], runs_dir: Path, as_json: bool) -> None:
    """Say what the runs of a group, or some runs, tell of their settings: the best of each value, optima at an edge, failures, and what
    more runs are worth where the settings were drawn.
    """
    runs = _members(Store(runs_dir), names)
    settings = [name for name in differing_settings([info.config for info in runs if info.config]) if name != SEED]
    result: dict[str, Any] = {
        "runs": [info.id for info in runs],
        "settings": [_setting(runs, name) for name in settings],
    }
    drawn = [
        info.best_val_accuracy
        for info in runs
        if info.design in ("random", "sobol") and info.best_val_accuracy is not None
    ]
    if len(drawn) >= FEWEST:
        curve = tuning_curve(drawn, [len(drawn)])
        result["expected_best"] = curve.expected[0]
        result["expected_best_band"] = [curve.low[0], curve.high[0]]
        result["worth_of_ten_more"] = worth_of_more(drawn, MORE)
    print_json(result) if as_json else click.echo("\n".join(_lines(result)))


def _members(store: Store, names: tuple[str, ...]) -> list[RunInfo]:
    every = store.runs()
    runs = [info for info in every if info.group in names or info.id in names]
    for name in names:
        if not any(name in (info.group, info.id) for info in runs):
            raise RunError(f"there is no group and no run {name[:80]!r}: `python -m dhc runs list` names them")
    return runs


def _setting(runs: list[RunInfo], name: str) -> dict[str, Any]:
    isolated = isolate(runs, name)
    failed = infeasible(runs, name)
    record = edge(isolated, name, failed)
    return {
        "name": name,
        "best": [
            {
                "value": one.value,
                "mean": one.results.mean,
                "sd": one.results.sd,
                "settings": one.settings,
                "runs": one.runs,
            }
            for one in isolated
        ],
        "failed": [vars(one) for one in failed],
        "edge": None if record is None else vars(record),
    }


def _lines(result: dict[str, Any]) -> list[str]:
    lines = [f"{len(result['runs'])} runs"]
    for setting in result["settings"]:
        values = ", ".join(
            f"{one['value']:g}" if isinstance(one["value"], float) else str(one["value"]) for one in setting["best"]
        )
        best = max(setting["best"], key=lambda one: one["mean"], default=None)
        if best is None:
            continue
        lines.append(f"{setting['name']}: {best['value']} reached {best['mean']:.4f}; tried {values}")
        if setting["edge"] is not None:
            further = ", ".join(f"{value:g}" for value in setting["edge"]["further"])
            lines.append(f"  it lies at the edge of what was tried{f'; try {further} too' if further else ''}")
        lines += [f"  failed with {one['value']}: {one['run']} ({one['cause']})" for one in setting["failed"]]
    if "expected_best" in result:
        low, high = result["expected_best_band"]
        lines.append(
            f"so many drawn runs are expected to reach {result['expected_best']:.4f} ({low:.4f} to {high:.4f}); ten more are worth "
            f"{100 * result['worth_of_ten_more']:.2f} points or more"
        )
    else:
        lines.append("what more runs are worth can only be said of settings that were drawn: sweep --sample")
    return lines
