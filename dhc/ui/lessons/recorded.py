"""The recorded curves that a lesson plays with: those of one of the runs, the most telling one at first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from dhc.runs.store import RunInfo
from dhc.teaching.words import COMMA, Words
from dhc.ui.lessons import run
from dhc.ui.shell import session
from dhc.ui.widgets.plot import plot

LEAST = 4  # epochs of a curve that can be read


@dataclass(frozen=True)
class Curves:
    """What a run has recorded, epoch by epoch: accuracies from 0 to 1 and learning rates."""

    info: RunInfo
    train: tuple[float, ...]
    val: tuple[float, ...]
    rates: tuple[float, ...]


def choose(words: Words, *, key: str, telling: Callable[[RunInfo], float]) -> Curves | None:
    """The curves of the chosen run, at first of the one that is the most `telling`; where there is none, offer to make one."""
    runs = [
        info for info in run.with_answers() if info.has_epochs and info.trains_network and info.epochs_done >= LEAST
    ]
    info = run.choose(words.language, sorted(runs, key=telling, reverse=True), key=key)
    if info is None:
        run.offer(words.language, words("missing"), run.starting_config(), key=f"{key}_start")
        return None
    table = session.log(info.id).history().epochs
    train, val, rates = (tuple(table[name].tolist()) for name in ("accuracy", "val_accuracy", "learning_rate"))
    return Curves(info, train, val, rates) if np.isfinite(val).any() else None


def show(figure: go.Figure, words: Words, *, key: str, alt: str, height: int) -> None:
    """A lesson's figure, as high as the window has room, with the decimal sign of its language."""
    if words.language in COMMA:
        figure.update_layout(separators=",.")
    plot(figure, key=key, height=height, alt=alt, clicks=False, fill=True)
