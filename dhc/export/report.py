"""What a report tells of several runs, gathered from their folders: records and figures, no HTML."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dhc.analysis import differences, mistakes, overlay
from dhc.analysis import report as scores
from dhc.analysis.confusion import class_order, confused_pairs, confusion_matrix
from dhc.config import RunConfig
from dhc.data.decode import load_pictures
from dhc.data.layout import fingerprint, open_dataset
from dhc.data.picture import encode_png
from dhc.errors import DataError, RunError
from dhc.figures import confusion, curves, embed, palette, theme
from dhc.figures import overlay as overlay_figure
from dhc.runs import rundir
from dhc.runs.environment import read_environment
from dhc.runs.records import History, Predictions
from dhc.runs.store import RunInfo, Store, read_predictions
from dhc.text import clean, count_text, percent_text, short_names, shorten

Progress = Callable[[int, int], None]
WHOLE = 12  # runs with a chapter of their own; of more, the tables tell
OVERLAID = 30  # runs in the common figure; more could not be told apart on paper
WORST, PAIRS = 24, 12  # pictures shown of what went wrong; pairs of classes


@dataclass(frozen=True)
class Chart:
    """A figure as JSON (`figures.embed`), what it shows in words, its height in CSS pixels."""

    title: str
    alt: str
    height: int
    figure: str


@dataclass(frozen=True)
class Mistake:
    """A val picture that was taken for another class; `picture` is a PNG in base64, empty where the picture is gone."""

    file: str
    true: str
    predicted: str
    confidence: str
    picture: str


@dataclass(frozen=True)
class Answers:
    """What a run's predictions come to: lines of the score table, the averages, pairs confused most, the surest mistakes."""

    pictures: int
    wrong: int
    averages: tuple[Mapping[str, Any], ...]
    classes: tuple[Mapping[str, Any], ...]
    pairs: tuple[Mapping[str, Any], ...]
    mistakes: tuple[Mistake, ...]


@dataclass(frozen=True)
class Chapter:
    """One run. `missing`: sentences about what cannot be shown."""

    info: RunInfo
    charts: tuple[Chart, ...]
    answers: Answers | None
    settings: tuple[tuple[str, str], ...]
    circumstances: tuple[tuple[str, str], ...]
    missing: tuple[str, ...]


@dataclass(frozen=True)
class Comparison:
    """What sets the runs apart: dotted names, and one line of texts a run; circumstances likewise. The common curves."""

    names: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    circumstances: tuple[str, ...]
    circumstance_rows: tuple[tuple[str, ...], ...]
    chart: Chart | None


@dataclass(frozen=True, eq=False)
class Val:
    """A data set's val pictures of today: file → row of x, (N, 64, 64, 3) uint8. `problem` is why there are none."""

    rows: Mapping[str, int]
    x: np.ndarray
    fingerprint: str
    problem: str = ""


def compare(runs: Sequence[RunInfo], store: Store) -> Comparison:
    """What sets these runs apart, as far as they have settings that can be read."""
    names = differences.differing_settings([info.config for info in runs if info.config is not None])
    rows = tuple(tuple(differences.setting_text(info.config, name) for name in names) for info in runs)
    told = differences.circumstances([read_environment(info.folder) for info in runs])
    around = tuple(tuple(differences.value_text(row.values[number]) for row in told) for number in range(len(runs)))
    return Comparison(names, rows, tuple(row.title for row in told), around, _common_curves(runs, store))


def chapters(runs: Sequence[RunInfo], store: Store, tell: Progress | None = None) -> tuple[Chapter, ...]:
    """A chapter for each run. `tell(done, total)` counts them. Raises RunError for a run that was deleted meanwhile."""
    opened: dict[str, Val] = {}
    found = []
    for number, info in enumerate(runs, start=1):
        found.append(_chapter(info, store.history(info.id), opened))
        if tell is not None:
            tell(number, len(runs))
    return tuple(found)


