"""``python -m dhc runs change``: another learning rate, factor or patience for a run that trains."""

from __future__ import annotations

from pathlib import Path

import click

from dhc.cli.common import JSON, RUNS, guide, print_json
from dhc.errors import RunError
from dhc.jobs import changes
from dhc.runs.course import change_text
from dhc.runs.rundir import run_dir
from dhc.runs.store import Store


@click.command("change", epilog=guide("change-while-it-trains"))
@click.argument("run_id")
@click.option("--learning-rate", metavar="RATE", help="The rate to go on with.")
@click.option("--factor", metavar="FACTOR", help="ReduceLROnPlateau's factor to go on with.")
@click.option("--patience", metavar="EPOCHS", help="ReduceLROnPlateau's patience to go on with.")
@click.option("--take-back", is_flag=True, help="Ask for no change any more.")
@RUNS
@JSON
def change(
    run_id: str,
    learning_rate: str | None,
    factor: str | None,
    patience: str | None,
    take_back: bool,
    runs_dir: Path,
    as_json: bool,
) -> None:
    """Change learning rate, factor or patience of a run that trains, from its next epoch on.

    The state before is kept, and the change stands in the run's history. A schedule by timetable keeps its shape, scaled to the
    rate that was set.
    """
    options = {"learning_rate": learning_rate, "factor": factor, "patience": patience}
    values = {name: value for name, value in options.items() if value is not None}
    if take_back:
        return _take_back(run_id, runs_dir, named=bool(values), as_json=as_json)
    request, held = changes.ask(runs_dir, run_id, values)
    steps = {name: (held.values[name], value) for name, value in request.values.items()}
    config = Store(runs_dir).run(run_id).config
    warning = "" if config is None else changes.effect(config, request.values)
    if as_json:
        return print_json({"run": run_id, "from_epoch": held.from_epoch, **steps, "note": warning or None})
    return click.echo(
        f"{run_id}: from epoch {held.from_epoch} on, {change_text(steps)}{f'; {warning}' if warning else ''}"
    )


def _take_back(run_id: str, runs_dir: Path, *, named: bool, as_json: bool) -> None:
    if named:
        raise RunError("--take-back goes alone: leave out what is to be changed, or leave out --take-back")
    was = changes.waiting(run_dir(runs_dir, run_id)).values
    changes.take_back(runs_dir, run_id)
    if as_json:
        return print_json({"run": run_id, "taken_back": was})
    return click.echo(f"{run_id}: {'the change is taken back' if was else 'no change was waiting'}")
