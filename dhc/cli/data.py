"""``python -m dhc data``: make and check data sets."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from dhc.cli.common import BAD_INPUT, JSON, print_json
from dhc.cli.importing import import_pictures
from dhc.cli.numbers import Whole
from dhc.data.standin.labels import MOST_CLASSES, MOST_PICTURES, MOST_SEED, WHY_SEED, WHY_SO_MANY

COUNT = {split: Whole(0, most, WHY_SO_MANY) for split, most in MOST_PICTURES.items()}
CLASSES = Whole(2, MOST_CLASSES, "the generator knows so many kinds of pictures")
ONLY = Whole(0, MOST_CLASSES, "the generator knows so many kinds of pictures; 0 draws all")
SEED = Whole(0, MOST_SEED, WHY_SEED)


@click.group()
def data() -> None:
    """Import, make and check data sets."""


data.add_command(import_pictures)


@data.command("make")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--classes", type=CLASSES, default=96, show_default=True, help="How many classes.")
@click.option("--train", type=COUNT["train"], default=12_000, show_default=True, help="Training pictures.")
@click.option("--val", type=COUNT["val"], default=1_000, show_default=True, help="Val pictures.")
@click.option("--test", type=COUNT["test"], default=5_000, show_default=True, help="Test pictures.")
@click.option("--seed", type=SEED, default=0, show_default=True)
@click.option(
    "--only", type=ONLY, default=0, help="Draw only the first so many classes, the same files as in the whole set."
)
@click.option("--low-priority", is_flag=True, help="Let every other process have the processor first.")
def make(folder: Path, classes: int, train: int, val: int, test: int, seed: int, only: int, low_priority: bool) -> None:
    """Make the stand-in data set in FOLDER: pictures drawn by us, in the competition's layout."""
    from dhc.data.standin.generate import make_dataset
    from dhc.machine.priority import give_way

    if low_priority:
        give_way()
    bar: Any = None

    def progress(count: int, total: int) -> None:
        nonlocal bar
        if bar is None:  # only now is it certain that there is something to draw
            bar = click.progressbar(length=total, label=f"drawing {total:,} pictures")
        bar.update(count - bar.pos)

    sizes = make_dataset(
        folder, classes=classes, train=train, val=val, test=test, seed=seed, only=only, progress=progress
    )
    if bar is not None:
        bar.render_finish()
    counts = ", ".join(f"{count:,} {split}" for split, count in sizes.items())
    click.echo(f"{folder}: {only or classes} classes, {counts} pictures (generated stand-in, seed {seed})")


@data.command("check")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--record",
    type=click.Path(path_type=Path),
    help="Also keep progress and findings in this file, as the Data page does.",
)
@JSON
def check(folder: Path, record: Path | None, as_json: bool) -> None:
    """Read every picture in FOLDER and list what is wrong.

    The exit status is 1 when something makes it unusable.
    """
    from dhc.data.health import check_dataset

    if not as_json:
        _print_readings(folder)
    if record is None:
        findings = check_dataset(folder)
    else:
        from dhc.jobs.check import Recorder

        recorder = Recorder(record)
        findings = check_dataset(folder, recorder.report)
        recorder.keep(folder, findings)
    if as_json:
        print_json([{"kind": f.kind, "severity": f.severity, "text": f.text, "files": list(f.files)} for f in findings])
    for finding in () if as_json else findings:
        click.echo(f"{finding.severity:8} {finding.text}")
    if not findings and not as_json:
        click.echo("nothing wrong was found")
    if any(finding.kind == "layout" for finding in findings):
        sys.exit(BAD_INPUT)
    sys.exit(1 if any(finding.severity == "error" for finding in findings) else 0)


def _print_readings(folder: Path) -> None:
    """How the tables are read; of those that cannot be, the check itself speaks."""
    from dhc.data.layout import open_dataset, readings
    from dhc.errors import DataError

    with suppress(DataError):
        for line in readings(open_dataset(folder)):
            click.echo(f"read     {line}")
