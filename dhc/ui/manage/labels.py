"""Labels on the screen: name, tags and note of one run; star, tags and archive of several."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from dhc.runs.labels import change_labels
from dhc.runs.lenient import MAX_NAME, MAX_NOTE, MAX_TAGS
from dhc.runs.store import RunInfo
from dhc.text import count_text
from dhc.ui.shell import session, sharing
from dhc.ui.shell.states import error_box, guard

KEY = "dhc_labels_"
TAGS_HINT = "Choose or type"
FAILURE = KEY + "failure"


def draw(info: RunInfo) -> None:
    """Name, tags and note, each saved when its field is left."""
    name, tags, note = st.columns([2, 2, 3], gap="small")
    binding = _saving(info, "name", info.labels.name)
    name.text_input("Name", max_chars=MAX_NAME, placeholder=info.title, **binding)
    binding = _saving(info, "tags", list(info.labels.tags))
    tags.multiselect(
        "Tags", all_tags(info), accept_new_options=True, max_selections=MAX_TAGS, placeholder=TAGS_HINT, **binding
    )
    binding = _saving(info, "note", info.labels.note)
    note.text_area(
        "Note", max_chars=MAX_NOTE, height="content", placeholder="What was tried, what came of it", **binding
    )
    say_failure()


def draw_many(infos: Sequence[RunInfo]) -> None:
    """Star, archive and tags for all of the runs at once."""
    with st.container(horizontal=True, vertical_alignment="bottom", key=KEY + "many"):
        star_button(infos)
        archive_button(infos)
        options = all_tags(*infos)
        tags = st.multiselect(
            "Tags", options, key=KEY + "many_tags", accept_new_options=True, placeholder=TAGS_HINT, width=280
        )
        st.button("Add to all", on_click=_add, args=(infos, tags), disabled=not tags, key=KEY + "add")
        st.button("Remove from all", on_click=_remove, args=(infos, tags), disabled=not tags, key=KEY + "take")
    say_failure()


def star_button(infos: Sequence[RunInfo]) -> None:
    """Star the runs; where all of them are starred, remove the stars."""
    starred = all(info.labels.star for info in infos)
    st.button(
        "★ Starred" if starred else "Star",
        icon=None if starred else ":material/star:",
        help="Remove the star." if starred else "Mark it, to find it again.",
        on_click=change,
        args=(infos, lambda info: {"star": not starred}),
        key=KEY + "star",
    )


def archive_button(infos: Sequence[RunInfo]) -> None:
    """Archive the runs; where all of them are archived, unarchive them."""
    archived = all(info.labels.archived for info in infos)
    st.button(
        "Unarchive" if archived else "Archive",
        icon=":material/unarchive:" if archived else ":material/archive:",
        help=None if archived else "Hides it from lists and pickers; its links still work, and nothing is removed.",
        on_click=change,
        args=(infos, lambda info: {"archived": not archived}),
        key=KEY + "archive",
    )


def all_tags(*infos: RunInfo) -> list[str]:
    """The tags of all runs here and of `infos`, sorted."""
    return sorted({tag for info in (*session.runs(), *infos) for tag in info.labels.tags})


def change(infos: Sequence[RunInfo], changes: Callable[[RunInfo], Mapping[str, Any]]) -> None:
    """Change the labels of several runs, in a callback.

    `say_failure` says what could not be saved.
    """
    failures = [failure for info in infos if (failure := _change_one(info, changes(info)))]
    if failures:
        more = f" The same for {count_text(len(failures) - 1, 'other')}." if len(failures) > 1 else ""
        st.session_state[FAILURE] = failures[0] + more


def _change_one(info: RunInfo, values: Mapping[str, Any]) -> str:
    """Change a run's labels; a sentence on why that failed, or ""."""
    reasons: list[str] = []
    with guard(reasons.append):
        change_labels(info.folder, **values)
    return f"{info.title}: this could not be saved ({reasons[0].rstrip('.')})." if reasons else ""


def say_failure() -> None:
    """Say once what could not be saved."""
    if failure := st.session_state.pop(FAILURE, None):
        error_box(failure)


def _save(info: RunInfo, label: str, key: str) -> None:
    value = st.session_state[key]
    change([info], lambda _: {label: value})


def _add(infos: Sequence[RunInfo], tags: Sequence[str]) -> None:
    change(infos, lambda info: {"tags": [*info.labels.tags, *tags]})


def _remove(infos: Sequence[RunInfo], tags: Sequence[str]) -> None:
    change(infos, lambda info: {"tags": [tag for tag in info.labels.tags if tag not in tags]})


def _saving(info: RunInfo, label: str, value: Any) -> dict[str, Any]:
    """Keyword arguments of a widget that shows the label's stored `value` and saves changes.

    A value that changes elsewhere shows here too; one that could not be saved stays in the widget.
    """
    key = f"{KEY}{label}_{info.id}"
    last_key = f"{key}_stored"
    if key not in st.session_state or st.session_state.get(last_key) != value:
        st.session_state[key] = value
    st.session_state[last_key] = value
    return {"key": key, "on_change": _save, "args": (info, label, key), "disabled": sharing.is_read_only()}
