"""``python -m dhc runs delete``, ``restore``, ``trash`` and ``disk``: what goes, what comes back, what it all costs."""

from __future__ import annotations

import sys
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import click

from dhc.cli.common import BAD_INPUT, JSON, RUNS, print_json
from dhc.errors import RunError
from dhc.jobs import trash
from dhc.runs import disk
from dhc.runs.store import Store
from dhc.text import size_text


@click.command("delete")
@click.argument("run_ids", nargs=-1, required=True, metavar="RUN_ID...")
@RUNS
def delete(run_ids: tuple[str, ...], runs_dir: Path) -> None:
    """Move runs that have ended into the trash (runs/.trash); `runs restore` brings them back."""
    done = trash.delete_all(runs_dir, run_ids)
    for place in done.places:
        click.echo(f"{trash.id_of(place)} is now {place}")
    for sentence in done.refusals.values():
        click.echo(f"error: {sentence}", err=True)
    sys.exit(BAD_INPUT if done.refusals else 0)


@click.command("restore")
@click.argument("run_ids", nargs=-1, required=True, metavar="RUN_ID...")
@RUNS
def restore(run_ids: tuple[str, ...], runs_dir: Path) -> None:
    """Bring deleted runs back from the trash; of one deleted several times, the last."""
    for run_id in run_ids:
        click.echo(f"{trash.restore(runs_dir, trash.latest(runs_dir, run_id))} is back")


@click.command("trash")
@click.option("--empty", is_flag=True, help="Remove what lies in the trash, for good.")
@RUNS
@JSON
def show_trash(empty: bool, runs_dir: Path, as_json: bool) -> None:
    """List the deleted runs, or remove them for good."""
    found = trash.trashed_runs(runs_dir)
    if empty:
        won = _emptied(runs_dir)
        return print_json({"runs": len(found), "won": won}) if as_json else click.echo(f"{size_text(won)} won")
    if as_json:
        return print_json([asdict(item) for item in found])
    for item in found:
        click.echo(f"{item.id}  deleted {datetime.fromtimestamp(item.when):%Y-%m-%d %H:%M}  {size_text(item.bytes)}")
    if not found:
        click.echo("the trash is empty")
    return None


@click.command("disk")
@RUNS
@JSON
def show_disk(runs_dir: Path, as_json: bool) -> None:
    """Show what the runs cost on disk, the largest first, and what could be won."""
    runs = sorted(Store(runs_dir).runs(), key=lambda info: -disk.usage(info.folder).bytes)
    totals = disk.totals(runs_dir, runs)
    if as_json:
        return print_json(
            {"runs": {info.id: asdict(disk.usage(info.folder)) for info in runs}, "totals": asdict(totals)}
        )
    click.echo(f"{'run':44}{'on disk':>9}{'network':>9}{'state':>9}")
    for info in runs:
        cost = disk.usage(info.folder)
        click.echo(
            f"{info.id:44}" + "".join(f"{size_text(size):>9}" for size in (cost.bytes, cost.network, cost.resume))
        )
    click.echo(
        f"{'all runs':44}" + "".join(f"{size_text(s):>9}" for s in (totals.runs, totals.networks, totals.resume))
    )
    click.echo(f"{'trash':44}{size_text(totals.trash):>9}")
    click.echo(f"{'free':44}{size_text(totals.free):>9}")
    return None


def _emptied(runs_dir: Path) -> int:
    try:
        return trash.empty(runs_dir)
    except OSError as error:
        raise RunError(f"the trash could not be emptied: {error.strerror or error} ({error.filename})") from None


COMMANDS = (delete, restore, show_trash, show_disk)
