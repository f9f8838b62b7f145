"""A data set on its page: which one, how large, and which part of its page is open."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import streamlit as st

from dhc.data.about import STAND_IN, read_about
from dhc.errors import DataError
from dhc.text import quote
from dhc.ui.data import augmentation, check, classes, pictures, reading
from dhc.ui.shell import address, chosen, session, sharing, standin
from dhc.ui.shell.markdown import plain
from dhc.ui.shell.states import error_box, guard
from dhc.ui.widgets.controls import segments

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

PICK = "dhc_pick_data"
VIEW = "view"
PARTS: Mapping[str, tuple[str, Callable[[str], None]]] = MappingProxyType(
    {
        "pictures": ("Pictures", pictures.draw),
        "classes": ("Classes", classes.draw),
        "reading": ("How they were read", reading.draw),
        "augmentation": ("Augmentation", augmentation.draw),
        "check": ("Check", check.check),
    }
)
# What the address says of one data set, and of no other.
OF_ONE = ("split", "class", "search", "find", "page", "picture", "of")


def pick(place: DeltaGenerator, folders: Sequence[str]) -> str:
    """A select box of the data sets, drawn at `place`; the choice stands in the address."""
    by_name = {Path(folder).name: folder for folder in folders}
    name = st.query_params.get("data", "")
    if name and name not in by_name and not standin.offer_named(name, key="named"):
        error_box(f"There is no data set {name[:60]} here. Choose another one.")
    current = name if name in by_name else next(iter(by_name))
    # A box of its own for each choice: what the browser still holds of another one can never come back as a change.
    key = f"{PICK}_{current}"
    st.session_state[key] = current
    with place:
        return by_name[
            st.selectbox(
                "Data set", list(by_name), key=key, on_change=_choose, args=(key,), label_visibility="collapsed"
            )
        ]


def _choose(key: str) -> None:
    address.put(data=st.session_state[key], **dict.fromkeys(OF_ONE))


def warn_of(folders: Sequence[str]) -> None:
    """Say which data sets cannot be used because their names are no UTF-8."""
    for folder in folders:
        st.warning(
            f"The data set {plain(quote(folder))} cannot be used: its name is no UTF-8. Rename the folder.",
            icon=":material/edit:",
        )


def overview(folder: str) -> None:
    """Counts, and the part of the page that the address says; of a set that cannot be opened, its check alone."""
    try:
        dataset = session.dataset(folder)
    except DataError as error:
        error_box(error)
        check.check(folder)
        return
    note = read_about(Path(folder))
    if note.get("kind") == STAND_IN:
        st.caption(_origin(note))
    columns = st.columns(4)
    columns[0].metric("Classes", f"{len(dataset.classes):,}")
    for column, name in zip(columns[1:], ("train", "val", "test"), strict=True):
        split = dataset.splits.get(name)
        column.metric(f"{name} pictures", "–" if split is None else f"{len(split.files):,}")
    if outcome := session.check_summary(Path(folder)):
        st.caption(f"Last check: {outcome}.")
    titles = {name: title for name, (title, _) in PARTS.items() if name != "augmentation" or not sharing.is_read_only()}
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        part = segments(
            "Part", titles, bare=True, **address.bound_choice(VIEW, list(titles), "pictures", key="dhc_view")
        )
        if part in ("pictures", "classes"):
            chosen.control(dataset.classes)
    with guard():
        PARTS[part][1](folder)


def _origin(note: Mapping[str, Any]) -> str:
    """What generated pictures are, by their generator's note."""
    text = "Generated stand-in pictures, not those of the competition."
    whole = note.get("of_classes")
    if not isinstance(whole, int):
        return text
    return f"{text} They are the first classes of a set of {whole}, the same files as there, drawn alone to be there in seconds."
