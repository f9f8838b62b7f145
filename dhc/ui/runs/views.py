"""Saved views on the Runs page: choosing one, saving what is shown under a name, deleting with undo."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from dhc.runs.views import NAME_LENGTH, View, delete_view, read_views, save_view, sound_name
from dhc.text import shorten
from dhc.ui.shell import address, session, sharing
from dhc.ui.shell.markdown import plain
from dhc.ui.shell.states import attempt

KEY = "dhc_view_"
OPENED, DELETED = KEY + "opened", KEY + "deleted"  # in the session: the view opened last, and the one deleted last
# What a view consists of: parameters of the page's address.
PARAMETERS = ("q", "state", "tag", "group", "star", "archived", "order", "columns", "pinned", "baseline")


def apply() -> None:
    """Open the view that the address names, where it names nothing else that a view decides; before widgets read the address."""
    name = st.query_params.get("view", "")
    if not name or st.session_state.get(OPENED) == name:
        return
    view = read_views(session.runs_dir()).get(address.choice("view", list(read_views(session.runs_dir())), ""))
    if view is not None:
        st.session_state[OPENED] = name
        if not _shown():
            _put(view)


def draw() -> None:
    """The list of views, and a popover that saves and deletes them."""
    views = read_views(session.runs_dir())
    current = address.choice("view", list(views), "")
    st.session_state[KEY + "name"] = current
    if views:
        st.selectbox(
            "View",
            ["", *views],
            key=KEY + "name",
            format_func=lambda name: shorten(name, 40) or "none",
            on_change=_open,
            width=150,
        )
    if not sharing.is_read_only():
        _popover(views, current)


def _popover(views: Mapping[str, View], current: str) -> None:
    with st.popover("Views", icon=":material/bookmark:"):
        st.caption("A view is the columns, their order, the filter and the baseline, under a name.")
        key = KEY + "new_name"
        if key not in st.session_state:
            st.session_state[key] = current
        name = sound_name(st.text_input("Name", key=key, max_chars=NAME_LENGTH))
        label = "Save in its place" if name in views else "Save view"
        st.button(label, key=KEY + "save", type="primary", disabled=not name, on_click=attempt, args=(_save, name))
        if current:
            changed = " It was changed since it was saved." if _shown() != dict(views[current]) else ""
            st.caption(f"**{plain(current)}** is open.{changed}")
            st.button(
                "Delete this view",
                key=KEY + "delete",
                icon=":material/delete:",
                on_click=attempt,
                args=(_delete, current),
            )
        _offer_undo()


def _offer_undo() -> None:
    deleted: tuple[str, View] | None = st.session_state.get(DELETED)
    if deleted is not None:
        name = plain(shorten(deleted[0], 40))
        st.button(
            f"Bring **{name}** back",
            key=KEY + "undo",
            icon=":material/undo:",
            on_click=attempt,
            args=(_restore, *deleted),
        )


def _open() -> None:
    name = st.session_state[KEY + "name"]
    view = read_views(session.runs_dir()).get(name)
    if name and view is None:  # deleted by someone else, or the label that a tab sends a restarted server
        return
    st.session_state[OPENED] = name
    st.session_state[KEY + "new_name"] = name
    address.put(view=name or None)
    _put(view or {})


def _save(name: str) -> None:
    st.session_state[OPENED] = save_view(session.runs_dir(), name, _shown())
    address.put(view=name)


def _delete(name: str) -> None:
    view = delete_view(session.runs_dir(), name)
    if view is not None:
        st.session_state[DELETED] = (name, view)
    address.put(view=None)


def _restore(name: str, view: View) -> None:
    save_view(session.runs_dir(), name, view)
    st.session_state.pop(DELETED, None)


def _shown() -> dict[str, str]:
    """What the address says of the things that a view decides."""
    return {name: text for name in PARAMETERS if (text := st.query_params.get(name, ""))}


def _put(view: View) -> None:
    address.put(**{name: view.get(name) for name in PARAMETERS})
