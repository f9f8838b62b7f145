"""The epoch whose answers a screen shows: the best one, or the one in the address; with a slider to choose it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import streamlit as st

from dhc.analysis.epochs import accuracy_by_epoch
from dhc.runs.records import Predictions
from dhc.runs.store import RunInfo
from dhc.ui.shell import address, session
from dhc.ui.shell.chosen import EPOCH
from dhc.ui.widgets.film import Drop, Reel, clicked_epoch, film

KEY = "dhc_moment"
MOST_DROPS = 12  # a rate that changes more often changes all the time: marks would say nothing


def of_address(predictions: Predictions) -> int:
    """The epoch in the address, from 1; the best one where none is there."""
    return address.integer(EPOCH, low=1, high=len(predictions.y_pred)) or predictions.best_epoch


def take_click(predictions: Predictions) -> bool:
    """Put the epoch at which the slider has come to rest into the address; whether it is another than before."""
    epoch = clicked_epoch(KEY, len(predictions.y_pred))
    if epoch is None or epoch == of_address(predictions):
        return False
    _put(epoch, predictions.best_epoch)
    return True


def slider(info: RunInfo, predictions: Predictions, epoch: int, reels: Sequence[Reel] = ()) -> None:
    """Draw the slider; with `reels` it can be played."""
    film(
        key=KEY,
        epoch=epoch,
        best=predictions.best_epoch,
        accuracy=_accuracy(predictions),
        drops=drops(info),
        reels=reels,
    )


def say_epoch(predictions: Predictions, epoch: int) -> None:
    """Where another epoch than the best is shown, say so and offer the best."""
    if epoch == predictions.best_epoch:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.badge(f"Answers after epoch {epoch:,}, not the best one", icon=":material/history:", color="orange")
        back = f"Show epoch {predictions.best_epoch:,}, the best"
        if st.button(back, key=KEY + "_best", type="tertiary", icon=":material/star:"):
            _put(predictions.best_epoch, predictions.best_epoch)
            st.rerun(scope="app")  # all of the page is of this epoch, also where only a part of it runs


def drops(info: RunInfo) -> list[Drop]:
    """The run's changes of its learning rate; none where it changes all the time."""
    history = session.outline(info.id)[0]
    changes = history.lr_changes
    if len(changes) > MOST_DROPS:
        return []
    drops = [
        Drop(*change) for change in zip(*(changes[name].tolist() for name in ("epoch", "old", "new")), strict=True)
    ]
    drops += [Drop(epoch, *step["learning_rate"]) for epoch, step in history.steps.items() if "learning_rate" in step]
    return sorted(drops, key=lambda drop: drop.epoch)


def _put(epoch: int, best: int) -> None:
    address.put(**{EPOCH: None if epoch == best else epoch, "page": None, "picture": None})


@lru_cache(maxsize=8)
def _accuracy(predictions: Predictions) -> list[float]:
    values: list[float] = accuracy_by_epoch(predictions).tolist()
    return values
