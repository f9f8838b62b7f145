"""``python -m dhc weakness``: where a run is weak, in sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from dhc.analysis import weakness as analysis
from dhc.analysis.confusion import confusion_matrix
from dhc.analysis.paired import pair_up
from dhc.analysis.significance import ALPHA, contingency_table, mcnemar_p
from dhc.cli.common import JSON, RUNS, guide, print_json
from dhc.data.review_effect import reviewed_away
from dhc.runs.config_file import read_config
from dhc.runs.predictions import read_predictions
from dhc.runs.rundir import run_dir
from dhc.text import count_text, percent_text

MOST_FAMILIES = 10  # in the text


@click.command(epilog=guide("weak-spots"))
@click.argument("run_id")
@click.option("--versus", metavar="RUN_ID", help="Also: whether val is large enough to tell it from this run.")
@RUNS
@JSON
def weakness(run_id: str, versus: str | None, runs_dir: Path, as_json: bool) -> None:
    """Say which classes a run mixes up, which families they form, and of which classes val says little."""
    predictions = read_predictions(run_dir(runs_dir, run_id))
    classes = predictions.classes
    matrix = confusion_matrix(predictions.y_true, predictions.predicted, len(classes))
    families, pairs = analysis.families(matrix), analysis.mixed_pairs(matrix)
    uncertain = analysis.uncertain_classes(matrix)
    result: dict[str, Any] = {
        "pairs": [_named(one, classes, "first", "second") for one in pairs],
        "families": [vars(one) | {"classes": [classes[place] for place in one.places]} for one in families],
        "family_accuracy": analysis.family_accuracy(matrix, families) if matrix.sum() else None,
        "uncertain": [_named(one, classes, "place") for one in uncertain],
    }
    lines = [analysis.pair_text(one, classes) for one in pairs]
    lines += [f"A family: {_family(one, classes)}" for one in families[:MOST_FAMILIES]]
    lines += [analysis.families_text(matrix, families)] if families else []
    lines += [analysis.uncertain_text(one, classes) for one in uncertain]
    if versus is not None:
        other = run_dir(runs_dir, versus)
        without = _reviewed_away(run_dir(runs_dir, run_id)) | _reviewed_away(other)
        table = contingency_table(pair_up(predictions, read_predictions(other), without))
        result["versus"] = {
            "id": versus,
            "pictures": table.n,
            "p": mcnemar_p(table),
            "pictures_needed": analysis.pictures_needed(table),
        }
        lines.append(_versus(result["versus"]))
    if as_json:
        print_json(result)
    else:
        click.echo("\n".join(lines) or "no weak spot: it makes no mistake")


def _reviewed_away(folder: Path) -> frozenset[str]:
    return reviewed_away(folder, read_config(folder)[0])


def _named(one: Any, classes: Sequence[str], *places: str) -> dict[str, Any]:
    """A record as plain values, its places of classes as their names."""
    return dict(vars(one)) | {place: classes[getattr(one, place)] for place in places}


def _family(one: analysis.Family, classes: Sequence[str]) -> str:
    names = ", ".join(classes[place] for place in one.places)
    return f"{names}: {percent_text(one.recall)} recognised exactly, {percent_text(one.within)} within the family."


def _versus(versus: Mapping[str, Any]) -> str:
    if versus["p"] < ALPHA:
        return f"Val is large enough to tell it from {versus['id']}: p = {versus['p']:.2g}."
    more = analysis.needed_text(versus["pictures_needed"])
    return f"Val is too small to tell it from {versus['id']} with {count_text(versus['pictures'], 'picture')}; {more}."
