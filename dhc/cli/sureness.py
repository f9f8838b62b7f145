"""``python -m dhc sureness``: whether runs are right as often as they say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from dhc.analysis import sureness as analysis
from dhc.cli.common import JSON, RUNS, guide, print_json
from dhc.cli.numbers import Real
from dhc.runs.predictions import read_predictions
from dhc.runs.rundir import run_dir
from dhc.text import count_text

NO_TEMPERATURE = "too few pictures or classes to fit a temperature"


@click.command(epilog=guide("how-sure"))
@click.argument("run_ids", nargs=-1, required=True, metavar="RUN_ID…")
@click.option(
    "--threshold",
    type=Real(0, 1, "it is a probability"),
    help="Also: what answering only from this confidence on would do, 0 to 1.",
)
@RUNS
@JSON
def sureness(run_ids: tuple[str, ...], threshold: float | None, runs_dir: Path, as_json: bool) -> None:
    """Print how sure runs are of their val answers: ECE with its interval, log loss, and the temperature that would mend it."""
    rows = [_row(run_dir(runs_dir, run_id), threshold) for run_id in dict.fromkeys(run_ids)]
    if as_json:
        print_json(rows)
    else:
        click.echo("\n".join(line for row in rows for line in _lines(row)))


def _row(folder: Path, threshold: float | None) -> dict[str, Any]:
    predictions = read_predictions(folder)
    answers = analysis.sureness(predictions)
    fit = analysis.fit_temperature(predictions)
    row = {
        "id": folder.name,
        "pictures": len(answers.right),
        "accuracy": answers.accuracy,
        "confidence": float(answers.confidences.mean()),
        "ece": answers.ece,
        "ece_interval": analysis.ece_interval(answers),
        "log_loss": answers.log_loss,
        "temperature": None if fit is None else fit.value,
        "ece_of_other_half": None if fit is None else [fit.before.ece, fit.after.ece],
        "bins": [vars(one) for one in analysis.reliability(answers)],
    }
    return row if threshold is None else row | {"threshold": vars(analysis.at_threshold(answers, threshold))}


def _lines(row: dict[str, Any]) -> list[str]:
    low, high = row["ece_interval"]
    lines = [
        f"{row['id']}: accuracy {row['accuracy']:.3f}, mean confidence {row['confidence']:.3f}, ECE {row['ece']:.3f} ({low:.3f} to "
        f"{high:.3f}), log loss {row['log_loss']:.3f}, {count_text(row['pictures'], 'picture')}"
    ]
    if row["temperature"] is None:
        lines.append(f"  {NO_TEMPERATURE}")
    else:
        before, after = row["ece_of_other_half"]
        lines.append(
            f"  temperature {row['temperature']:.2f}, fitted on half of them; on the other, ECE {before:.3f} -> {after:.3f}"
        )
    if choice := row.get("threshold"):
        right = "none" if choice["accuracy"] is None else f"{choice['accuracy']:.1%} of them right"
        lines.append(
            f"  from confidence {choice['confidence']:g} on: {choice['share']:.1%} answered, {right}; {count_text(choice['caught'], 'mistake')} and "
            f"{count_text(choice['lost'], 'right answer')} held back"
        )
    return lines
