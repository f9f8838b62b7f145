"""The Data page: choose a data set, see its classes and pictures, check it, make a stand-in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from dhc.data.about import STAND_IN, read_about
from dhc.data.decode import Pictures
from dhc.data.finding import Finding
from dhc.data.health import check_dataset
from dhc.data.layout import Dataset
from dhc.data.standin.labels import MOST_CLASSES, MOST_PICTURES, MOST_SEED
from dhc.jobs import datasets as jobs
from dhc.text import quote
from dhc.ui.shell import drawing, session
from dhc.ui.shell.markdown import plain
from dhc.ui.shell.states import error_box, guard
from dhc.ui.widgets.gallery import Tile, gallery

PICK = "dhc_pick_data"
SAMPLES = 24
MAKING = "dhc_making"  # folder of the data set that this session has started
CHECK_HELP = "Corrupt and missing files, copies, leaks between train and val, file names that give the label away, unbalanced classes."
BOXES = {"error": st.error, "warning": st.warning, "note": st.info}


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


def check(folder: str) -> None:
    """A button that reads every picture and lists the problems."""
    st.subheader("Check", anchor=False)
    key = f"dhc_findings_{folder}"
    if st.button(
        "Check every picture",
        icon=":material/fact_check:",
        help=CHECK_HELP,
    ):
        bar = st.progress(0.0, text="Reading …")

        def show_progress(count: int, total: int) -> None:
            bar.progress(count / max(1, total), text=f"Reading: {count:,} of {total:,}")

        st.session_state[key] = check_dataset(Path(folder), show_progress)
        bar.empty()
    findings: list[Finding] | None = st.session_state.get(key)
    if findings is None:
        return
    if not findings:
        st.success("No problems were found.")
    for finding in findings:
        BOXES[finding.severity](plain(finding.text))


def maker() -> None:
    """A form that makes a stand-in data set in the background, with its progress."""
    st.subheader("Make a stand-in data set", anchor=False)
    st.caption(
        "Generated pictures that look hallucinated, in the competition's layout and with its class frequencies. They are not the "
        "competition's own."
    )
    with st.form("dhc_make"):
        first, *others = st.columns(6, vertical_alignment="bottom")
        name = first.text_input("Name", "stand-in", max_chars=60, help="Name of the new folder inside the data folder.")
        limits = (
            ("Classes", 2, MOST_CLASSES, MOST_CLASSES),
            ("Train", 1, MOST_PICTURES["train"], 12_000),
            ("Val", 1, MOST_PICTURES["val"], 1_000),
            ("Test", 0, MOST_PICTURES["test"], 5_000),
            ("Seed", 0, MOST_SEED, 0),
        )
        values = [
            column.number_input(title, low, high, value)
            for column, (title, low, high, value) in zip(others, limits, strict=True)
        ]
        if st.form_submit_button("Make it", icon=":material/auto_awesome:"):
            _make(name, [int(value) for value in values])
    _show_whole_or_failed()
    drawing.notice()


def _make(name: str, values: list[int]) -> None:
    folder = session.data_dir() / name
    if not name.strip() or Path(name).name != name or name.startswith("."):
        error_box("The name must be a plain folder name, without slashes and without a dot in front.")
    elif folder.exists():
        error_box(f"There is a {name} already: choose another name.")
    elif (making := jobs.making(folder)) and making.pending:
        error_box(f"{name} is being drawn already: wait for it, or choose another name.")
    else:
        classes, train, val, test, seed = values
        with guard():
            jobs.start(folder, classes=classes, train=train, val=val, test=test, seed=seed)
            st.session_state[MAKING] = str(folder)


def _show_whole_or_failed() -> None:
    """Choose the data set that this session has had made, once it is whole; say of any why it could not be made, once."""
    makings = jobs.all_makings(session.data_dir())
    for folder, making in makings.items():
        if making.failure:
            jobs.forget(folder)
            error_box(f"{folder.name} could not be made: {making.failure}.")
    folder = Path(st.session_state.get(MAKING, ""))
    if MAKING in st.session_state and folder not in makings:
        del st.session_state[MAKING]
        st.query_params["data"] = folder.name
        st.rerun()
