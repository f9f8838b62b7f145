"""``python -m dhc runs list``, ``show``, ``stop``, ``kill`` and ``resume``.

The group's other commands are in `disk`, `labels`, `queue` and `sweep`.
"""

from __future__ import annotations

from pathlib import Path

import click

from dhc.analysis.lineage import course_sentences
from dhc.analysis.query import EXAMPLES, read_query
from dhc.analysis.search import RunFilter, select_runs
from dhc.cli.common import JSON, RUNS, follow_to_end, print_json
from dhc.errors import ConfigError
from dhc.jobs import control, launch
from dhc.runs.store import RunInfo, Store
from dhc.text import quote


@click.group()
def runs() -> None:
    """List, show, stop, label, and delete runs."""


@runs.command("list")
@click.option("--where", default="", metavar="SEARCH", help="Only those: words, dropout>0.2, acc>=0.8, 'tag has x'.")
@RUNS
@JSON
def list_runs(where: str, runs_dir: Path, as_json: bool) -> None:
    """List the runs, newest first; with --where those that the search of the Runs screen finds."""
    for part, reason in read_query(where).unread:
        raise ConfigError(f"--where does not understand {quote(part)}: {reason}; write for example {EXAMPLES}")
    everyone = Store(runs_dir).runs()
    infos = select_runs(everyone, RunFilter(words=where, archived=True))
    if as_json:
        return print_json([info.as_dict() for info in infos])
    if everyone and not infos:
        click.echo(f"no run in {runs_dir} passes --where {where}")
    if not everyone:
        click.echo(f"no runs in {runs_dir} yet: `python -m dhc train --data DIR` starts one")
    for info in infos:
        click.echo(_line(info))
    return None


@runs.command("show")
@click.argument("run_id")
@RUNS
@JSON
def show(run_id: str, runs_dir: Path, as_json: bool) -> None:
    """Show one run: its state, its best epoch, its settings."""
    info = Store(runs_dir).run(run_id)
    if as_json:
        return print_json(info.as_dict())
    click.echo(_line(info))
    if info.status.reason or info.problem:
        click.echo(f"  {info.status.reason or info.problem}")
    titles = {other.id: other.title for other in Store(runs_dir).runs()} if info.course.branches else {}
    for sentence in course_sentences(info, titles):
        click.echo(f"  {sentence}")
    if info.config is not None:
        click.echo(info.config.to_json())
    return None


@runs.command("stop")
@click.argument("run_id")
@click.option("--after-epoch", is_flag=True, help="Let it finish and save the epoch that runs.")
@RUNS
def stop(run_id: str, after_epoch: bool, runs_dir: Path) -> None:
    """Stop a run at its next batch, keeping its best network; a queued one leaves the queue."""
    if after_epoch:
        launch.stop_after_epoch(runs_dir, run_id)
        return click.echo(f"{run_id} will stop after the epoch that runs")
    launch.stop(runs_dir, run_id)
    cancelled = Store(runs_dir).run(run_id).status.cause == "cancelled"
    return click.echo(f"{run_id} {'was taken out of the queue' if cancelled else 'was asked to stop'}")


@runs.command("resume")
@click.argument("run_id")
@click.option("--detach", is_flag=True, help="Queue it and return.")
@RUNS
def resume(run_id: str, detach: bool, runs_dir: Path) -> None:
    """Resume a stopped or killed run from its last saved epoch, as if nothing had happened."""
    launch.resume(runs_dir, run_id)
    if detach:
        click.echo(f"{run_id} is queued")
    else:
        follow_to_end(run_id, runs_dir)


@runs.command("kill")
@click.argument("run_id")
@RUNS
def kill(run_id: str, runs_dir: Path) -> None:
    """End a run's process at once, where stopping is not enough; its finished epochs are kept."""
    control.kill(runs_dir, run_id)
    click.echo(f"{run_id} was killed")


def _line(info: RunInfo) -> str:
    best = "-" if info.best_val_accuracy is None else f"{info.best_val_accuracy:.4f} at epoch {info.best_epoch}"
    epochs = f"epoch {info.epochs_done}/{info.epochs_total or '?'}"
    marks = "  *" * info.labels.star + "  (archived)" * info.labels.archived
    return f"{info.id}  {info.state:9} {epochs}  best val_accuracy {best}  {info.title}{marks}"
