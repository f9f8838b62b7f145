"""``python -m dhc runs work``, ``queue`` and ``move``: going on after a restart, and the order in which runs are trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from dhc.cli.common import JSON, RUNS, print_json
from dhc.jobs import launch
from dhc.jobs import queue as queues


@click.command("work")
@RUNS
def work(runs_dir: Path) -> None:
    """Go on with the queues, as after a restart of the machine: starts a worker for each device for which runs wait."""
    waiting = launch.work(runs_dir)
    for device in waiting:
        click.echo(f"{device}: {len(queues.queue(runs_dir, device))} queued, a worker is at it")
    if not waiting:
        click.echo("no run waits")


@click.command("queue")
@RUNS
@JSON
def queue(runs_dir: Path, as_json: bool) -> None:
    """Show who trains and who waits, in order, by device."""
    found = {device: _told(runs_dir, device) for device in queues.devices(runs_dir, training=True)}
    if as_json:
        return print_json(found)
    for device, told in found.items():
        click.echo(f"{device}: {told['worker']}")
        for number, run_id in enumerate(told["waiting"], start=1):
            click.echo(f"  {number}. {run_id}")
    if not found:
        click.echo("no run trains or waits")
    return None


@click.command("move")
@click.argument("run_id")
@click.option("--to", type=click.IntRange(1), default=1, show_default=True, help="New place in the queue; 1 is next.")
@RUNS
def move(run_id: str, to: int, runs_dir: Path) -> None:
    """Give a queued run another place in its queue."""
    click.echo(f"{run_id} is now at place {queues.move(runs_dir, run_id, to - 1) + 1}")


def _told(runs_dir: Path, device: str) -> dict[str, Any]:
    worker = queues.worker_of(runs_dir, device)
    training, waiting = queues.training_run(runs_dir, device), queues.queue(runs_dir, device)
    words = [f"trains {training.name}"] if training is not None else []
    if worker is None and waiting:
        words.append("nobody is at work; `python -m dhc runs work` goes on")
    elif worker is not None and worker.waits:
        words.append(worker.waits)
    return {"worker": "; ".join(words) or "starts the next run", "waiting": [folder.name for folder in waiting]}
