"""What the browser is shown of a walk: which of a layer's maps, the answer, and the number that one stands at."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from dhc.analysis.network import SIDE, shape_text
from dhc.models.plan import Dropout
from dhc.teaching.words import Labels
from dhc.text import clean, counted, shorten
from dhc.ui.walk import asked
from dhc.ui.walk.asked import LayerMaps, Walker, Whole
from dhc.ui.walk.history import Writer, history
from dhc.ui.walk.picture import Walking
from dhc.ui.walk.place import Place
from dhc.ui.walk.stops import Stop
from dhc.ui.widgets.walk import Column, Scene

MOST, SILENT = 48, 6  # maps of a layer that are drawn, and those of them that are 0 everywhere, where not all have room
MOST_CLASSES, NAME = 24, 24  # of the answer; letters of a name
MOST_REASONS = 3  # why the winner won


@dataclass(frozen=True, eq=False)
class Way:
    """A picture's way through a network: whose it is, its stops, what was answered, the names of the classes, the language."""

    of: Walker
    stops: Sequence[Stop]
    whole: Whole
    classes: Sequence[str]
    words: Labels

    def name(self, number: int) -> str:
        """A class's name as far as there is room for it."""
        return shorten(clean(self.classes[number]), NAME)

    @property
    def best_two(self) -> tuple[int, int]:
        """The winner and the runner-up."""
        first, second = self.whole.ranking[:2]
        return first, second

    @property
    def lead(self) -> float:
        """How far the winner is ahead, in logits."""
        first, second = self.best_two
        return float(self.whole.logits[first] - self.whole.logits[second])


def scene_of(way: Way, at: Place, walking: Walking) -> Scene:
    """All layers of a walk as the browser draws them; the unit at the place is among those drawn."""
    columns = [_column(stop, way, at.unit if number == at.stop else None) for number, stop in enumerate(way.stops)]
    classes = [
        (way.name(c), float(way.whole.probabilities[c]), float(way.whole.logits[c]))
        for c in way.whole.ranking[:MOST_CLASSES]
    ]
    parts = (way.of, way.words.language, walking.true, [column.units for column in columns])
    stamp = hashlib.sha256(repr(parts).encode()).hexdigest()[:16]
    return Scene(stamp, walking.image, columns, classes, _verdict(way, walking.true))


def _column(stop: Stop, way: Way, unit: int | None) -> Column:
    said = (stop.name, stop.title(way.words), stop.kind, stop.does(way.words))
    if stop.row is None:
        return Column(*said, shape="")
    maps = way.whole.layers[stop.row.place]
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
    order = np.argsort(-maps.highest, kind="stable")
    zeros = [place for place in order.tolist() if not maps.steps[place]][:SILENT]
    chosen = {*order[: MOST - len(zeros)].tolist(), *zeros}
    if unit is not None:
        chosen.add(int(np.searchsorted(maps.units, unit)))
    return np.array(sorted(chosen))


def _verdict(way: Way, true: int | None) -> str:
    """Which class won, by how much, and whether it is the true one, where that is known."""
    first, second = way.best_two
    lead = Writer(way.words).number(way.lead, 2)
    wins = way.words("wins", first=way.name(first), second=way.name(second), lead=lead)
    if true is None:
        return wins
    return f"{wins} {way.words('is_true') if true == first else way.words('is_wrong', true=way.name(true))}"


def detail_of(way: Way, at: Place, seen: int = 0) -> dict[str, Any]:
    """What is known of the number that one stands at: its history, what it sees of the picture, and what dropout would do.

    seen: the draws of dropout that are shown there already.
    """
    stop = way.stops[at.stop]
    if stop.row is None:
        return {}
    number = asked.number(way.of, stop.row.place, at.unit, at.row, at.column)
    made = history(way.words, way.stops, stop, number)
    detail: dict[str, Any] = {"key": [at.stop, at.unit, at.row, at.column], **asdict(made), "field": [0, SIDE, 0, SIDE]}
    if len(stop.row.field.spans) > 1:
        row, column = made.window[:2] if stop.kind == "flatten" else (at.row, at.column)
        detail["field"] = [*stop.row.field.spans[row], *stop.row.field.spans[column]]
    is_last = stop.row.place == len(way.whole.layers) - 1
    if at.zoom != "overview" and (stop.kind == "dropout" or is_last) and _has_dropout(way.stops):
        detail |= _spread(way, seen)
    if is_last:
        detail["label"] = way.name(at.unit)
        detail["lines"] = [*detail["lines"], _margin(way, stop.row.place)]
    return detail


def _has_dropout(stops: Sequence[Stop]) -> bool:
    return any(isinstance(stop.layer, Dropout) and stop.layer.rate > 0 for stop in stops)


def _spread(way: Way, seen: int) -> dict[str, Any]:
    """How dropout's draws spread the answer: of the classes that are shown their probabilities in each, and a sentence; whether more are to come."""
    draws, ranking, write = asked.draws(way.of, seen), way.whole.ranking[:MOST_CLASSES], Writer(way.words)
    first = ranking[0]
    low, high = (write.number(100 * float(x), 0) for x in (draws[:, first].min(), draws[:, first].max()))
    same = int((draws.argmax(axis=1) == first).sum())
    text = way.words("spread", draws=len(draws), name=way.name(first), low=low, high=high, same=same)
    shown = [[round(float(x), 4) for x in draws[:, c]] for c in ranking]
    return {"draws": shown, "spread": text, "more": len(draws) < asked.DRAWS}


def _margin(way: Way, layer: int) -> dict[str, str]:
    """What spoke most for the winner against the runner-up: inputs times the difference of their weights."""
    first, second = way.best_two
    arrays = [asked.number(way.of, layer, c, 0, 0).arrays for c in (first, second)]
    weights = arrays[0]["weights"].astype(np.float64) - arrays[1]["weights"]
    products, write = arrays[0]["inputs"] * weights, Writer(way.words)
    most = np.argsort(-products, kind="stable")[:MOST_REASONS]
    text = ", ".join(way.words("for_it", unit=counted(int(i)), value=write.number(products[i])) for i in most)
    label = way.words("margin", first=way.name(first), second=way.name(second))
    return {"label": label, "text": f"{write.number(way.lead)}: {text} …", "tone": ""}
