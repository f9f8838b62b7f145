"""What the tuning tools say, for a report: a sweep read, a run's weak spots, its search for a learning rate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from dhc.analysis import reading, weakness
from dhc.analysis.importance import importance
from dhc.analysis.layers import layer_table
from dhc.analysis.pictures import JudgedPictures
from dhc.analysis.rates import read_search
from dhc.config import find_field
from dhc.errors import RunError
from dhc.export.chart import Chart, chart
from dhc.figures import layers, sweeps
from dhc.figures import rates as rates_figure
from dhc.runs.records import History
from dhc.runs.store import RunInfo, Store
from dhc.text import clean, rate_text, shorten

FEWEST_RUNS, MOST_SETTINGS = (
    3,
    6,
)  # of a sweep: of two runs nothing can be read, and runs that differ in all and sundry are none
MOST_FAMILIES = 5
HEATMAPS = 3  # in a row


@dataclass(frozen=True)
class Part:
    """What one tool says: sentences, and its figures."""

    sentences: tuple[str, ...]
    charts: tuple[Chart, ...] = ()


def sweep(runs: Sequence[RunInfo], pictures_of: Callable[[RunInfo], JudgedPictures]) -> Part | None:
    """What the runs say of their settings; None where they are no sweep."""
    record = reading.read(runs, pictures_of)
    if len(record.runs) < FEWEST_RUNS or not 1 <= len(record.settings) <= MOST_SETTINGS:
        return None
    charts = [_isolation(setting) for setting in record.settings if setting.isolated]
    sentences = [reading.edge_text(setting) for setting in record.settings]
    weights = importance(record.trials)
    if weights.shares:
        shares = {find_field(name).title: share for name, share in weights.shares.items()}
        height = 110 + 30 * len(shares)
        charts.append(chart("Importance of each setting", "share of each", height, sweeps.importance(shares)))
        sentences.append(reading.importance_text(weights))
    if record.worth is not None:
        alt = "best val_accuracy to expect by number of runs, with its 95% band"
        figure = sweeps.tuning(record.worth.curve, record.worth.drawn)
        charts.append(chart("What more runs are worth", alt, 260, figure))
        sentences.append(reading.worth_text(record.worth))
    return Part(tuple(filter(None, sentences)), tuple(charts))


def _isolation(setting: reading.SettingReading) -> Chart:
    field = find_field(setting.name)
    figure = sweeps.isolation(setting.isolated, setting.failed, title=field.title, log=field.log)
    for trace in figure.data:
        trace.customdata = None  # nobody answers clicks here
    alt = f"best val_accuracy by {field.title}"
    return chart(f"{field.title}: the best of each value, the other settings tuned away", alt, 300, figure)


def weak_spots(matrix: np.ndarray, classes: Sequence[str]) -> Part | None:
    """The pairs that are mixed up, the classes of which val says little, the families; None where there is no mistake."""
    if matrix.sum() == matrix.trace():
        return None
    families = weakness.families(matrix)
    sentences = [weakness.pair_text(pair, classes) for pair in weakness.mixed_pairs(matrix)]
    sentences += [weakness.uncertain_text(one, classes) for one in weakness.uncertain_classes(matrix)]
    sentences.append(weakness.families_text(matrix, families))
    sentences += [f"A family: {', '.join(classes[at] for at in one.places)}." for one in families[:MOST_FAMILIES]]
    return Part(tuple(map(clean, sentences)))


def rate_search(info: RunInfo, store: Store) -> Part | None:
    """The search from which the run's learning rate was taken; None for none, and where it is not there any more."""
    if not info.sought:
        return None
    try:
        search, table = store.run(info.sought).search, store.history(info.sought).search
    except RunError:
        return None
    if search is None or not len(table):
        return None
    curve = read_search(table, search.batches)
    found = curve.suggestions
    start = None if info.config is None else found.start(info.config.schedule)
    suggested = {"start": start, "valley": found.valley, "steep": found.steep}
    own = None if info.config is None else info.config.optimizer.learning_rate
    marks = {name: rate for name, rate in {"taken": own, **suggested}.items() if rate is not None}
    figure = rates_figure.search(curve, marks)
    words = ", ".join(f"{rate_text(rate)} ({name})" for name, rate in suggested.items() if rate is not None)
    alt = "loss of each batch by its learning rate, smoothed"
    alone = None if info.config is None else curve.starts(info.config.schedule)
    span = "" if alone is None else f"; its passes alone {' to '.join(map(rate_text, alone))}"
    sentence = f"The search {shorten(info.sought, 60)} suggested {words or 'no rate'}{span}."
    return Part((sentence,), (chart("Loss while the learning rate grows", alt, 260, figure),))


def health(history: History) -> Chart | None:
    """The strip of the layers' health; None for a run that was never looked at."""
    table = layer_table(history)
    if table is None:
        return None
    figure = layers.strip(table, layers.limits([table]), HEATMAPS)
    alt = "heatmaps of the layers by epoch: update ratio, gradient norm, dead units, mean, spread; and the softmax"
    return chart("Health of the layers, epoch by epoch", alt, layers.height(table, HEATMAPS), figure)
