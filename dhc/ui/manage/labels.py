"""What a person says of runs, on the screen: name, tags and note of one; star, tags and archive of several."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from dhc.errors import RunError
from dhc.runs.labels import change_labels
from dhc.runs.lenient import MAX_NAME, MAX_NOTE, MAX_TAGS
from dhc.runs.store import RunInfo
from dhc.text import count_text
from dhc.ui.shell import session
from dhc.ui.shell.states import error_box

KEY = "dhc_labels_"
FAILED = KEY + "failed"


def draw(info: RunInfo) -> None:
    """Name, tags and note, each saved as soon as it is left."""
    labels = info.labels
    name, tags, note = st.columns([2, 2, 3], gap="small")
    key = _held(info, "name", labels.name)
    name.text_input("Name", key=key, max_chars=MAX_NAME, placeholder=info.id, on_change=_save, args=(info, "name", key))
    key = _held(info, "tags", list(labels.tags))
    tags.multiselect(
        "Tags",
        all_tags(info),
        key=key,
        accept_new_options=True,
        max_selections=MAX_TAGS,
        placeholder="Choose or write",
        on_change=_save,
        args=(info, "tags", key),
    )
    key = _held(info, "note", labels.note)
    note.text_area(
        "Note",
        key=key,
        max_chars=MAX_NOTE,
        height="content",
        placeholder="What was tried, what came of it",
        on_change=_save,
        args=(info, "note", key),
    )
    tell_failure()


def draw_many(infos: Sequence[RunInfo]) -> None:
    """Star, archive and tags for all of the runs."""
    with st.container(horizontal=True, vertical_alignment="bottom", key=KEY + "many"):
        star_button(infos)
        archive_button(infos)
        key = KEY + "many_tags"
        st.multiselect(
            "Tags", all_tags(*infos), key=key, accept_new_options=True, placeholder="Choose or write", width=280
        )
        given = tuple(st.session_state[key])
        st.button("Add to all", on_click=_add, args=(infos, given), disabled=not given, key=KEY + "add")
        st.button("Take from all", on_click=_take, args=(infos, given), disabled=not given, key=KEY + "take")
    tell_failure()


def star_button(infos: Sequence[RunInfo]) -> None:
    """Star the runs; where all of them are starred, take the stars back."""
    starred = all(info.labels.star for info in infos)
    st.button(
        "★ Starred" if starred else "Star",
        icon=None if starred else ":material/star:",
        help="Take the star back." if starred else "Mark it as one to find again.",
        on_click=change,
        args=(infos, lambda info: {"star": not starred}),
        key=KEY + "star",
    )


def archive_button(infos: Sequence[RunInfo]) -> None:
    """Put the runs aside; where all of them are, take them back."""
    archived = all(info.labels.archived for info in infos)
    st.button(
        "Take back from the archive" if archived else "Archive",
        icon=":material/unarchive:" if archived else ":material/archive:",
        help=None if archived else "Leaves lists and pickers; its links still work, and nothing of it is removed.",
        on_click=change,
        args=(infos, lambda info: {"archived": not archived}),
        key=KEY + "archive",
    )


def all_tags(*infos: RunInfo) -> list[str]:
    """Tags that any run here has, those of `infos` too."""
    return sorted({tag for info in (*session.runs(), *infos) for tag in info.labels.tags})


def change(infos: Sequence[RunInfo], changes: Callable[[RunInfo], Mapping[str, Any]]) -> None:
    """Change the labels of several runs; to be called in a callback. `tell_failure` says what could not be done."""
    failed = []
    for info in infos:
        try:
            change_labels(info.folder, **changes(info))
        except RunError as error:
            failed.append(f"{info.title}: {error}.")
        except OSError as error:
            failed.append(f"{info.title}: this could not be saved ({error.strerror or error}).")
    if failed:
        more = f" So for {count_text(len(failed) - 1, 'other')}." if len(failed) > 1 else ""
        st.session_state[FAILED] = failed[0] + more


def tell_failure() -> None:
    """Say once what could not be saved."""
    if failed := st.session_state.pop(FAILED, None):
        error_box(failed)


def _save(info: RunInfo, label: str, key: str) -> None:
    value = st.session_state[key]
    change([info], lambda _: {label: value})


def _add(infos: Sequence[RunInfo], tags: Sequence[str]) -> None:
    change(infos, lambda info: {"tags": [*info.labels.tags, *tags]})


def _take(infos: Sequence[RunInfo], tags: Sequence[str]) -> None:
    change(infos, lambda info: {"tags": [tag for tag in info.labels.tags if tag not in tags]})


def _held(info: RunInfo, label: str, stored: Any) -> str:
    """Key of a widget that shows what is stored, also when that changes elsewhere; what could not be saved stays in it."""
    key = f"{KEY}{label}_{info.id}"
    seen = f"{key}_seen"
    if key not in st.session_state or st.session_state.get(seen) != stored:
        st.session_state[key] = stored
    st.session_state[seen] = stored
    return key
