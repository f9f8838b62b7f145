"""A run's labels: ``python -m dhc runs rename``, ``tag``, ``note``, ``star``, ``archive``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from dhc.cli.common import RUNS
from dhc.errors import RunError
from dhc.runs.contract import Labels
from dhc.runs.labels import change_labels, read_labels
from dhc.runs.rundir import run_dir


@click.command("rename")
@click.argument("run_id")
@click.argument("name")
@RUNS
def rename(run_id: str, name: str, runs_dir: Path) -> None:
    """Name a run; an empty NAME removes its name. Its id and its folder stay."""
    stored_name = _change(runs_dir, run_id, name=name).name
    click.echo(f"{run_id} is called {stored_name}" if stored_name else f"{run_id} has no name")


@click.command("tag")
@click.argument("run_id")
@click.argument("tags", nargs=-1, required=True, metavar="TAG...")
@RUNS
def tag(run_id: str, tags: tuple[str, ...], runs_dir: Path) -> None:
    """Add tags to a run."""
    old_tags = read_labels(run_dir(runs_dir, run_id)).tags
    _print_tags(run_id, _change(runs_dir, run_id, tags=[*old_tags, *tags]))


@click.command("untag")
@click.argument("run_id")
@click.argument("tags", nargs=-1, required=True, metavar="TAG...")
@RUNS
def untag(run_id: str, tags: tuple[str, ...], runs_dir: Path) -> None:
    """Remove tags from a run; those that it does not have are ignored."""
    old_tags = read_labels(run_dir(runs_dir, run_id)).tags
    _print_tags(run_id, _change(runs_dir, run_id, tags=[tag for tag in old_tags if tag not in tags]))


@click.command("note")
@click.argument("run_id")
@click.argument("text")
@RUNS
def note(run_id: str, text: str, runs_dir: Path) -> None:
    """Write a run's note in place of the old one; an empty TEXT removes it."""
    _change(runs_dir, run_id, note=text)
    click.echo(f"{run_id}: noted")


def _flag(name: str, help: str, state: str, **change: bool) -> click.Command:
    """A command that sets one mark of one or several runs."""

    @click.command(name, help=help)
    @click.argument("run_ids", nargs=-1, required=True, metavar="RUN_ID...")
    @RUNS
    def command(run_ids: tuple[str, ...], runs_dir: Path) -> None:
        for run_id in run_ids:
            _change(runs_dir, run_id, **change)
            click.echo(f"{run_id} {state}")

    return command


ARCHIVE = "Put runs aside: they leave the screens' lists, and nothing is removed."
star = _flag("star", "Star runs, to find them again.", "is starred", star=True)
unstar = _flag("unstar", "Remove the star from runs.", "is not starred", star=False)
archive = _flag("archive", ARCHIVE, "is archived", archived=True)
unarchive = _flag("unarchive", "Take runs out of the archive.", "is not archived", archived=False)
COMMANDS = (rename, tag, untag, note, star, unstar, archive, unarchive)


def _print_tags(run_id: str, labels: Labels) -> None:
    click.echo(f"{run_id}: {', '.join(labels.tags) or 'no tags'}")


def _change(runs_dir: Path, run_id: str, **changes: Any) -> Labels:
    try:
        return change_labels(run_dir(runs_dir, run_id), **changes)
    except OSError as error:
        raise RunError(f"the labels of run {run_id} could not be saved: {error.strerror or error}") from None
