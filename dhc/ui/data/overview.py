"""A data set on its page: which one, its classes and pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from dhc.data.about import STAND_IN, read_about
from dhc.data.decode import Pictures
from dhc.data.layout import Dataset
from dhc.text import quote
from dhc.ui.shell import session
from dhc.ui.shell.markdown import plain
from dhc.ui.shell.states import error_box
from dhc.ui.widgets.gallery import Tile, gallery

PICK = "dhc_pick_data"
SAMPLES = 24


def pick(folders: Sequence[str]) -> str:
    """A select box of the data sets; the choice stands in the address."""
    by_name = {Path(folder).name: folder for folder in folders}
    name = st.query_params.get("data", "")
    if name and name not in by_name:
        error_box(f"There is no data set {name[:60]} here. Choose another one.")
    st.session_state[PICK] = name if name in by_name else next(iter(by_name))
    return by_name[st.selectbox("Data set", list(by_name), key=PICK, on_change=_choose)]


def _choose() -> None:
    st.query_params["data"] = st.session_state[PICK]


def warn_of(folders: Sequence[str]) -> None:
    """Say which data sets cannot be used because their names are no UTF-8."""
    for folder in folders:
        st.warning(
            f"The data set {plain(quote(folder))} cannot be used: its name is no UTF-8. Rename the folder.",
            icon=":material/edit:",
        )


def overview(folder: str) -> None:
    """Counts, a table of the classes, and pictures of the class chosen in it."""
    dataset = session.dataset(folder)
    note = read_about(Path(folder))
    if note.get("kind") == STAND_IN:
        st.caption(_origin(note))
    columns = st.columns(4)
    columns[0].metric("Classes", len(dataset.classes))
    for column, name in zip(columns[1:], ("train", "val", "test"), strict=True):
        split = dataset.splits.get(name)
        column.metric(f"{name} pictures", "–" if split is None else f"{len(split.files):,}")
    left, right = st.columns([2, 3], gap="large")
    with left:
        label = _class_table(dataset)
    with right:
        _samples(session.pictures(folder, "train"), dataset.classes, label)


def _origin(note: Mapping[str, Any]) -> str:
    """What generated pictures are, by their generator's note."""
    text = "Generated stand-in pictures, not those of the competition."
    whole = note.get("of_classes")
    if not isinstance(whole, int):
        return text
    return f"{text} They are the first classes of a set of {whole}, the same files as there, drawn alone to be there in seconds."


def _class_table(dataset: Dataset) -> int | None:
    """Pictures per class and split; returns the index of the class that is selected."""
    counts = {
        name: np.bincount(split.y, minlength=len(dataset.classes))
        for name, split in dataset.splits.items()
        if split.y is not None
    }
    table = pd.DataFrame({"class": dataset.classes, **counts})
    event = st.dataframe(
        table,
        height=460,
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        key="dhc_classes",
        alt="Pictures per class",
    )
    rows = event["selection"]["rows"]
    return int(rows[0]) if rows else None


def _samples(pictures: Pictures, classes: Sequence[str], label: int | None) -> None:
    """Pictures of the class with index `label`; for None, one each of some classes."""
    assert pictures.y is not None
    labels, random = pictures.y, np.random.default_rng(0)
    if label is None:
        st.markdown("One training picture of each of some classes; choose a class in the table to see more of it.")
        some = random.permutation(len(classes))[:SAMPLES]
        firsts = [np.flatnonzero(labels == c)[:1] for c in sorted(some.tolist())]
        rows = np.concatenate(firsts) if firsts else np.array([], dtype=np.int64)
    else:
        st.markdown(f"Training pictures of **{plain(classes[label])}**")
        rows = np.sort(random.permutation(np.flatnonzero(labels == label))[:SAMPLES])
    tiles = [Tile(pictures.x[row], classes[int(labels[row])], tooltip=str(pictures.ids[row])) for row in rows]
    gallery(tiles, key="dhc_samples", size=88)
    for bad in pictures.bad[:3]:
        st.caption(f":material/warning: {plain(bad.file)} {plain(bad.reason)}")
