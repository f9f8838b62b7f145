"""``python -m dhc read-sweep``: what a sweep says."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from dhc.analysis.differences import value_text
from dhc.analysis.importance import Importance, importance
from dhc.analysis.pictures import pictures_of
from dhc.analysis.reading import Reading, SettingReading, importance_text, read, too_few_text, worth_text
from dhc.cli.common import JSON, RUNS, guide, print_json
from dhc.errors import RunError
from dhc.runs.store import RunInfo, Store
from dhc.text import count_text

NOT_DRAWN = "What more runs are worth can only be said of settings that were drawn: sweep --sample."


@click.command("read-sweep", epilog=guide("read-the-sweep"))
@click.argument("names", nargs=-1, required=True, metavar="GROUP|RUN_ID…")
@RUNS
@JSON
def read_sweep(names: tuple[str, ...], runs_dir: Path, as_json: bool) -> None:
    """Say what the runs of a group, or some runs, tell of their settings: the best of each value, optima at an edge, failures, which
    setting matters most, and what more runs are worth where the settings were drawn.
    """
    reading = read(_members(Store(runs_dir), names), pictures_of)
    weights = importance(reading.trials)
    print_json(as_dict(reading, weights)) if as_json else click.echo("\n".join(_lines(reading, weights)))


def as_dict(reading: Reading, weights: Importance) -> dict[str, Any]:
    """A reading as plain values: shares are 0 to 1, null for what cannot be said."""
    worth = reading.worth
    return {
        "runs": [info.id for info in reading.runs],
        "left_out": reading.left_out,
        "settings": [_setting(setting) for setting in reading.settings],
        "importance": {"settings": weights.trials, "shares": dict(weights.shares), "problem": weights.reason or None},
        "expected_best": None if worth is None else worth.curve.expected[worth.drawn - 1],
        "expected_best_band": None
        if worth is None
        else [band[worth.drawn - 1] for band in (worth.curve.low, worth.curve.high)],
        "worth_of_ten_more": None if worth is None else worth.points,
    }


def _members(store: Store, names: tuple[str, ...]) -> list[RunInfo]:
    every = store.runs()
    runs = [info for info in every if info.group in names or info.id in names]
    for name in names:
        if not any(name in (info.group, info.id) for info in runs):
            raise RunError(f"there is no group and no run {name[:80]!r}: `python -m dhc runs list` names them")
    return runs


def _setting(setting: SettingReading) -> dict[str, Any]:
    return {
        "name": setting.name,
        "best": [
            {
                "value": one.value,
                "span": one.span,
                "mean": one.results.mean,
                "sd": one.results.sd,
                "settings": one.settings,
                "runs": one.runs,
            }
            for one in setting.isolated
        ],
        "failed": [vars(one) for one in setting.failed],
        "edge": None if setting.edge is None else vars(setting.edge),
    }


def _lines(reading: Reading, weights: Importance) -> list[str]:
    lines = [count_text(len(reading.runs), "run")]
    if reading.left_out:
        lines[0] += f"; {reading.left_out} on other pictures, or unreadable, left out"
    for setting in reading.settings:
        best = max(setting.isolated, key=lambda one: one.results.mean, default=None)
        if best is None:
            continue
        tried = _tried([one.span for one in setting.isolated])
        lines.append(f"{setting.name}: {value_text(best.value)} reached {best.results.mean:.4f}; tried {tried}")
        if setting.edge is not None:
            further = ", ".join(map(value_text, setting.edge.further))
            lines.append(f"  it lies at the edge of what was tried{f'; try {further} too' if further else ''}")
        lines += [f"  failed with {value_text(one.value)}: {one.run} ({one.cause})" for one in setting.failed]
    lines.append(importance_text(weights))
    if reading.worth is not None:
        lines.append(worth_text(reading.worth))
    else:
        lines.append(too_few_text(reading.drawn) if reading.drawn else NOT_DRAWN)
    return lines


def _tried(spans: Sequence[tuple[Any, Any]]) -> str:
    """The values, or from where to where they were drawn."""
    if all(low == high for low, high in spans):
        return ", ".join(value_text(low) for low, _ in spans)
    return f"{value_text(spans[0][0])} to {value_text(spans[-1][1])}"
