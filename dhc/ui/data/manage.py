"""Renaming a data set and deleting it, with undo; the runs that were made on it are counted first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import streamlit as st

from dhc.importing.write import data_set_name
from dhc.jobs import datasets
from dhc.runs.store import RunInfo
from dhc.text import count_text
from dhc.ui.data.overview import OF_ONE
from dhc.ui.shell import address, session
from dhc.ui.shell.markdown import plain
from dhc.ui.shell.states import attempt

KEY = "dhc_data_manage_"
DELETED = KEY + "deleted"  # where the data set that was deleted last is


def manage(folder: str) -> None:
    """A menu that renames or deletes the data set."""
    path = Path(folder)
    with st.popover("Manage", icon=":material/more_horiz:"):
        runs = datasets.runs_on(path, session.runs())
        st.caption(_runs_text(runs))
        name = st.text_input("Name", path.name, max_chars=60, key=f"{KEY}name_{path.name}")
        st.button(
            "Rename",
            icon=":material/edit:",
            disabled=name.strip() == path.name,
            on_click=attempt,
            args=(_rename, path, name.strip()),
            kwargs={"failure": "It could not be renamed"},
            key=KEY + "rename",
        )
        st.button(
            "Delete",
            icon=":material/delete:",
            on_click=attempt,
            args=(_delete, path),
            kwargs={"failure": "It could not be deleted"},
            key=KEY + "delete",
        )


def _runs_text(runs: Sequence[RunInfo]) -> str:
    if not runs:
        return "No run was made on it."
    verb = "was" if len(runs) == 1 else "were"
    return (
        f"{count_text(len(runs), 'run')} {verb} made on it. Under another name, or without it, their figures stay, but "
        "Mistakes and Confusion show no pictures, and they cannot be resumed."
    )


def undo() -> None:
    """After a deletion: say so, and offer to undo it."""
    place: Path | None = st.session_state.get(DELETED)
    if place is None:
        return
    name = plain(place.name.rpartition(".")[0])
    with st.container(horizontal=True, vertical_alignment="center", key=KEY + "undo_row"):
        st.markdown(f":material/delete: **{name}** is in the trash of the data folder.", width="content")
        failure = {"failure": "It could not be brought back"}
        st.button(
            "Undo", icon=":material/undo:", on_click=attempt, args=(_restore, place), kwargs=failure, key=KEY + "undo"
        )
        st.button("Dismiss", type="tertiary", on_click=_forget, key=KEY + "dismiss")


def _rename(folder: Path, name: str) -> None:
    _change(folder, lambda: datasets.rename(folder, data_set_name(name)))
    address.put(data=name)


def _delete(folder: Path) -> None:
    st.session_state[DELETED] = _change(folder, lambda: datasets.delete(folder))
    address.put(data=None, **dict.fromkeys(OF_ONE))


def _restore(place: Path) -> None:
    folder = datasets.restore(place)
    _forget()
    session.forget_pictures()
    address.put(data=folder.name)


def _change(folder: Path, change: Callable[[], Path]) -> Path:
    """Do it, unless something is at work on the data set; raises DataError."""
    datasets.refuse_busy(folder, session.store().runs())
    place = change()
    session.forget_pictures()
    return place


def _forget() -> None:
    st.session_state.pop(DELETED, None)
