"""``python -m dhc evaluate``: how well a run's network does."""

from __future__ import annotations

from pathlib import Path

import click

from dhc.cli.common import JSON, RUNS, print_json


@click.command()
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
        return print_json({"classes": rows, "averages": report.averages(matrix).to_dict("records")})
    click.echo(report.to_text(matrix, classes))
    return None
