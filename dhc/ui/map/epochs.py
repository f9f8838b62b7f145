"""The map after an epoch whose state was kept: the choice of it, what is drawn then, and why there is none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import streamlit as st

from dhc.errors import RunError
from dhc.jobs import features as jobs
from dhc.runs.epoch_maps import MOST_EPOCHS, MOST_PICTURES, EpochMaps
from dhc.runs.states import kept_epochs
from dhc.ui.answers.features import epoch_maps_of
from dhc.ui.answers.look import has_network
from dhc.ui.map import making
from dhc.ui.map.subject import Mapped, scaled
from dhc.ui.shell import address, sharing
from dhc.ui.shell.states import attempt

EPOCH, BEST = "epoch", "best"
KEY = "dhc_map_epoch"
HELP = (
    "The map of the best network, or the maps after the epochs whose states were kept. On those a picture moves no more than the network makes it: "
    "t-SNE begins at the map of the epoch before, PCA keeps the axes of the last epoch."
)
KEEP = "With *Keep a state every* on Train, a run has a map after each of those epochs, too."
OFFER = f"States of {{}} epochs were kept: maps after at most {MOST_EPOCHS} of them, of at most {MOST_PICTURES:,} pictures, show how this one came about."
DAMAGED = "The maps by epoch cannot be read: make them again."


@dataclass(frozen=True, eq=False)
class After:
    """The pictures of a run's map after one of its epochs.

    mapped  with what the network said after that epoch, of the pictures in `maps.rows`
    number  the epoch's place in `maps`
    """

    mapped: Mapped
    maps: EpochMaps
    number: int

    @property
    def epoch(self) -> int:
        """The epoch, from 1."""
        return int(self.maps.epochs[self.number])

    def places(self, method: str) -> np.ndarray:
        """(R, 2) by row of the map's table, 0 for pictures that are not shown; all epochs on one scale, so that what stands still is seen to."""
        places = np.zeros((len(self.mapped.table), 2))
        places[self.maps.rows] = scaled(self.maps.places[method])[self.number]
        return places


def of_address(mapped: Mapped) -> After | None:
    """The map after the epoch in the address; None for that of the best network."""
    maps = _maps(mapped)
    if maps is None:
        return None
    epoch = address.choice(EPOCH, _options(maps), BEST)
    return None if epoch == BEST else _after(mapped, maps, maps.epochs.tolist().index(int(epoch)))


def control(mapped: Mapped, change: Callable[..., None]) -> None:
    """The slider over the epochs, where there are maps of some. change: is called with what writes the choice, and its arguments."""
    maps = _maps(mapped)
    if maps is None:
        return
    binding = address.bound_choice(EPOCH, _options(maps), BEST, key=KEY)
    write, args = binding.pop("on_change"), binding.pop("args")
    st.select_slider(
        "Network", format_func=_title, help=HELP, width=130, on_change=change, args=(write, *args), **binding
    )


def offer(mapped: Mapped) -> None:
    """Where there are no maps by epoch: how to come by them."""
    info, is_damaged = mapped.subject.info, False
    try:
        if epoch_maps_of(info) is not None:
            return
    except RunError:
        is_damaged = True
    current = jobs.making(info.folder)
    if current is not None and current.pending:
        return
    count = len(kept_epochs(info.folder))
    if count < 2 or not has_network(info):
        st.caption(KEEP)
    elif not sharing.is_read_only():
        st.caption(DAMAGED if is_damaged else OFFER.format(count))
        icon = ":material/animation:"
        st.button("Make maps by epoch", icon=icon, key=KEY + "_make", on_click=attempt, args=(making.start, info))


def _maps(mapped: Mapped) -> EpochMaps | None:
    try:
        return epoch_maps_of(mapped.subject.info)
    except RunError:
        return None


def _options(maps: EpochMaps) -> list[str]:
    return [*map(str, maps.epochs.tolist()), BEST]


def _title(option: str) -> str:
    return "the best" if option == BEST else f"epoch {int(option):,}"


def _after(mapped: Mapped, maps: EpochMaps, number: int) -> After:
    table = mapped.table.copy()
    table.loc[maps.rows, "predicted"] = maps.predicted[number]
    table.loc[maps.rows, "confidence"] = np.clip(maps.confidence[number], 0, 1).astype(np.float64)
    table["correct"] = table["true"] == table["predicted"]
    return After(replace(mapped, table=table), maps, number)
