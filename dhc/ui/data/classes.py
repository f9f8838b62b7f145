"""The classes of a data set: a chart and a table of their pictures by split, and the mean picture of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import streamlit as st

from dhc.data.browse import class_means
from dhc.data.layout import Dataset
from dhc.figures.classes import class_bars, height
from dhc.text import clean, count_text, short_names
from dhc.ui.answers.album import blank
from dhc.ui.shell import address, chosen, session
from dhc.ui.shell.states import empty, guard
from dhc.ui.widgets.gallery import Tile, gallery
from dhc.ui.widgets.plot import plot

KEY = "dhc_classes_"
FIND = "find"
MOST_MEANS = 120  # pictures, all sent at once


def draw(folder: str) -> None:
    """Chart, table and mean pictures of the classes whose name has the words in the address."""
    dataset = session.dataset(folder)
    find: str = st.text_input(
        "Find a class",
        placeholder="part of a class's name",
        icon=":material/search:",
        **address.bound_text(FIND, key=KEY + FIND),
    )
    among = chosen.of_address(dataset.classes) or range(len(dataset.classes))
    listed = [c for c in sorted(among) if find.casefold() in dataset.classes[c].casefold()]
    if not listed:
        empty("No class has such a name.", step="Show all classes", action=_clear, icon=":material/filter_alt_off:")
        return
    counts = {
        name: np.bincount(split.y, minlength=len(dataset.classes))
        for name, split in dataset.splits.items()
        if split.y is not None
    }
    clicked = _chart(dataset, listed, counts)
    left, right = st.columns([2, 3], gap="large")
    with left:
        _table(dataset, listed, counts)
    with right, guard():
        clicked = _means(folder, listed) if clicked is None else clicked
    if clicked is not None:
        _open(clicked)
        st.rerun()


def _clear() -> None:
    address.put(**{FIND: None})


def _open(c: int) -> None:
    """Go to the training pictures of a class."""
    address.put(view=None, split=None, search=None, page=None, picture=None, **{"class": c})


def _chart(dataset: Dataset, listed: Sequence[int], counts: Mapping[str, np.ndarray]) -> int | None:
    """The bars; returns the class that was clicked in this run."""
    names = short_names(dataset.classes)
    figure = class_bars([names[c] for c in listed], {split: numbers[listed] for split, numbers in counts.items()})
    small, large = (int(pick(counts["train"][listed])) for pick in (np.min, np.max))
    alt = f"{count_text(len(listed), 'class')} with {small:,} to {large:,} training pictures each, by split"
    click = plot(figure, key=KEY + "chart", height=height(len(counts)), alt=alt)
    place = None if click is None else click["customdata"]
    return listed[place] if isinstance(place, int) and 0 <= place < len(listed) else None


def _table(dataset: Dataset, listed: Sequence[int], counts: Mapping[str, np.ndarray]) -> None:
    """Pictures of each class and split; a row that is chosen opens its pictures."""
    names = [clean(dataset.classes[c]) for c in listed]
    table = pd.DataFrame({"class": names, **{split: numbers[listed] for split, numbers in counts.items()}})

    def select() -> None:
        rows = st.session_state[KEY + "table"]["selection"]["rows"]
        if rows and rows[0] < len(listed):
            _open(listed[rows[0]])

    st.caption("Choose a row to see the pictures; click a heading to sort.")
    st.dataframe(
        table,
        height=min(460, 38 + 35 * len(table)),
        hide_index=True,
        on_select=select,
        selection_mode="single-row",
        key=KEY + "table",
        alt="Pictures of each class by split",
    )


def _means(folder: str, listed: Sequence[int]) -> int | None:
    """The mean training picture of each class; returns the class that was clicked in this run."""
    dataset = session.dataset(folder)
    means, counts = _mean_pictures(folder, session.pictures(folder, "train").digest)
    names = short_names(dataset.classes)
    shown = listed[:MOST_MEANS]
    more = (
        f" The first {MOST_MEANS} of {len(listed):,}; find a class to see others." if len(listed) > MOST_MEANS else ""
    )
    st.caption(f"The mean of each class's training pictures, pixel by pixel.{more}")
    tiles = [
        Tile(
            means[c] if counts[c] else blank(),
            names[c],
            tooltip=f"{clean(dataset.classes[c])}: the mean of {count_text(int(counts[c]), 'picture')}",
        )
        for c in shown
    ]
    with st.container(height=460, border=False):
        place = gallery(tiles, key=KEY + "means", size=72)
    return None if place is None else shown[place]


@st.cache_resource(show_spinner="Averaging the pictures …", max_entries=4)
def _mean_pictures(folder: str, digest: str) -> tuple[np.ndarray, np.ndarray]:
    """The classes' mean pictures and the numbers of pictures in them, of the pixels that `digest` stands for."""
    train, classes = session.pictures(folder, "train"), len(session.dataset(folder).classes)
    assert train.y is not None
    return class_means(train, classes), np.bincount(train.y, minlength=classes)
