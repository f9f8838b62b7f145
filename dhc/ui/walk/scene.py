"""What the browser is shown of a walk: which of a layer's maps, the answer, and the number that one stands at."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from dhc.analysis.network import SIDE, shape_text
from dhc.models.plan import Dense
from dhc.teaching.words import Labels
from dhc.text import clean, shorten
from dhc.ui.walk import asked
from dhc.ui.walk.asked import LayerMaps, Walker, Whole
from dhc.ui.walk.history import Writer, history
from dhc.ui.walk.picture import Walking
from dhc.ui.walk.place import Place
from dhc.ui.walk.stops import Stop
from dhc.ui.widgets.walk import Column, Scene

MOST, SILENT = 48, 6  # maps of a layer that are drawn, and those of them that are 0 everywhere, where not all have room
MOST_CLASSES, NAME = 24, 24  # of the answer; letters of a name


def scene_of(
    of: Walker, stops: Sequence[Stop], whole: Whole, at: Place, walking: Walking, names: Sequence[str], words: Labels
) -> Scene:
    """All layers of a walk as the browser draws them; the unit at the place is among those drawn."""
    columns = [_column(stop, whole, words, at.unit if number == at.stop else None) for number, stop in enumerate(stops)]
    ranking = whole.ranking
    classes = [
        (shorten(clean(names[c]), NAME), float(whole.probabilities[c]), float(whole.logits[c]))
        for c in ranking[:MOST_CLASSES]
    ]
    units = [column.units for column in columns]
    stamp = hashlib.sha256(repr((of, words.language, units)).encode()).hexdigest()[:16]
    return Scene(stamp, walking.image, columns, classes, _verdict(words, whole, walking, names))


def _column(stop: Stop, whole: Whole, words: Labels, unit: int | None) -> Column:
    said = (stop.name, stop.title(words), stop.kind, stop.does(words))
    if stop.row is None:
        return Column(*said, shape="")
    maps = whole.layers[stop.row.place]
    chosen = drawn(maps, unit)
    return Column(
        *said,
        shape=shape_text(stop.row.shape),
        total=stop.row.shape[-1],
        silent=maps.silent,
        units=maps.units[chosen].tolist(),
        levels=maps.levels[chosen],
        steps=maps.steps[chosen].tolist(),
    )


def drawn(maps: LayerMaps, unit: int | None = None) -> np.ndarray:
    """(n,) int64: which of a layer's maps are drawn: all, or those with the largest values and some that are 0; `unit` always."""
    if len(maps.units) <= MOST:
        return np.arange(len(maps.units))
    order = np.argsort(-(maps.levels.max(axis=(1, 2)).astype(float) - asked.ZERO) * maps.steps, kind="stable")
    zeros = [place for place in order.tolist() if not maps.steps[place]][:SILENT]
    chosen = {*order[: MOST - len(zeros)].tolist(), *zeros}
    if unit is not None:
        chosen.add(int(np.searchsorted(maps.units, unit)))
    return np.array(sorted(chosen))


def _verdict(words: Labels, whole: Whole, walking: Walking, names: Sequence[str]) -> str:
    """Which class won, by how much, and whether it is the true one."""
    first, second = whole.ranking[:2]
    write = Writer(words)
    said = {"first": shorten(clean(names[first]), NAME), "second": shorten(clean(names[second]), NAME)}
    lead = words("wins", **said, lead=write.number(float(whole.logits[first] - whole.logits[second]), 2))
    if walking.true is None:
        return lead
    return f"{lead} {words('is_true') if walking.true == first else words('is_wrong', true=shorten(clean(names[walking.true]), NAME))}"


def detail_of(
    of: Walker, stops: Sequence[Stop], whole: Whole, at: Place, names: Sequence[str], words: Labels
) -> dict[str, Any]:
    """What is known of the number that one stands at: its history, what it sees of the picture, and what dropout would do."""
    stop = stops[at.stop]
    if stop.row is None:
        return {}
    told = history(words, stops, stop, asked.number(of, stop.row.place, at.unit, at.row, at.column))
    detail: dict[str, Any] = {"key": [at.stop, at.unit, at.row, at.column], **asdict(told)}
    if stop.row.has_maps:
        detail["field"] = [*stop.row.field.spans[at.row], *stop.row.field.spans[at.column]]
    else:
        detail["field"] = [0, SIDE, 0, SIDE]
    is_last = stop.row.place == len(whole.layers) - 1
    if at.zoom != "overview" and (stop.kind == "dropout" or is_last) and _has_dropout(stops):
        detail |= _spread(of, whole, names, words)
    if is_last:
        detail["label"] = shorten(clean(names[at.unit]), NAME)
        detail["lines"] = [*detail["lines"], *_margin(of, stop, whole, names, words)]
    return detail


def _has_dropout(stops: Sequence[Stop]) -> bool:
    return any(stop.kind == "dropout" and getattr(stop.layer, "rate", 0) > 0 for stop in stops)


def _spread(of: Walker, whole: Whole, names: Sequence[str], words: Labels) -> dict[str, Any]:
    """How dropout's draws spread the answer: of the classes that are shown their probabilities in each, and a sentence."""
    draws, ranking = asked.draws(of), whole.ranking[:MOST_CLASSES]
    first, write = ranking[0], Writer(words)
    chances = draws[:, first]
    same = int((draws.argmax(axis=1) == first).sum())
    low, high = (write.number(100 * float(x), 0) for x in (chances.min(), chances.max()))
    text = words("spread", draws=len(draws), name=shorten(clean(names[first]), NAME), low=low, high=high, same=same)
    return {"draws": [[round(float(x), 4) for x in draws[:, c]] for c in ranking], "spread": text}


def _margin(of: Walker, stop: Stop, whole: Whole, names: Sequence[str], words: Labels) -> list[dict[str, str]]:
    """What spoke most for the winner against the runner-up: inputs times the difference of their weights."""
    assert isinstance(stop.layer, Dense)
    assert stop.row is not None
    first, second = whole.ranking[:2]
    a, b = (asked.number(of, stop.row.place, c, 0, 0) for c in (first, second))
    products = a.arrays["inputs"].astype(np.float64) * (a.arrays["weights"].astype(np.float64) - b.arrays["weights"])
    write, lead = Writer(words), float(whole.logits[first] - whole.logits[second])
    most = np.argsort(-products, kind="stable")[:3]
    text = ", ".join(words("for_it", unit=int(i), value=write.number(products[i])) for i in most)
    label = words("margin", first=shorten(clean(names[first]), NAME), second=shorten(clean(names[second]), NAME))
    return [{"label": label, "text": f"{write.number(lead)}: {text} …", "tone": ""}]
