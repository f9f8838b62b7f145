"""``python -m dhc runs delete``, ``restore``, ``trash`` and ``disk``."""

from __future__ import annotations

import sys
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import click

from dhc.cli.common import BAD_INPUT, JSON, RUNS, print_json
from dhc.errors import RunError
from dhc.jobs import trash
from dhc.runs import budget, disk, rundir
from dhc.runs.store import Store
from dhc.text import size_text


@click.command("delete")
@click.argument("run_ids", nargs=-1, required=True, metavar="RUN_ID...")
@RUNS
def delete(run_ids: tuple[str, ...], runs_dir: Path) -> None:
    """Move runs that have ended into the trash (runs/.trash); `runs restore` brings them back."""
    deletion = trash.delete_all(runs_dir, run_ids)
    for place in deletion.places:
        click.echo(f"{trash.id_of(place)} is now {place}")
    for sentence in deletion.refusals.values():
        click.echo(f"error: {sentence}", err=True)
    sys.exit(BAD_INPUT if deletion.refusals else 0)


@click.command("restore")
@click.argument("run_ids", nargs=-1, required=True, metavar="RUN_ID...")
@RUNS
def restore(run_ids: tuple[str, ...], runs_dir: Path) -> None:
    """Bring deleted runs back from the trash; of one deleted several times, the last copy."""
    for run_id in run_ids:
        click.echo(f"{trash.restore(runs_dir, trash.latest(runs_dir, run_id))} is back")


@click.command("trash")
@click.option("--empty", is_flag=True, help="Remove everything in the trash for good.")
@RUNS
@JSON
def show_trash(empty: bool, runs_dir: Path, as_json: bool) -> None:
    """List the deleted runs, or remove them for good."""
    runs = trash.trashed_runs(runs_dir)
    if empty:
        size = _empty_trash(runs_dir)
        return print_json({"runs": len(runs), "won": size}) if as_json else click.echo(f"{size_text(size)} freed")
    if as_json:
        return print_json([asdict(run) for run in runs])
    for run in runs:
        click.echo(f"{run.id}  deleted {datetime.fromtimestamp(run.when):%Y-%m-%d %H:%M}  {size_text(run.bytes)}")
    if not runs:
        click.echo("the trash is empty")
    return None


@click.command("disk")
@RUNS
@JSON
def show_disk(runs_dir: Path, as_json: bool) -> None:
    """Show how much disk space the runs take, the largest first, how much could be freed, and what kept states may take."""
    runs = Store(runs_dir).runs()
    totals, room = disk.totals(runs_dir, runs), budget.room(runs_dir)
    usages = {info.id: disk.usage(info.folder) for info in runs}
    usages = dict(sorted(usages.items(), key=lambda item: -item[1].bytes))
    if as_json:
        by_id = {run_id: asdict(usage) for run_id, usage in usages.items()}
        return print_json({"runs": by_id, "totals": asdict(totals), "states": asdict(room)})
    click.echo(f"{'run':44}{'on disk':>9}{'network':>9}{'state':>9}")
    for run_id, usage in usages.items():
        click.echo(_row(run_id, usage.bytes, usage.network, usage.resume))
    click.echo(_row("all runs", totals.runs, totals.networks, totals.resume))
    click.echo(_row("trash", totals.trash))
    if totals.ensembles:
        click.echo(_row(f"submissions together ({rundir.ENSEMBLES})", totals.ensembles))
    click.echo(_row("free", totals.free))
    click.echo(f"{_row('states to branch from', room.used)} of {size_text(room.limit)} ({budget.VARIABLE})")
    if room.problem:
        click.echo(room.problem)
    return None


def _row(title: str, *sizes: int) -> str:
    return f"{title:44}" + "".join(f"{size_text(size):>9}" for size in sizes)


def _empty_trash(runs_dir: Path) -> int:
    try:
        return trash.empty(runs_dir)
    except OSError as error:
        raise RunError(f"the trash could not be emptied: {error.strerror or error} ({error.filename})") from None


COMMANDS = (delete, restore, show_trash, show_disk)
