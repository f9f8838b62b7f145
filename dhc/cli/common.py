"""What several commands share: their options, and JSON on standard output."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import click

from dhc.cli.follow import follow
from dhc.errors import RunError
from dhc.runs.store import Store

BAD_INPUT = 2
GOOD = ("finished", "stopped")  # ends after which the exit status is 0
RUNS = click.option(
    "--runs",
    "runs_dir",
    envvar="DHC_RUNS_DIR",
    show_envvar=True,
    type=click.Path(path_type=Path),
    default="runs",
    show_default=True,
    help="Folder of the runs.",
)
DATA = click.option("--data", "folder", required=True, help="Data folder: train.csv, val.csv and their pictures.")
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
UNREADABLE = click.option(
    "--unreadable",
    default="",
    metavar="CLASS",
    help="The answer for pictures that cannot be read: a class, or `commonest`.",
)

MIRROR = click.option(
    "--mirror",
    is_flag=True,
    help="Ask each picture together with its mirror image, left and right exchanged, and take the mean of both answers.",
)


def settings(help: str) -> Callable[[Any], Any]:
    """The repeatable option ``--set NAME=VALUE``, the command's argument ``assignments``."""
    return click.option("--set", "assignments", multiple=True, metavar="NAME=VALUE", help=help)


def guide(anchor: str) -> str:
    """The last line of a command's help: where it is said what its figures mean, and what not."""
    return f"What it shows and what it does not say: docs/tuning.md#{anchor}"


def print_json(value: Any) -> None:
    """Print a value as indented JSON."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False, default=str))


def follow_to_end(run_id: str, runs_dir: Path, at_end: Callable[[], None] | None = None) -> None:
    """Follow a run until it has ended, then exit with its status; Ctrl-C leaves it going.

    Calls `at_end` where the run has finished.
    """
    try:
        state = follow(Store(runs_dir), run_id, click.echo)
    except KeyboardInterrupt:
        click.echo(f"\nthe run continues; `python -m dhc runs stop {run_id}` stops it", err=True)
        sys.exit(0)
    if at_end is not None and state == "finished":
        at_end()
    sys.exit(0 if state in GOOD else 1)


def follow_all(titles: Mapping[str, str], runs_dir: Path, *, to_stderr: bool) -> None:
    """Follow one run after the other until all have ended, each under its title by id.

    Ctrl-C leaves them going and exits.
    """
    echo = partial(click.echo, err=to_stderr)
    store = Store(runs_dir)
    try:
        for number, (run_id, title) in enumerate(titles.items(), start=1):
            echo(f"\n{number}/{len(titles)}  {title}  ({run_id})")
            try:
                follow(store, run_id, echo)
            except RunError as error:  # deleted meanwhile: the others go on
                echo(str(error))
    except KeyboardInterrupt:
        click.echo("\nthe runs continue; `python -m dhc runs stop ID` stops one, `runs stop-group NAME` all", err=True)
        sys.exit(0)
