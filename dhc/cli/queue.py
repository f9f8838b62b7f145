"""``python -m dhc runs work``, ``queue`` and ``move``: the queues of runs and their workers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from dhc.cli.common import JSON, RUNS, print_json
from dhc.cli.numbers import Whole
from dhc.cluster import overview
from dhc.jobs import launch
from dhc.jobs import queue as queues
from dhc.runs import rundir
from dhc.runs.rundir import ENGINES

IN_VAIN = " here, but Slurm has its job already, and begins jobs in an order of its own"
PLACE = Whole(1, 100_000, "no queue is longer")


@click.command("work")
@RUNS
def work(runs_dir: Path) -> None:
    """Continue the queues, as after a restart: start a worker for each device with queued runs."""
    devices = launch.work(runs_dir)
    for device in devices:
        click.echo(f"{device}: {len(queues.queue(runs_dir, device))} queued, a worker is running")
    if not devices:
        click.echo("no run is queued")


@click.command("queue")
@RUNS
@JSON
def queue(runs_dir: Path, as_json: bool) -> None:
    """Show which run trains and which ones wait, in order, by device."""
    queue_by_device = {device: _queue(runs_dir, device) for device in queues.devices(runs_dir, training=True)}
    if as_json:
        return print_json(queue_by_device)
    for device, values in queue_by_device.items():
        click.echo(f"{device}: {values['worker']}")
        for number, run_id in enumerate(values["waiting"], start=1):
            click.echo(f"  {number}. {run_id}")
    if not queue_by_device:
        click.echo("no run trains or waits")
    return None


@click.command("move")
@click.argument("run_id")
@click.option("--to", type=PLACE, default=1, show_default=True, help="New place in the queue; 1 is next.")
@RUNS
def move(run_id: str, to: int, runs_dir: Path) -> None:
    """Give a queued run another place in its queue; jobs that Slurm has already begin in its own order."""
    place = queues.move(runs_dir, run_id, to - 1) + 1
    in_vain = overview.is_in_order_of_its_own(rundir.run_dir(runs_dir, run_id))
    click.echo(f"{run_id} is now at place {place}{IN_VAIN if in_vain else ''}")


def _queue(runs_dir: Path, device: str) -> dict[str, Any]:
    """What a device's worker does, in words, and the ids of the runs that wait."""
    worker, idle = queues.worker_of(runs_dir, device), queues.idle_reason(runs_dir, device)
    training, waiting = queues.training_run(runs_dir, device), queues.queue(runs_dir, device)
    words = [f"trains {training.name}"] if training is not None else []
    if device in ENGINES and (placed := overview.engine(runs_dir, device).running):
        words = [f"runs {', '.join(f'{run.id} ({overview.placed_text(run)})' for run in placed)}"]
    if idle and waiting:
        words.append(f"{idle}; `python -m dhc runs work` starts one")
    elif worker is not None and worker.waits:
        words.append(worker.waits)
    return {"worker": "; ".join(words) or "starts the next run", "waiting": [folder.name for folder in waiting]}