def _common_curves(runs: Sequence[RunInfo], store: Store) -> Chart | None:
    drawn = [(info, store.history(info.id)) for info in runs[:OVERLAID]]
    drawn = [(info, history) for info, history in drawn if len(history.epochs)]
    if len(drawn) < 2:
        return None
    lines = [
        overlay_figure.Line(
            info.id, theme.escape_html(shorten(info.title, 30)), theme.escape_html(info.id), color,
            {"accuracy": overlay.curve(history, "accuracy", "epoch")},
        )
        for (info, history), color in zip(drawn, palette.distinct(len(drawn)), strict=True)
    ]  # fmt: skip
    figure = overlay_figure.overlay(lines, ("accuracy",))
    figure.update_layout(legend={"orientation": "h", "x": 0, "y": -0.24, "yanchor": "top"})
    alt = f"Accuracy and val_accuracy of {count_text(len(lines), 'run')} by epoch"
    title = "val_accuracy (solid, a star at the best epoch) and accuracy (dotted)"
    return _chart(title, alt, 350 + 20 * (len(lines) // 2), figure)


def _chapter(info: RunInfo, history: History, opened: dict[str, Val]) -> Chapter:
    missing = [] if info.config is not None else [f"The settings cannot be shown: {info.problem}."]
    charts = _curves(history)
    answers = None
    try:
        p = read_predictions(info.folder)
    except RunError as error:
        missing.append(f"Confusion matrix and mistakes cannot be shown: {error}.")
    else:
        val = _val_of(info.config, opened)
        missing += _missing_pictures(info, p, val)
        matrix = confusion_matrix(p.y_true, p.predicted, len(p.classes))
        charts.append(_matrix(matrix, p.classes))
        answers = _answers(p, matrix, val)
    settings = () if info.config is None else differences.settings([info.config])
    return Chapter(
        info,
        tuple(charts),
        answers,
        tuple((row.name, differences.value_text(row.values[0])) for row in settings),
        tuple(read_environment(info.folder).items()),
        tuple(missing),
    )


def _curves(history: History) -> list[Chart]:
    if not len(history.epochs):
        return []
    accuracy, loss = (curves.learning_curves(history, metric=metric) for metric in ("accuracy", "loss"))
    best = f"; the best epoch is {history.best_epoch}" if history.best_epoch else ""
    charts = [_chart("Accuracy", f"accuracy and val_accuracy by epoch{best}", 300, accuracy)]
    if history.epochs["loss"].notna().any():
        charts.append(_chart("Loss", "loss and val_loss by epoch", 280, loss))
    if history.epochs["learning_rate"].notna().any():
        charts.append(_chart("Learning rate", "learning rate by epoch", 200, curves.learning_rate(history)))
    return charts


def _matrix(matrix: np.ndarray, classes: tuple[str, ...]) -> Chart:
    figure = confusion.heatmap(matrix, short_names(classes), class_order(matrix, "similarity"), counts=matrix)
    figure.data[0].customdata = None  # nobody answers clicks here, and it is most of the bytes
    alt = f"{count_text(int(matrix.sum()), 'val picture')} by true and predicted class"
    return _chart("Confusion matrix, look-alikes side by side", alt, 640, figure)


def _chart(title: str, alt: str, height: int, figure: Any) -> Chart:
    figure.update_layout(font={"family": "system-ui, sans-serif", "size": 12, "color": "#24222f"})
    return Chart(title, alt, height, embed.to_json(figure))


def _answers(p: Predictions, matrix: np.ndarray, val: Val) -> Answers:
    names = short_names(p.classes)
    wrong = mistakes.select(mistakes.outcomes(p))
    return Answers(
        pictures=len(p.ids),
        wrong=len(wrong),
        averages=_lines(scores.averages(matrix)),
        classes=_lines(scores.classification_report(matrix, names)),
        pairs=_lines(confused_pairs(matrix, names).head(PAIRS)),
        mistakes=tuple(_mistake(row, names, val) for row in wrong.head(WORST).to_dict("records")),
    )


def _lines(table: pd.DataFrame) -> tuple[Mapping[str, Any], ...]:
    return tuple({str(name): value for name, value in row.items()} for row in table.to_dict("records"))


def _mistake(row: Mapping[Any, Any], names: Sequence[str], val: Val) -> Mistake:
    at = val.rows.get(row["id"])
    picture = "" if at is None else b64encode(encode_png(val.x[at])).decode("ascii")
    true, predicted = names[row["true"]], names[row["predicted"]]
    return Mistake(shorten(row["id"], 60), true, predicted, percent_text(row["confidence"]), picture)


def _val_of(config: RunConfig | None, opened: dict[str, Val]) -> Val:
    """The val pictures of the run's data set, opened once for all its runs."""
    nothing = np.empty((0, 64, 64, 3), dtype=np.uint8)
    if config is None:
        return Val({}, nothing, "", "which data set they belong to is not known.")
    path = config.data.path
    if path not in opened:
        try:
            dataset = open_dataset(Path(path))
            found = load_pictures(dataset, "val", skip_bad=True)
            rows = {file: row for row, file in enumerate(found.ids.tolist())}
            opened[path] = Val(rows, found.x, fingerprint(dataset))
        except (DataError, OSError) as error:
            opened[path] = Val({}, nothing, "", str(error))
    return opened[path]


def _missing_pictures(info: RunInfo, p: Predictions, val: Val) -> list[str]:
    if val.problem:
        return [f"The pictures cannot be shown: {clean(val.problem)}"]
    gone = sum(file not in val.rows for file in p.ids.tolist())
    if gone:
        return [f"{gone:,} of the {len(p.ids):,} val pictures are not in the data folder any more, or cannot be read."]
    recorded = (rundir.read_json(info.folder / rundir.ENVIRONMENT) or {}).get("data_fingerprint")
    if recorded is not None and recorded != val.fingerprint:
        return [
            "The data set is not quite the one that this run was trained on: its files or labels have changed since."
        ]
    return []
