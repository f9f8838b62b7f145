"""What a report says of several runs, read from their folders: records and figures, no HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from dhc.analysis import differences, lineage, mistakes, overlay, sureness
from dhc.analysis import report as scores
from dhc.analysis.advice import advice, time_of_repeats, time_text
from dhc.analysis.confusion import class_order, confused_pairs, confusion_matrix
from dhc.analysis.decision import contest, decide
from dhc.analysis.pictures import pictures_of
from dhc.data.album import Album, Prints, Source, album_of, prints_of
from dhc.data.decode import Pictures, load_pictures
from dhc.data.layout import open_dataset
from dhc.data.picture import png_base64
from dhc.data.review_effect import reviewed_away
from dhc.errors import RunError
from dhc.export import ensemble, tuning
from dhc.export.chart import Chart, chart
from dhc.export.progress import Progress
from dhc.figures import confusion, curves, palette, theme
from dhc.figures import overlay as overlay_figure
from dhc.figures import sureness as sureness_figure
from dhc.figures.junction import Joint
from dhc.runs.contract import Environment
from dhc.runs.environment import read_environment
from dhc.runs.naming import titles
from dhc.runs.predictions import read_predictions
from dhc.runs.records import History, Predictions
from dhc.runs.store import RunInfo, Store
from dhc.text import clean, count_text, percent_text, short_names, shorten

WHOLE = 12  # runs with a chapter of their own; more stand in the tables only
OVERLAID = 30  # runs in the common figure; more could not be told apart on paper
LEGEND_LENGTH = 30  # characters of a name in it
METRICS: tuple[Literal["accuracy"], Literal["loss"]] = ("accuracy", "loss")
WORST, PAIRS = 24, 12  # pictures shown of what went wrong; pairs of classes


@dataclass(frozen=True)
class Mistake:
    """A val picture that was taken for another class.

    picture: a PNG in base64, empty where the picture is gone.
    """

    file: str
    true: str
    predicted: str
    confidence: str
    picture: str


@dataclass(frozen=True)
class AnswerSummary:
    """A run's predictions summed up: averages, scores by class, pairs, the surest mistakes."""

    pictures: int
    wrong: int
    averages: tuple[Mapping[str, Any], ...]
    classes: tuple[Mapping[str, Any], ...]
    pairs: tuple[Mapping[str, Any], ...]
    mistakes: tuple[Mistake, ...]


@dataclass(frozen=True)
class Chapter:
    """One run.

    course    sentences on its branches and on what was changed while it trained
    search    where its learning rate comes from
    weak      its weak spots
    problems  sentences about what cannot be shown
    """

    info: RunInfo
    charts: tuple[Chart, ...]
    course: tuple[str, ...]
    search: tuning.Part | None
    weak: tuning.Part | None
    answers: AnswerSummary | None
    settings: tuple[tuple[str, str], ...]
    circumstances: tuple[tuple[str, str], ...]
    problems: tuple[str, ...]


@dataclass(frozen=True)
class Comparison:
    """What sets the runs apart.

    advice: which setting to keep, in a sentence or two. names, rows: dotted names of settings, and one line of texts a run;
    circumstances likewise. chart: the common curves. sweep: what the runs say of each setting, where they are a sweep. together: what
    they answer as an ensemble.
    """

    advice: str
    sweep: tuning.Part | None
    together: tuning.Part | None
    names: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    circumstances: tuple[str, ...]
    circumstance_rows: tuple[tuple[str, ...], ...]
    chart: Chart | None


def compare(runs: Sequence[RunInfo], store: Store) -> Comparison:
    """What sets these runs apart, as far as they have settings that can be read."""
    names = differences.differing_settings([info.shown_config for info in runs if info.shown_config is not None])
    rows = tuple(tuple(differences.setting_text(info.shown_config, name) for name in names) for info in runs)
    around = differences.circumstances([read_environment(info.folder) for info in runs])
    around_rows = tuple(
        tuple(differences.value_text(row.values[number]) for row in around) for number in range(len(runs))
    )
    return Comparison(
        _advice(runs, store),
        tuning.sweep(runs, pictures_of),
        ensemble.together(runs, pictures_of),
        names,
        rows,
        tuple(row.title for row in around),
        around_rows,
        _common_curves(runs, store),
    )


