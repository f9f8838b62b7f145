"""``python -m dhc classify``: what a run takes pictures for that came from anywhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dhc.cli.common import JSON, MIRROR, RUNS, guide, print_json
from dhc.text import clean, percent_text

if TYPE_CHECKING:
    import numpy as np

    from dhc.analysis.likeness import Yardstick

STEP = 500  # pictures between two lines that say how far it is


@click.command(epilog=guide("your-own-pictures"))
@click.argument("run_id")
@click.argument("paths", nargs=-1, required=True, metavar="PICTURE…", type=click.Path(path_type=Path))
@MIRROR
@RUNS
@JSON
def classify(run_id: str, paths: tuple[Path, ...], mirror: bool, runs_dir: Path, as_json: bool) -> None:
    """Print what a run's best network takes pictures for: files, or all pictures in a folder, a zip or a tar.

    Of each the class, how sure the network is, and that calibrated where its val pictures allow it, not with --mirror; with --json its five most probable
    classes, too. Where `features` has made those of its training pictures, one that is unlike them is said to be so;
    with --json `farther_than` is the share of val's pictures that are nearer. A file that is no picture is named and left out.
    """
    from dhc.analysis.asked import answers
    from dhc.data.intake import take
    from dhc.errors import DataError
    from dhc.importing.pictures import files_of
    from dhc.runs.predictions import read_predictions
    from dhc.runs.rundir import run_dir

    folder = run_dir(runs_dir, run_id)
    intake = take(files_of(paths))
    for refusal in intake.refusals:
        click.echo(f"left out: {clean(refusal.name)}: {refusal.why}", err=True)
    if intake.rest:
        click.echo(
            f"left out: {intake.rest:,} more files, beyond the first {len(intake.pictures):,}; ask in parts", err=True
        )
    if not intake.pictures:
        raise DataError("none of these is a picture (PNG, JPEG, BMP, GIF, WebP or TIFF)")
    predictions = read_predictions(folder)
    said = answers(predictions, *_ask(folder, intake.x, mirror), mirror=mirror)
    rows = [_row(picture.name, said, number) for number, picture in enumerate(intake.pictures)]
    if as_json:
        print_json(rows)
    else:
        click.echo("\n".join(_line(row) for row in rows))


def _ask(folder: Path, x: np.ndarray, mirror: bool) -> tuple[np.ndarray, np.ndarray | None]:
    """The probabilities, (N, K) float32, and `Answers.farther_than`; says how far it is where that takes a while."""
    import numpy as np

    from dhc.predict.networks import asked_in_parts

    measure = _yardstick(folder)
    parts: list[np.ndarray] = []
    farther: list[np.ndarray] = []
    for probabilities, features in asked_in_parts(folder, x, mirror=mirror):
        parts.append(probabilities)
        if measure is not None and (shares := measure.farther_than(features)) is not None:
            farther.append(shares)
        done = sum(map(len, parts))
        if done % STEP < len(probabilities) and len(x) > STEP:
            click.echo(f"{done:,} of {len(x):,} pictures answered", err=True)
    return np.concatenate(parts), np.concatenate(farther) if farther else None


def _yardstick(folder: Path) -> Yardstick | None:
    """What says whether a picture is like the training pictures; None, and why on standard error, where that is not kept."""
    from dhc.analysis.likeness import yardstick
    from dhc.errors import RunError
    from dhc.runs.features import read_features

    try:
        features = read_features(folder)
    except RunError as error:
        click.echo(f"whether they are like the training pictures is not said: {error}", err=True)
        return None
    if features is None:
        click.echo(
            f"whether they are like the training pictures is not said: run `features {folder.name}` first", err=True
        )
        return None
    return yardstick(features.train, features.val)


def _row(name: str, said: Any, number: int) -> dict[str, Any]:
    calibrated = said.calibrated
    return {
        "picture": name,
        "class": said.classes[said.decided[number]],
        "confidence": float(said.confidences[number]),
        "calibrated": None if calibrated is None else float(calibrated[number]),
        "farther_than": None if said.farther_than is None else float(said.farther_than[number]),
        "unlike": None if said.farther_than is None else bool(said.unlike[number]),
        "top": dict(said.top(number)),
        "mirror": said.mirror,
    }


def _line(row: dict[str, Any]) -> str:
    calibrated = "" if row["calibrated"] is None else f", {percent_text(row['calibrated'])} calibrated"
    unlike = ", unlike the training pictures" if row["unlike"] else ""
    mirror = ", with its mirror image" if row["mirror"] else ""
    sure = f"{percent_text(row['confidence'])} sure{calibrated}{mirror}{unlike}"
    return f"{clean(row['picture'])}: {clean(row['class'])}, {sure}"
