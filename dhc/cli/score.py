"""``python -m dhc evaluate`` and ``predict``: a run's report and its submission."""

from __future__ import annotations

from pathlib import Path

import click

from dhc.cli.common import JSON, MIRROR, RUNS, UNREADABLE, print_json

MIRRORED = "each picture asked together with its mirror image: compare it only with its like"


@click.command()
@click.argument("run_id")
@click.option("--split", type=click.Choice(["train", "val", "test"]), default="val", show_default=True)
@click.option("--out", type=click.Path(path_type=Path), help="Also write how many are right to this JSON file.")
@MIRROR
@RUNS
@JSON
def evaluate(run_id: str, split: str, out: Path | None, mirror: bool, runs_dir: Path, as_json: bool) -> None:
    """Print the classification report of a run: precision, recall, F1 and support per class."""
    from dhc.analysis import report
    from dhc.files import target
    from dhc.predict.answers import confusion_of_run
    from dhc.runs.contract import Score
    from dhc.runs.rundir import run_dir

    if out is not None:
        target.refuse(out, force=True)
    matrix, classes = confusion_of_run(run_dir(runs_dir, run_id), split, mirror=mirror)
    if split != "val":
        _warn_of_few_classes(run_id, runs_dir, "pictures of the others are left out here")
    if out is not None:
        pictures, correct = int(matrix.sum()), int(matrix.trace())
        score = Score(run=run_id, split=split, pictures=pictures, correct=correct, mirror=mirror)
        score.save(out.parent.resolve() / out.name)
    if as_json:
        rows = report.classification_report(matrix, classes).to_dict("records")
        return print_json({"classes": rows, "averages": report.averages(matrix).to_dict("records"), "mirror": mirror})
    click.echo(report.to_text(matrix, classes) + (f"\n{MIRRORED}" if mirror else ""))
    return None


@click.command()
@click.argument("run_id")
@click.option("--split", type=click.Choice(["train", "val", "test"]), default="test", show_default=True)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="The file to write.  [default: <RUN_ID>-<split>.csv, <RUN_ID>-<split>-mirror.csv]",
)
@click.option("--force", is_flag=True, help="Replace the file if it exists.")
@UNREADABLE
@MIRROR
@RUNS
def predict(
    run_id: str, split: str, out: Path | None, force: bool, unreadable: str, mirror: bool, runs_dir: Path
) -> None:
    """Write a run's answers as a submission: a class for each picture, in the form of the data set's sample or tables."""
    from dhc.data.select import WRONG_ANSWER
    from dhc.predict.submission import write_submission
    from dhc.runs.rundir import run_dir

    out = out or Path(f"{run_id}-{split}{'-mirror' if mirror else ''}.csv")
    folder = run_dir(runs_dir, run_id)
    written = write_submission(folder, split, out, force=force, unreadable=unreadable, mirror=mirror)
    how = ", each picture asked together with its mirror image" if mirror else ""
    click.echo(f"{out}: {written.answers:,} answers of {run_id} in the order of {split}.csv{how}")
    if written.unseen:
        names = ", ".join(written.unseen[:5]) + (" …" if len(written.unseen) > 5 else "")
        click.echo(
            f"{len(written.unseen):,} pictures cannot be read and are answered {written.answer}: {names}", err=True
        )
    _warn_of_few_classes(run_id, runs_dir, WRONG_ANSWER)


def _warn_of_few_classes(run_id: str, runs_dir: Path, consequence: str) -> None:
    from dhc.data.layout import open_dataset
    from dhc.data.select import few_classes_text
    from dhc.runs.config_file import read_config
    from dhc.runs.predictions import read_predictions

    config, _ = read_config(runs_dir / run_id)
    if config is None:
        return
    classes = read_predictions(runs_dir / run_id).classes
    if warning := few_classes_text(classes, open_dataset(Path(config.data.path)), consequence):
        click.echo(warning, err=True)
