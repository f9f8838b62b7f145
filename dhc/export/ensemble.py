"""What several runs answer together, for a report: sentences, and by how many of them each picture is right."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from dhc.analysis import selection
from dhc.analysis.ensemble import MOST, Ensemble, SharedAnswers, agreement, combine, line_up, mean_of_pairs
from dhc.analysis.paired import reviewed_text
from dhc.analysis.pictures import JudgedPictures, on_most_pictures
from dhc.analysis.ranking import best_first
from dhc.analysis.significance import verdict
from dhc.data.review_effect import reviewed_away
from dhc.errors import DataError, RunError
from dhc.export.chart import Chart, chart
from dhc.export.tuning import Part
from dhc.figures import ensemble as figures
from dhc.runs.predictions import read_predictions
from dhc.runs.records import Predictions
from dhc.runs.store import RunInfo
from dhc.text import clean, count_text, shorten


def together(runs: Sequence[RunInfo], pictures_of: Callable[[RunInfo], JudgedPictures]) -> Part | None:
    """What the runs on the same val pictures answer together, at most the best MOST; None for fewer than two."""
    group = best_first(on_most_pictures([info for info in runs if info.config is not None], pictures_of))[:MOST]
    predictions = {info.id: one for info in group if (one := _predictions(info)) is not None}
    if len(predictions) < 2:
        return None
    try:
        without = (reviewed_away(info.folder, info.config) for info in group if info.id in predictions)
        answers = line_up(predictions, frozenset[str]().union(*without))
    except (RunError, DataError) as error:
        return Part((f"What the runs answer together cannot be said: {error}.",))
    titles = {info.id: clean(shorten(info.title, 60)) for info in group}
    ensemble = combine(answers)
    return Part(_sentences(answers, ensemble, titles), (_bars(answers, ensemble),))


def _predictions(info: RunInfo) -> Predictions | None:
    try:
        return read_predictions(info.folder)
    except RunError:
        return None  # its chapter says why


def _sentences(answers: SharedAnswers, ensemble: Ensemble, titles: dict[str, str]) -> tuple[str, ...]:
    (low, high), table, right = ensemble.interval, ensemble.table, answers.right
    best, pictures = titles[answers.runs[ensemble.best]], count_text(len(answers.ids), "val picture")
    nobody = int((~right.any(axis=0)).sum())
    path = selection.greedy(answers)
    taken = [titles[answers.runs[place]] for place in selection.suggested(path)]
    return (
        f"The mean of the probabilities of {len(answers.runs)} runs is right on {ensemble.accuracy:.3f} ({low:.3f} to {high:.3f}) of "
        f"{pictures}. It mends {count_text(table.fixes, 'mistake')} of {best}, the best of them alone, and makes "
        f"{count_text(table.breaks, 'new one')}. {verdict(table, ensemble.p)}",
        f"At least one run is right on {right.any(axis=0).mean():.3f}, none on {count_text(nobody, 'picture')}; two runs agree on "
        f"{mean_of_pairs(agreement(answers).same):.3f} on average.",
        f"Taken one by one: {', '.join(taken)}. {selection.suggestion_text(path, len(answers.ids))}",
        selection.choice_text(selection.judge_choice(answers)),
        *filter(None, [reviewed_text(answers.reviewed)]),
    )


def _bars(answers: SharedAnswers, ensemble: Ensemble) -> Chart:
    counts, size = answers.right.sum(axis=0), len(answers.runs) + 1
    right, wrong = (np.bincount(counts[mask], minlength=size).tolist() for mask in (ensemble.right, ~ensemble.right))
    figure = figures.right_counts(right, wrong)
    for trace in figure.data:
        trace.customdata = None  # nobody answers clicks here
    return chart("Pictures by how many runs have them right", figures.right_counts_alt(right, wrong), 260, figure)
