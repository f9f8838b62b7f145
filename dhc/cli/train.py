"""``python -m dhc train``: queue a run and follow it."""

from __future__ import annotations

from pathlib import Path

import click

from dhc.cli.common import DATA, RUNS, follow_to_end, settings
from dhc.config import read_assignment
from dhc.jobs import launch
from dhc.jobs.sweep import without_effect
from dhc.models.presets import DEFAULT, PRESETS, preset_config


@click.command()
@DATA
@click.option(
    "--preset", default=DEFAULT, show_default=True, type=click.Choice(list(PRESETS)), help="Settings to start from."
)
@settings("Change one setting, e.g. fit.epochs=3; repeatable.")
@click.option("--name", default="", help="What the run is called; by default, by its main settings.")
@click.option("--note", default="", help="What is tried, and why.")
@click.option("--detach", is_flag=True, help="Queue the run, print its id and return.")
@RUNS
def train(
    folder: str, preset: str, assignments: tuple[str, ...], name: str, note: str, detach: bool, runs_dir: Path
) -> None:
    """Train a network in a background process and follow it.

    Ctrl-C leaves the run going; `runs stop ID` stops it. The exit status is 1 if the run failed.
    """
    changes = dict(read_assignment(text) for text in assignments)
    config = preset_config(preset).with_values({**changes, "data.path": folder})
    for setting in changes:
        if not config.uses(setting):
            click.echo(f"note: {without_effect(config, setting)}", err=True)
    run_id = launch.launch(config, runs_dir, name=name, note=note)
    click.echo(run_id)
    if not detach:
        follow_to_end(run_id, runs_dir)
