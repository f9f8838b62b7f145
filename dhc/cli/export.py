"""``python -m dhc export``: runs as tables, as a report, for TensorBoard, into MLflow."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from dhc.cli.common import RUNS
from dhc.errors import RunError
from dhc.runs.store import RunInfo, Store
from dhc.text import count_text

KINDS = ("csv", "html", "tensorboard", "mlflow")


@click.command(no_args_is_help=True)
@click.argument("run_ids", nargs=-1, metavar="[RUN_ID]…")
@click.argument("out")
@click.option("--to", "kind", type=click.Choice(KINDS), required=True, help="What to make of the runs.")
@click.option("--all", "all_runs", is_flag=True, help="Export every run instead of naming some.")
@click.option("--force", is_flag=True, help="Replace what exists already; mlflow: import anew.")
@click.option("--network", is_flag=True, help="mlflow: copy best.keras, too.")
@RUNS
def export(
    run_ids: tuple[str, ...], out: str, kind: str, all_runs: bool, force: bool, network: bool, runs_dir: Path
) -> None:
    """Write runs to OUT in a form that other programs read.

    \b
    csv          OUT a file: one row a run; their histories go beside it (OUT-history.csv)
    html         OUT a file: a report to hand in or print, which needs nothing else to be read
    tensorboard  OUT a folder: event files; tensorboard --logdir OUT shows them
    mlflow       OUT a folder, or a tracking URI such as http://127.0.0.1:5000; runs that it has already are skipped
    """
    if network and kind != "mlflow":
        raise RunError("--network only goes with --to mlflow: the other forms hold no networks")
    store = Store(runs_dir)
    runs = _runs(store, run_ids, all_runs=all_runs)
    write = {"csv": _csv, "html": _html, "tensorboard": _tensorboard, "mlflow": _mlflow}[kind]
    for line in write(runs, store, out, force=force, network=network, progress=_progress(len(runs))):
        click.echo(line)


def _runs(store: Store, run_ids: Sequence[str], *, all_runs: bool) -> list[RunInfo]:
    if all_runs and run_ids:
        raise RunError("--all exports every run: name runs, or say --all, not both")
    if not all_runs and not run_ids:
        raise RunError("there is no run to export: name runs before OUT, or say --all")
    runs = store.runs() if all_runs else [store.run(run_id) for run_id in dict.fromkeys(run_ids)]
    if not runs:
        raise RunError(f"there are no runs in {store.runs_dir} yet: `python -m dhc train --data DIR` starts one")
    return runs


def _progress(total: int) -> Callable[[int, int], None] | None:
    """A bar on standard error, where that is a terminal and there is something to wait for."""
    if total < 2 or not sys.stderr.isatty():
        return None
    bar: Any = click.progressbar(length=total, label=f"exporting {total:,} runs", file=sys.stderr)

    def progress(count: int, total: int) -> None:
        bar.update(count - bar.pos)
        if count == total:
            bar.render_finish()

    return progress


def _csv(runs: Sequence[RunInfo], store: Store, out: str, *, force: bool, **_: Any) -> list[str]:
    from dhc.export.table import write_csv

    table, histories = write_csv(runs, store, Path(out), force=force)
    return [f"{table}: {count_text(len(runs), 'run')}, one row each", f"{histories}: their histories, one row an epoch"]


def _html(runs: Sequence[RunInfo], store: Store, out: str, *, force: bool, progress: Any, **_: Any) -> list[str]:
    from dhc.export.html import write_html

    file = write_html(runs, store, Path(out), force=force, progress=progress)
    size = f"{file.stat().st_size / 1e6:.1f} MB"
    return [f"{file}: report of {count_text(len(runs), 'run')}, {size}; open it in a browser"]


def _tensorboard(runs: Sequence[RunInfo], store: Store, out: str, *, force: bool, progress: Any, **_: Any) -> list[str]:
    from dhc.export.tensorboard import write_tensorboard

    write_tensorboard(runs, store, Path(out), force=force, progress=progress)
    return [f"{out}: event files of {count_text(len(runs), 'run')}; `tensorboard --logdir {out}` shows them"]


def _mlflow(runs: Sequence[RunInfo], store: Store, out: str, *, force: bool, network: bool, progress: Any) -> list[str]:
    from dhc.export.mlflow import is_uri, write_mlflow

    result = write_mlflow(runs, store, out, network=network, force=force, progress=progress)
    skipped_runs = f", {len(result.earlier)} were there already" if result.earlier else ""
    lines = [f"{out}: {len(result.new)} imported{skipped_runs}"]
    return lines if is_uri(out) else [*lines, f"`mlflow ui --backend-store-uri {result.uri}` shows them"]
