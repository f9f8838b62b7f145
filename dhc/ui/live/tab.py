"""What the browser's tab says of a run: how far it is and how good, before, during and after."""

from __future__ import annotations

from dhc.analysis import progress
from dhc.runs.records import History
from dhc.runs.status import State
from dhc.runs.store import RunInfo
from dhc.text import shorten
from dhc.ui.widgets.tab import Tone, tab

NAME_LENGTH = 40  # characters of a run's name


def draw(info: RunInfo, history: History, name: str) -> None:
    """Dress the tab, and draw the bell while the run is alive; `name` is what the run is called."""
    tab(
        key="dhc-tab",
        run=info.id,
        title=title(info, history, name),
        fraction=fraction(info, history),
        tone=tone(info.state),
        alive=info.state.alive,
        news=news(info, name),
    )


def title(info: RunInfo, history: History, name: str) -> str:
    """``7/40 · 0.52 · name · Live``: the epoch that runs, the best val_accuracy; before and after, the state instead."""
    parts = [info.state.value]
    if info.state is State.RUNNING and not history.batches.empty:
        epoch, total = progress.epoch(history, info.epochs_total), info.epochs_total
        parts = [f"epoch {epoch}" if total is None else f"{epoch}/{total}"]
    if info.best_val_accuracy is not None:
        parts.append(f"{info.best_val_accuracy:.2f}")
    return " · ".join([*parts, shorten(name, NAME_LENGTH), "Live"])


def news(info: RunInfo, name: str) -> str:
    """One line for a message: which run, how it ended, its best val_accuracy."""
    best = "" if info.best_val_accuracy is None else f", best val_accuracy {info.best_val_accuracy:.3f}"
    return f"{shorten(name, NAME_LENGTH)}: {info.state.value}{best}"


def fraction(info: RunInfo, history: History) -> float:
    """How much of the ring is filled, 0 to 1: all of it once a run has ended."""
    return progress.fraction_done(history, info.epochs_total or 0) if info.state.alive else 1.0


def tone(state: State) -> Tone:
    """Its colour, by a word."""
    if state is State.QUEUED:
        return "waits"
    if state.alive:
        return "works"
    return "good" if state is State.FINISHED else "waits" if state is State.STOPPED else "bad"
