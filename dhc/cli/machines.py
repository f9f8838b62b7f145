"""``python -m dhc machines``: this machine and the clusters, their settings, a trial."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from dhc.cli.common import JSON, RUNS, print_json
from dhc.cluster import errands, overview
from dhc.cluster.look import look
from dhc.cluster.overview import Engine, ThisMachine
from dhc.cluster.settings import assigned, differences, machines_of, settings_of
from dhc.cluster.trial import Trial, try_engine
from dhc.jobs.datasets import is_dataset
from dhc.jobs.launch import require_engine
from dhc.machine import hardware
from dhc.runs.rundir import ENGINES
from dhc.text import count_text, duration_text

COMMAND_LINE = click.core.ParameterSource.COMMANDLINE
ENGINE = click.Choice(ENGINES)
SIGNS = {"good": "ok     ", "warning": "note   ", "bad": "mend   "}


@click.group(invoke_without_command=True)
@RUNS
@JSON
@click.pass_context
def machines(context: click.Context, runs_dir: Path, as_json: bool) -> None:
    """This machine and the clusters, Ray and Slurm; without a command, `show`."""
    if context.invoked_subcommand is None:
        context.invoke(show, runs_dir=runs_dir, as_json=as_json)
    elif any(context.get_parameter_source(name) is COMMAND_LINE for name in context.params):
        raise click.UsageError(f"write options behind the command: machines {context.invoked_subcommand} --runs FOLDER")


@machines.command("show")
@RUNS
@JSON
def show(runs_dir: Path, as_json: bool) -> None:
    """Say what each machine has, what runs where, what waits and why."""
    here, engines = (
        overview.this_machine(runs_dir, hardware.gpus(), overview.busy_percent()),
        overview.engines(runs_dir),
    )
    if as_json:
        return print_json({"here": asdict(here), **{engine.name: _values(engine, runs_dir) for engine in engines}})
    for line in [*_here(here), *(line for engine in engines for line in _engine(engine))]:
        click.echo(line)
    return None


@machines.command("set")
@click.argument("changes", nargs=-1, metavar="[NAME=VALUE]…")
@RUNS
@JSON
def set_(changes: tuple[str, ...], runs_dir: Path, as_json: bool) -> None:
    """Change settings of the clusters, such as ray.address=ray://HEAD:10001 or slurm.partition=gpu.

    Without any, list them all with what they mean. They stand in machines.json beside the runs.
    """
    before = machines_of(runs_dir)
    after = assigned(before, changes)
    if changes:
        errands.change_settings(runs_dir, after)
    if as_json:
        return print_json(after.model_dump(mode="json"))
    for setting, old, new in differences(before, after):
        click.echo(f"{setting.name} {_quoted(old)} → {_quoted(new)}")
    for setting in [] if changes else [setting for name in ENGINES for setting in settings_of(name)]:
        click.echo(f"{setting.name}={getattr(after.of(setting.engine), setting.key)}")
        click.echo(f"    {setting.help} It takes {setting.takes}.")
    return None


@machines.command("look")
@click.argument("engine", type=ENGINE)
@RUNS
@JSON
def look_(engine: str, runs_dir: Path, as_json: bool) -> None:
    """Look at a cluster now, and write down what is there for the screens."""
    require_engine(engine)
    look(runs_dir, engine)
    view = overview.engine(runs_dir, engine)
    if as_json:
        return print_json(_values(view, runs_dir))
    click.echo("\n".join(_engine(view)))
    return None


@machines.command("try")
@click.argument("engine", type=ENGINE)
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path),
    envvar="DHC_DATA_DIR",
    show_envvar=True,
    default="data",
    show_default=True,
    help="Folder of the data sets, each of which should be seen there.",
)
@RUNS
@JSON
def try_(engine: str, data_dir: Path, runs_dir: Path, as_json: bool) -> None:
    """Run a job of ten seconds in a cluster as a run goes there, and say what it saw.

    Where it runs, whether Python and its packages are the same, which GPUs it got, whether it sees runs and pictures, and what the
    file system promises between the machines. The exit status is 1 if something must be mended: then no run is handed out before.
    """
    require_engine(engine)
    folders = sorted(path for path in data_dir.iterdir() if is_dataset(path)) if data_dir.is_dir() else []
    trial = try_engine(runs_dir, engine, folders, lambda text: click.echo(f"{text} …", err=as_json))
    if as_json:
        print_json(trial.model_dump(mode="json"))
    else:
        click.echo("\n".join(_trial(trial)))
    sys.exit(1 if trial.bad else 0)


def _here(here: ThisMachine) -> Iterator[str]:
    gpus = ", ".join(f"{gpu.name} ({gpu.utilization} % busy)" for gpu in here.gpus) or "no GPU"
    yield f"this machine, {platform.node()}: {count_text(here.cores, 'core')}, {here.busy:.0f} % busy, {gpus}"
    for queue in here.queues:
        now = f"trains {queue.training}" if queue.training else "trains nothing"
        yield f"  {queue.device}: {now}; {count_text(len(queue.waiting), 'run')} waiting"
    for one in here.ready:
        yield f"  {one.device}: a process for the next run {one.text}"


def _engine(engine: Engine) -> Iterator[str]:
    if engine.lack:
        yield f"{engine.title}: {engine.lack}"
    else:
        looked = f"not looked at yet: `python -m dhc machines look {engine.name}` does"
        unknown = "could not be reached" if engine.cluster.problem else looked
        size = overview.size_text(engine.cluster) or unknown
        seen = "" if engine.age is None else f" (seen {duration_text(engine.age)} ago)"
        if engine.cluster.problem:
            seen = " (as it was before it could not be reached)" if engine.cluster.nodes else ""
        yield f"{engine.title}: {size}{seen}"
    if engine.cluster.problem:
        yield f"  wrong: {engine.cluster.problem}"
    if engine.runs and engine.idle:
        yield f"  {engine.idle}: `python -m dhc runs work` starts one"
    for node in engine.cluster.nodes:
        state = overview.free_text([node]) if node.state == "up" else f"down: {node.reason or 'no reason is known'}"
        yield f"  {node.name}: {state}"
    for run in engine.runs:
        yield f"  {run.id} {overview.placed_text(run)}"
    if engine.trial is not None:
        yield from (f"  {line}" for line in _trial(engine.trial) if not line.startswith(SIGNS["good"]))
    elif not engine.lack:
        yield f"  never tried with these settings: `python -m dhc machines try {engine.name}`"


def _trial(trial: Trial) -> Iterator[str]:
    for finding in trial.findings:
        yield f"{SIGNS[finding.state]}{finding.name}: {finding.text.rstrip('.')}."
    if trial.problem:
        yield f"{SIGNS['bad']}Trial: {trial.problem}"


def _values(engine: Engine, runs_dir: Path) -> dict[str, Any]:
    """A cluster for ``--json``."""
    runs = [
        {
            "run": run.id,
            "state": run.status.state.value,
            "reason": run.status.reason,
            **run.handed.model_dump(mode="json"),
        }
        for run in engine.runs
    ]
    return {
        "lack": engine.lack,
        "settings": machines_of(runs_dir).of(engine.name).model_dump(mode="json"),
        "cluster": engine.cluster.model_dump(mode="json"),
        "worker": engine.idle or "at work",
        "runs": runs,
        "trial": None if engine.trial is None else engine.trial.model_dump(mode="json"),
    }


def _quoted(value: object) -> str:
    return repr(value) if isinstance(value, str) else f"{value}"
