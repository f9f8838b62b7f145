"""Which runs the Runs page lists, in which order, with which columns: widgets that stand for the address."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dhc.analysis.query import EXAMPLES, Query
from dhc.analysis.search import ORDERS, RunFilter
from dhc.runs.status import State
from dhc.runs.store import RunInfo
from dhc.text import shorten
from dhc.ui.runs.columns import RUN, heading
from dhc.ui.shell import address
from dhc.ui.shell.markdown import plain

KEY = "dhc_runs_"
LONGEST = 200  # letters of a search
# Of the fields, in pixels: at 1280 the row ends before the tools that the table shows above its right end.
SEARCH_WIDTH, WIDTH, ORDER_WIDTH = 240, 140, 135
SEARCH_HELP = (
    "Words from names, notes, tags, networks, states and groups; and comparisons with `<`, `>`, `<=`, `>=`, `=`, `!=` and `has`: "
    '`dropout>0.2`, `acc>=0.8`, `"LR factor"!=0.5`, `time<10min`, `state=failed`, `tag has x`, `note has "two words"`. '
    "A setting has its short name, its title and its dotted name; `acc` is the best val_accuracy. All of them must hold, with or without `and` between them."
)


def read(runs: Sequence[RunInfo]) -> RunFilter:
    """The filter in the address, after drawing the widgets that change it."""
    groups = list(dict.fromkeys(info.group for info in runs if info.group))
    tags = sorted({tag for info in runs for tag in info.labels.tags})
    _text("Search", "q", "dropout>0.2, tag has x, a word", help=SEARCH_HELP)
    _many("State", "state", [state.value for state in State])
    if tags:
        _many("Tags", "tag", tags)
    if groups:
        _one("Group", "group", ["", *groups])
    _one("Order", "order", list(ORDERS), width=ORDER_WIDTH)
    with st.popover("More", icon=":material/tune:"):
        _flag("Starred only", "star")
        _flag("Archived too", "archived")
    return RunFilter(
        words=st.query_params.get("q", "")[:LONGEST],
        states=address.items("state", [state.value for state in State]),
        tags=address.items("tag", tags),
        group=address.choice("group", groups, ""),
        starred=st.query_params.get("star") == "1",
        archived=st.query_params.get("archived") == "1",
    )


def say_unread(query: Query) -> None:
    """Name the parts of the search that were not understood."""
    if query.unread:
        parts = "; ".join(
            f"**{plain(shorten(part, 60))}** ({plain(shorten(reason, 90))})" for part, reason in query.unread
        )
        st.warning(
            f"Not understood: {parts}. Looked for as text. Comparisons look like {plain(EXAMPLES)}.",
            icon=":material/help:",
        )


def say_none_passes() -> None:
    """Say that the table is empty, and offer the way back to its runs: without the filter, else with the archived ones."""
    filtered = [name for name in ("q", "state", "tag", "group", "star") if st.query_params.get(name)]
    text = "No run passes this filter." if filtered else "All runs are archived."
    step = "Show all runs" if filtered else "Show the archived runs"
    change = dict.fromkeys(filtered) if filtered else {"archived": 1}
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(text, width="content")
        st.button(step, key=KEY + "all", on_click=address.put, kwargs=change)


def choose_columns(every: Sequence[str], usual: Sequence[str]) -> tuple[list[str], list[str]]:
    """The columns to draw in their order, and those that stay at the left, after drawing the popover that changes both."""
    columns = list(address.items("columns", every, ordered=True)) or list(usual)
    with st.popover("Columns", icon=":material/view_column:"):
        binding = address.bound_items("columns", every, usual, key=KEY + "columns", ordered=True)
        st.multiselect("Columns, in their order", format_func=heading, **binding)
        pinning = address.bound_items("pinned", columns, [RUN], key=KEY + "pinned", ordered=True)
        st.multiselect("Stay at the left", format_func=heading, **pinning)
        _mover(columns)
        whole = st.query_params.get("columns") is None and st.query_params.get("pinned") is None
        reset = {"columns": None, "pinned": None}
        st.button("The usual columns", key=KEY + "usual", disabled=whole, on_click=address.put, kwargs=reset)
    pinned = list(address.items("pinned", columns, ordered=True)) or [RUN]
    return _with_pinned_first(columns, pinned), [RUN, *pinned]


def _mover(columns: Sequence[str]) -> None:
    """One column at a time to the left or to the right."""
    key = KEY + "moved"
    if st.session_state.get(key) not in columns:
        st.session_state[key] = columns[0]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox("Move", columns, key=key, format_func=heading, width=220)
        for icon, step, help_text in (
            (":material/arrow_back:", -1, "To the left"),
            (":material/arrow_forward:", 1, "To the right"),
        ):
            args = (tuple(columns), step)
            st.button(icon, key=f"{key}{step}", help=help_text, on_click=_move, args=args)


def _move(columns: Sequence[str], step: int) -> None:
    name = st.session_state[KEY + "moved"]
    if name in columns:
        address.put(columns=address.listed(moved(columns, name, step)))


def moved(columns: Sequence[str], name: str, step: int) -> list[str]:
    """The columns with one of them `step` places further right; at the end it stays."""
    others = [column for column in columns if column != name]
    place = min(max(columns.index(name) + step, 0), len(others))
    return [*others[:place], name, *others[place:]]


def _with_pinned_first(columns: Sequence[str], pinned: Sequence[str]) -> list[str]:
    """The run's name first, which opens it, then the other pinned columns, then the rest."""
    first = [RUN, *(name for name in pinned if name != RUN)]
    return [*first, *(name for name in columns if name not in first)]


def _text(label: str, name: str, hint: str, help: str) -> None:
    key = KEY + name
    st.session_state[key] = st.query_params.get(name, "")[:LONGEST]
    st.text_input(
        label,
        key=key,
        placeholder=hint,
        on_change=_put,
        args=(name, key),
        max_chars=LONGEST,
        width=SEARCH_WIDTH,
        help=help,
    )


def _one(label: str, name: str, options: Sequence[str], width: int = WIDTH) -> None:
    binding = address.bound_choice(name, options, options[0], key=KEY + name)
    st.selectbox(label, width=width, format_func=lambda option: option or "all", **binding)


def _many(label: str, name: str, options: Sequence[str], hint: str = "any") -> None:
    binding = address.bound_items(name, options, key=KEY + name)
    st.multiselect(label, placeholder=hint, width=WIDTH, **binding)


def _flag(label: str, name: str) -> None:
    key = KEY + name
    st.session_state[key] = st.query_params.get(name) == "1"
    st.toggle(label, key=key, on_change=_put, args=(name, key))


def _put(name: str, key: str) -> None:
    """The value of a text or a toggle into the address; an empty one leaves it."""
    value = st.session_state[key]
    address.put(**{name: "1" if value is True else value or None})