def _advice(runs: Sequence[RunInfo], store: Store) -> str:
    everyone = store.runs()
    decision = decide(
        contest(runs, everyone, pictures_of),
        everyone,
        lambda info: read_predictions(info.folder),
        lambda info: reviewed_away(info.folder, info.config),
    )
    return advice(decision, time=time_text(time_of_repeats(decision)))


def chapters(runs: Sequence[RunInfo], store: Store, progress: Progress | None = None) -> tuple[Chapter, ...]:
    """A chapter for each run. Raises RunError for a run that was deleted meanwhile."""
    source = cache(_val)  # a data set is opened once for all its runs
    names = {info.id: info.title for info in store.runs()}
    contents = []
    for number, info in enumerate(runs, start=1):
        contents.append(_chapter(info, store, source, names))
        if progress is not None:
            progress(number, len(runs))
    return tuple(contents)


def _val(path: str) -> tuple[Pictures, Prints]:
    """The val pictures of the data set in `path`, and its prints.

    Raises DataError and OSError.
    """
    dataset = open_dataset(Path(path))
    val = load_pictures(dataset, "val", skip_bad=True)
    return val, prints_of(dataset, val)


def _common_curves(runs: Sequence[RunInfo], store: Store) -> Chart | None:
    histories = [(info, store.history(info.id)) for info in runs[:OVERLAID]]
    histories = [(info, history) for info, history in histories if len(history.epochs)]
    if len(histories) < 2:
        return None
    colors = palette.distinct(len(histories))
    titled = titles([info for info, _ in histories])
    names = short_names(tuple(titled[info.id] for info, _ in histories), LEGEND_LENGTH)
    lines = [
        _line(info, name, history, color) for (info, history), name, color in zip(histories, names, colors, strict=True)
    ]
    figure = overlay_figure.overlay(lines, ("accuracy",))
    figure.update_layout(legend={"orientation": "h", "x": 0, "y": -0.24, "yanchor": "top"})
    alt = f"Accuracy and val_accuracy of {count_text(len(lines), 'run')} by epoch"
    title = "val_accuracy (solid, a star at the best epoch) and accuracy (dotted)"
    return chart(title, alt, 350 + 20 * (len(lines) // 2), figure)


def _line(info: RunInfo, name: str, history: History, color: str) -> overlay_figure.Line:
    curve = overlay.curve(history, "accuracy", "epoch", inherited=lineage.inherited_epochs(info.course))
    return overlay_figure.Line(info.id, theme.escape_html(name), theme.escape_html(info.id), color, {"accuracy": curve})


def _chapter(info: RunInfo, store: Store, source: Source, names: Mapping[str, str]) -> Chapter:
    history = store.history(info.id)
    problems = [] if info.config is not None else [f"The settings cannot be shown: {info.problem}."]
    junctions = lineage.junctions(info.course)
    charts = _curves(history, [Joint(one.epoch, names.get(one.run, one.run or "a run")) for one in junctions])
    if (health := tuning.health(history)) is not None:
        charts.append(health)
    answers = weak = None
    try:
        predictions = read_predictions(info.folder)
    except RunError as error:
        problems.append(f"Confusion matrix and mistakes cannot be shown: {error}.")
    else:
        album = _album(info, predictions, source)
        problems += [clean(album.problem)] if album.problem else []
        matrix = confusion_matrix(predictions.y_true, predictions.predicted, len(predictions.classes))
        charts.append(_matrix(matrix, predictions.classes))
        if len(predictions.y_true):
            charts.append(_reliability(info, predictions))
        answers = _answers(predictions, matrix, album)
        weak = tuning.weak_spots(matrix, short_names(predictions.classes))
    settings = () if info.shown_config is None else differences.settings([info.shown_config])
    return Chapter(
        info,
        tuple(charts),
        tuple(lineage.course_sentences(info, names)),
        tuning.rate_search(info, store),
        weak,
        answers,
        tuple((row.name, differences.value_text(row.values[0])) for row in settings),
        tuple(read_environment(info.folder).items()),
        tuple(problems),
    )


def _album(info: RunInfo, predictions: Predictions, source: Source) -> Album:
    if info.config is None:
        problem = "The pictures cannot be shown: which data set they belong to is not known."
        return Album(predictions.ids, problem=problem)
    environment = Environment.of(info.folder)
    noted = Prints.noted(environment.data_prints, environment.data_fingerprint)
    return album_of(predictions.ids, info.config.data.path, noted, source)


def _curves(history: History, joints: Sequence[Joint]) -> list[Chart]:
    if not len(history.epochs):
        return []
    accuracy, loss = (curves.learning_curves(history, metric=metric, joints=joints) for metric in METRICS)
    best = f"; the best epoch is {history.best_epoch}" if history.best_epoch else ""
    charts = [chart("Accuracy", f"accuracy and val_accuracy by epoch{best}", 300, accuracy)]
    if history.epochs["loss"].notna().any():
        charts.append(chart("Loss", "loss and val_loss by epoch", 280, loss))
    if history.epochs["learning_rate"].notna().any():
        charts.append(
            chart("Learning rate", "learning rate by epoch", 200, curves.learning_rate(history, joints=joints))
        )
    return charts


def _reliability(info: RunInfo, predictions: Predictions) -> Chart:
    answers = sureness.sureness(predictions)
    low, high = sureness.ece_interval(answers)
    series = sureness_figure.Series(info.id, "", theme.VAL, answers, sureness.reliability(answers))
    figure = sureness_figure.reliability_diagram([series]).update_layout(showlegend=False)
    alt = f"accuracy by confidence; expected calibration error {answers.ece:.3f}, {low:.3f} to {high:.3f}"
    return chart("How sure, and how often right", alt, 320, figure)


def _matrix(matrix: np.ndarray, classes: tuple[str, ...]) -> Chart:
    figure = confusion.heatmap(matrix, short_names(classes), class_order(matrix, "similarity"), counts=matrix)
    figure.data[0].customdata = None  # nobody answers clicks here, and it is most of the bytes
    alt = f"{count_text(int(matrix.sum()), 'val picture')} by true and predicted class"
    return chart("Confusion matrix, look-alikes side by side", alt, 640, figure)


def _answers(predictions: Predictions, matrix: np.ndarray, album: Album) -> AnswerSummary:
    names = short_names(predictions.classes)
    wrong = mistakes.select_rows(mistakes.outcomes(predictions))
    return AnswerSummary(
        pictures=len(predictions.ids),
        wrong=len(wrong),
        averages=_lines(scores.averages(matrix)),
        classes=_lines(scores.classification_report(matrix, names)),
        pairs=_lines(confused_pairs(matrix, names).head(PAIRS)),
        mistakes=tuple(_mistake(row, names, album) for row in wrong.head(WORST).to_dict("records")),
    )


def _lines(table: pd.DataFrame) -> tuple[Mapping[str, Any], ...]:
    return tuple({str(name): value for name, value in row.items()} for row in table.to_dict("records"))


def _mistake(row: Mapping[Any, Any], names: Sequence[str], album: Album) -> Mistake:
    image = album.image(row["index"])
    picture = "" if image is None else png_base64(image)
    true, predicted = names[row["true"]], names[row["predicted"]]
    return Mistake(shorten(row["id"], 60), true, predicted, percent_text(row["confidence"]), picture)
