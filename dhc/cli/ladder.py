"""``python -m dhc ladder``: run the steps of the report's ladder, and print their results."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from dhc.cli.common import DATA, GOOD, JSON, RUNS, follow_all, print_json, settings
from dhc.config import read_assignment
from dhc.errors import RunError
from dhc.jobs.groups import start_group, with_date
from dhc.jobs.ladder import rung_configs
from dhc.models.ladder import RUNGS, SCALES
from dhc.runs.store import Store


@click.command()
@DATA
@click.option("--steps", default=",".join(RUNGS), metavar="STEP,…", help=f"Steps to run, else all: {', '.join(RUNGS)}.")
@click.option(
    "--scale",
    type=click.Choice(list(SCALES)),
    default=next(iter(SCALES)),
    show_default=True,
    help="; ".join(f"{name}: {what[0].lower()}{what[1:]}" for name, what in SCALES.items()) + ".",
)
@settings("Change one setting of every step, e.g. data.classes=12; repeatable.")
@click.option("--detach", is_flag=True, help="Queue the runs, print their ids and return.")
@RUNS
@JSON
def ladder(
    folder: str, steps: str, scale: str, assignments: tuple[str, ...], detach: bool, runs_dir: Path, as_json: bool
) -> None:
    """Run the report's steps one after the other and compare the results with the reported ones.

    Follows each run, on standard error with --json. The exit status is 1 if a run failed. Ctrl-C leaves the runs going.
    """
    changes = {**dict(read_assignment(text) for text in assignments), "data.path": folder}
    configs = rung_configs([name.strip() for name in steps.split(",") if name.strip()], scale, changes)
    _, ids = start_group(
        configs.values(), runs_dir, with_date(f"Ladder, {scale}"), names=[RUNGS[name].title for name in configs]
    )
    runs = dict(zip(configs, ids, strict=True))
    if not detach:
        titles = {run_id: f"{name}: {RUNGS[name].title}" for name, run_id in runs.items()}
        follow_all(titles, runs_dir, to_stderr=as_json)
    rows = [_row(Store(runs_dir), name, run_id) for name, run_id in runs.items()]
    if as_json:
        print_json(rows)
    elif detach:
        click.echo("\n".join(runs.values()))
    else:
        click.echo("\n" + "\n".join(_table(rows)))
    sys.exit(0 if detach or all(row["status"] in GOOD for row in rows) else 1)


def _row(store: Store, name: str, run_id: str) -> dict[str, Any]:
    """What one step was reported and measured to reach, as plain values."""
    try:
        values = store.run(run_id).as_dict()
    except RunError:
        values = {"status": "deleted"}
    reported = RUNGS[name].reported
    return {
        "step": name,
        "title": RUNGS[name].title,
        "reported": None if reported is None else list(reported),
        "measured": values.get("best_val_accuracy"),
        **{key: values.get(key) for key in ("status", "reason", "epoch", "epochs", "best_epoch", "seconds", "device")},
        "run": run_id,
    }


def _table(rows: list[dict[str, Any]]) -> list[str]:
    """The rows as lines: reported (on the competition's test set) beside measured (on val)."""
    lines = [f"{'step':14}{'reported':>11}{'measured':>10}{'epochs':>9}{'seconds':>9}  {'status':10}run"]
    for row in rows:
        reported = RUNGS[row["step"]].reported_text or "-"
        accuracy = "-" if row["measured"] is None else f"{row['measured']:.3f}"
        seconds = "-" if row["seconds"] is None else f"{row['seconds']:.1f}"
        figures = f"{reported:>11}{accuracy:>10}{row['epoch'] or '-':>9}{seconds:>9}"
        lines.append(f"{row['step']:14}{figures}  {row['status']:10}{row['run']}")
    return lines
