"""Overfitting: a run's two curves, the gap between them, and where early stopping would have ended it."""

from __future__ import annotations

from typing import Final

from dhc.figures import lesson_curves, theme
from dhc.lessons.stopping import Ending, ending, gaps
from dhc.runs.store import RunInfo
from dhc.teaching.words import Words
from dhc.ui.lessons import recorded
from dhc.ui.lessons.recorded import Curves, Setting
from dhc.ui.widgets.knobs import Reading

SETTINGS: Final = (Setting("patience", "of_patience", tuple(range(1, 31)), first=2),)
KEY = "dhc_lesson_overfitting_"


def draw(words: Words) -> None:
    """The run, a patience, the curves, and what it comes to in figures."""
    curves = recorded.choose(words, key=f"{KEY}run", telling=_gap)
    if curves is None:
        return
    (patience,) = recorded.settings(SETTINGS, key=f"{KEY}knobs")
    end = ending(curves.val, int(patience))
    recorded.knobs(
        words,
        SETTINGS,
        key=f"{KEY}knobs",
        readings=_readings(words, curves, end),
        live="stopping",
        given=_given(words, curves),
    )
    figure = lesson_curves.overfitting(curves.train, curves.val, end, say=words)
    gap = gaps(curves.train, curves.val)[end.last - 1]
    alt = words("alt", last=end.last, best=end.best, gap=gap)
    recorded.show(figure, words, key=f"{KEY}knobs", alt=alt, height=300)


def _readings(words: Words, curves: Curves, end: Ending) -> list[Reading]:
    return [
        Reading(words("last"), words("of", epoch=end.last, epochs=len(curves.val))),
        Reading(words("best"), str(end.best)),
        Reading(words("best_value"), recorded.share(words, curves.val[end.best - 1])),
        Reading(words("gap"), recorded.share(words, gaps(curves.train, curves.val)[end.last - 1])),
    ]


def _given(words: Words, curves: Curves) -> dict[str, object]:
    """What the browser needs to draw the same while the slider is dragged."""
    templates = {"of": words("of", epoch="%epoch", epochs="%total"), "stop": words("stop", epoch="%epoch")}
    train, val = recorded.finite(curves.train), recorded.finite(curves.val)
    return {"train": train, "values": val, "words": templates, "stop": theme.SELECTED}


def _gap(info: RunInfo) -> float:
    return info.gap or 0.0
