"""``python -m dhc``: all that the pages do, for GPU servers and scripts. Exit status 0, 1 (the run failed), 2 (bad input)."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from dhc.config import ConfigError, read_assignment
from dhc.data.layout import DataError
from dhc.follow import follow
from dhc.jobs import launch
from dhc.presets import DEFAULT, PRESETS, preset_config
from dhc.runs.rundir import RunError
from dhc.runs.store import RunInfo, Store
from dhc.training.hardware import DeviceError

BAD_INPUT = 2
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
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def main() -> None:
    """Run the command line; a person's mistake is one sentence and exit status 2."""
    try:
        cli()
    except (ConfigError, DataError, RunError, DeviceError) as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(BAD_INPUT)
    except BrokenPipeError:
        sys.exit(0)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
def cli() -> None:
    """Train, watch and compare image classifiers: the dashboard's command line."""


@cli.command()
@JSON
def doctor(as_json: bool) -> None:
    """Say what this machine offers: device, versions, expected pictures/s, what to install for the GPU."""
    from dhc.doctor import examine

    found = examine()
    if as_json:
        return _print_json(found.as_dict())
    click.echo(
        f"device   {found.device} ({found.cpu}, {found.cores} cores, {found.matrix_gflops:g} GFLOP/s in matrix products)"
    )
    for gpu in found.gpus:
        click.echo(f"gpu:{gpu.index}    {gpu.name}, {gpu.memory} MiB, {gpu.memory_used} MiB in use")
    click.echo(
        "versions "
        + ", ".join(f"{name} {version}" for name, version in {"python": found.python, **found.versions}.items())
    )
    click.echo(
        "expected on the CPU: " + ", ".join(f"{name} {speed:g} pictures/s" for name, speed in found.expected.items())
    )
    for sentence in found.advice:
        click.echo(f"note     {sentence}")
    return None


@cli.group()
def data() -> None:
    """Make, check and look at data sets."""


@data.command("make")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--classes", default=96, show_default=True, help="How many classes.")
@click.option("--train", default=12_000, show_default=True, help="Training pictures.")
@click.option("--val", default=1_000, show_default=True, help="Val pictures.")
@click.option("--test", default=5_000, show_default=True, help="Test pictures.")
@click.option("--seed", default=0, show_default=True)
def make(folder: Path, classes: int, train: int, val: int, test: int, seed: int) -> None:
    """Draw the stand-in data set into FOLDER: generated pictures in the competition's layout, not the competition's own."""
    from dhc.data.generate import make_dataset

    bar: Any = None

    def tell(done: int, total: int) -> None:
        nonlocal bar
        if bar is None:  # only now is it sure that there is something to draw
            bar = click.progressbar(length=total, label=f"drawing {total:,} pictures")
        bar.update(done - bar.pos)

    make_dataset(folder, classes=classes, train=train, val=val, test=test, seed=seed, progress=tell)
    if bar is not None:
        bar.render_finish()
    click.echo(
        f"{folder}: {classes} classes, {train:,} train, {val:,} val, {test:,} test pictures (generated stand-in, seed {seed})"
    )


@data.command("check")
@click.argument("folder", type=click.Path(path_type=Path))
@JSON
def check(folder: Path, as_json: bool) -> None:
    """Read every picture in FOLDER and list what is wrong. Exit status 1 when something makes it unusable."""
    from dhc.data.health import check as examine

    findings = examine(folder)
    if as_json:
        _print_json(
            [{"kind": f.kind, "severity": f.severity, "text": f.text, "files": list(f.files)} for f in findings]
        )
    for finding in () if as_json else findings:
        click.echo(f"{finding.severity:8} {finding.text}")
    if not findings and not as_json:
        click.echo("nothing wrong was found")
    if any(finding.kind == "layout" for finding in findings):
        sys.exit(BAD_INPUT)
    sys.exit(1 if any(finding.severity == "error" for finding in findings) else 0)


@cli.command()
@click.option("--data", "folder", required=True, help="Data folder: train.csv, val.csv and their pictures.")
@click.option(
    "--preset", default=DEFAULT, show_default=True, type=click.Choice(list(PRESETS)), help="Settings to start from."
)
@click.option(
    "--set",
    "assignments",
    multiple=True,
    metavar="NAME=VALUE",
    help="Change one setting, e.g. fit.epochs=3; repeatable.",
)
@click.option("--detach", is_flag=True, help="Queue the run, print its id and return.")
@RUNS
def train(folder: str, preset: str, assignments: tuple[str, ...], detach: bool, runs_dir: Path) -> None:
    """Train a network in a background process and follow it. Ctrl-C leaves the run going; `runs stop ID` stops it."""
    changes = dict(read_assignment(text) for text in assignments)
    config = preset_config(preset).with_values({**changes, "data.path": folder})
    run_id = launch.launch(config, runs_dir)
    click.echo(run_id)
    if detach:
        return
    try:
        state = follow(Store(runs_dir), run_id, click.echo)
    except KeyboardInterrupt:
        click.echo(f"\nthe run goes on; `python -m dhc runs stop {run_id}` stops it", err=True)
        sys.exit(0)
    sys.exit(0 if state in ("finished", "stopped") else 1)


@cli.group()
def runs() -> None:
    """List, look at, stop and delete runs."""


@runs.command("list")
@RUNS
@JSON
def list_runs(runs_dir: Path, as_json: bool) -> None:
    """List the runs, newest first."""
    found = Store(runs_dir).runs()
    if as_json:
        return _print_json([info.as_dict() for info in found])
    if not found:
        click.echo(f"no runs in {runs_dir} yet: `python -m dhc train --data DIR` starts one")
    for info in found:
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
        return _print_json(info.as_dict())
    click.echo(_line(info))
    if info.status.reason or info.problem:
        click.echo(f"  {info.status.reason or info.problem}")
    if info.config is not None:
        click.echo(info.config.to_json())
    return None


@runs.command("stop")
@click.argument("run_id")
@RUNS
def stop(run_id: str, runs_dir: Path) -> None:
    """Stop a run at its next batch, keeping its best network; take a queued one out of the queue."""
    launch.stop(runs_dir, run_id)
    click.echo(f"{run_id} was asked to stop")


@runs.command("delete")
@click.argument("run_id")
@RUNS
def delete(run_id: str, runs_dir: Path) -> None:
    """Move a run that has ended into the trash (runs/.trash)."""
    click.echo(f"{run_id} is now {launch.delete(runs_dir, run_id)}")


@cli.command()
@click.argument("run_id")
@click.option("--split", type=click.Choice(["train", "val", "test"]), default="val", show_default=True)
@RUNS
@JSON
def evaluate(run_id: str, split: str, runs_dir: Path, as_json: bool) -> None:
    """Print the classification report of a run's best network: precision, recall, F1 and support per class."""
    from dhc.analysis import report
    from dhc.evaluate import confusion_of_run
    from dhc.runs.rundir import run_dir

    matrix, classes = confusion_of_run(run_dir(runs_dir, run_id), split)
    if as_json:
        rows = report.classification_report(matrix, classes).to_dict("records")
        return _print_json({"classes": rows, "averages": report.averages(matrix).to_dict("records")})
    click.echo(report.to_text(matrix, classes))
    return None


def _line(info: RunInfo) -> str:
    best = "-" if info.best_val_accuracy is None else f"{info.best_val_accuracy:.4f} at epoch {info.best_epoch}"
    return f"{info.id}  {info.state:9} epoch {info.epochs_done}/{info.epochs_total or '?'}  best val_accuracy {best}"


def _print_json(value: Any) -> None:
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False, default=str))
