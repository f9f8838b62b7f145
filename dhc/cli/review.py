"""``python -m dhc review``: likely label errors of a run's data set, and what was said of them, as CSV."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import numpy as np

from dhc.analysis import suspects
from dhc.analysis.suspects import Suspects
from dhc.cli.common import JSON, RUNS, print_json
from dhc.cli.numbers import Whole
from dhc.data.review import Mark, read_marks, review_file, standing
from dhc.errors import RunError
from dhc.export.review import review_csv
from dhc.files import target
from dhc.runs.config_file import require_config
from dhc.runs.contract import UsedPictures
from dhc.runs.dynamics import read_dynamics
from dhc.runs.predictions import read_predictions
from dhc.runs.rundir import run_dir
from dhc.text import clean, count_text

SAID = {"keep": "kept", "relabel": "other label", "leave-out": "left out", "unsure": "unsure"}


@click.command()
@click.argument("run_id")
@click.option("--split", type=click.Choice(["train", "val"]), default="val", show_default=True, help="Whose labels.")
@click.option(
    "--most",
    type=Whole(1, 100_000, "no data set has more to look at"),
    default=20,
    show_default=True,
    help="How many of the most suspect labels.",
)
@click.option(
    "--export", "out", type=click.Path(path_type=Path), help="Instead: write the marks of its data set to a CSV file."
)
@click.option("--force", is_flag=True, help="Let the CSV file take the place of another.")
@RUNS
@JSON
def review(run_id: str, split: str, most: int, out: Path | None, force: bool, runs_dir: Path, as_json: bool) -> None:
    """Print the most suspect labels of the run's pictures, and what was said of them on the Review screen.

    With --export, all marks of its data set as CSV: split, file, label, mark, other label, who, when, run.
    """
    folder = run_dir(runs_dir, run_id)
    config = require_config(folder)
    path = review_file(Path(config.data.path))
    marks = standing(read_marks(path))
    if out is not None:
        target.refuse(out, force=force)
        target.put(out, review_csv(marks))
        click.echo(f"{count_text(len(marks), 'mark')} of {clean(str(path))} written to {clean(str(out))}")
        return
    if config.data.shuffle_labels:
        raise RunError(suspects.NONSENSE)
    files, labels, found = _judged(folder, split)
    said = {mark.file: mark for mark in marks if mark.split == split}
    rows = [_row(files[place], labels[place], found, place, said) for place in found.order[:most].tolist()]
    if as_json:
        print_json({"split": split, "pictures": len(files), "likely": found.likely, "most_suspect": rows})
        return
    click.echo(f"{found.likely:,} of {len(files):,} {split} labels are likely wrong; the most suspect first:")
    click.echo("\n".join(_line(row) for row in rows))


def _judged(folder: Path, split: str) -> tuple[list[str], list[str], Suspects]:
    """Files and labels of the run's pictures of a split, and its suspects. Raises RunError."""
    if split == "val":
        val = read_predictions(folder)
        labels = [val.classes[place] for place in val.y_true.tolist()]
        return val.ids.tolist(), labels, suspects.of_val(val.y_true, val.probabilities)
    used, dynamics = UsedPictures.of(folder), read_dynamics(folder)
    names = np.array(used.classes, dtype=object)
    if dynamics is None or len(used.train.files) != dynamics.p.shape[1] or len(used.labels(used.train)) == 0:
        raise RunError(
            f"run {folder.name} noted nothing of its training pictures while it trained: train a copy of it, or ask for --split val"
        )
    return used.train.files, names[used.train.labels].tolist(), suspects.of_train(dynamics)


def _row(file: str, label: str, found: Suspects, place: int, said: Mapping[str, Mark]) -> dict[str, Any]:
    mark = said.get(file)
    return {
        "file": file,
        "label": label,
        "score": round(float(found.score[place]), 4),
        "mark": None if mark is None else mark.verdict,
        "other_label": None if mark is None else mark.other or None,
    }


def _line(row: Mapping[str, Any]) -> str:
    other = f" {clean(row['other_label'])}" if row["other_label"] else ""
    said = f"  {SAID[row['mark']]}{other}" if row["mark"] else ""
    return f"{row['score']:.3f}  {clean(row['file'])}  {clean(row['label'])}{said}"
