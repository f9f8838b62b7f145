"""The Runs page's table: filters, columns and selection, all of it in the address."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pandas as pd
import streamlit as st

from dhc.analysis.differences import differing_settings, setting_text
from dhc.analysis.search import ORDERS, RunFilter, select_runs, sparkline
from dhc.config import fields
from dhc.runs import rundir
from dhc.runs.status import State
from dhc.runs.store import RunInfo
from dhc.text import count_text, duration_text
from dhc.ui.manage import queue, storage, undo
from dhc.ui.runs import compare, groups
from dhc.ui.shell import address, session
from dhc.ui.shell.states import no_runs

KEY = "dhc_runs_table"
ROW_IDS = "dhc_runs_shown"  # in the session: the runs in the rows of the table as it was last drawn
MOST_SELECTED = 100
FIXED = ("★", "run", "status", "best val_accuracy", "best epoch", "gap", "time", "val_accuracy by epoch")
EXTRA = ("epochs", "tags", "note", "group", "data", "started", "id", "accuracy", "val_accuracy", "pictures/s", "device")
COLUMNS: dict[str, Any] = {
    "★": st.column_config.TextColumn(width=30, pinned=True, help="Starred"),
    "run": st.column_config.TextColumn(pinned=True, width="medium"),
    "best val_accuracy": st.column_config.ProgressColumn(min_value=0, max_value=1, format="%.3f", width=125),
    "gap": st.column_config.NumberColumn(format="%.3f", help="accuracy − val_accuracy after the last epoch"),
    "val_accuracy by epoch": st.column_config.LineChartColumn(y_min=0, y_max=1, width=155),
    "accuracy": st.column_config.NumberColumn(format="%.3f", help="On the training pictures, after the last epoch"),
    "val_accuracy": st.column_config.NumberColumn(format="%.3f", help="After the last epoch"),
    "pictures/s": st.column_config.NumberColumn(format="%.0f"),
    "started": st.column_config.DatetimeColumn(format="D MMM YYYY, HH:mm"),
}


def draw() -> None:
    """Filters, the table, and what can be seen of and done with the selected runs."""
    undo.draw()
    everyone = session.runs()
    if not everyone:
        no_runs("No runs yet. Start one, and it appears here.")
        return
    queue.offer_work(everyone)
    if any(info.state is State.QUEUED for info in everyone):
        with st.expander("Queue", icon=":material/schedule:"):
            queue.draw(everyone)
    groups.draw(everyone)
    order = address.choice("order", list(ORDERS), "newest")
    runs = select_runs(everyone, _filters(everyone), order)
    selected_runs = _of_address(select_runs(everyone, RunFilter(archived=True), order))
    _show(runs, selected_runs)
    _bar(runs, selected_runs)
    compare.draw(selected_runs, runs)
    storage.draw()


def _filters(runs: Sequence[RunInfo]) -> RunFilter:
    """The filter in the address, and the widgets that change it."""
    groups = list(dict.fromkeys(info.group for info in runs if info.group))
    tags = sorted({tag for info in runs for tag in info.labels.tags})
    with st.container(horizontal=True, vertical_alignment="bottom"):
        _text("Search", "q", "name, note, tag, network, factor=0.8")
        _many("State", "state", [state.value for state in State])
        if tags:
            _many("Tags", "tag", tags)
        if groups:
            _one("Group", "group", ["", *groups])
        _one("Order", "order", list(ORDERS), width=150)
        with st.popover("More", icon=":material/tune:"):
            _flag("Starred only", "star")
            _flag("Archived too", "archived")
            _many("Columns", "columns", _columns(runs), hint="the usual ones")
    return RunFilter(
        words=st.query_params.get("q", "")[:200],
        states=address.items("state", [state.value for state in State]),
        tags=address.items("tag", tags),
        group=address.choice("group", groups, ""),
        starred=st.query_params.get("star") == "1",
        archived=st.query_params.get("archived") == "1",
    )


def _text(label: str, name: str, hint: str) -> None:
    key = f"dhc_runs_{name}"
    st.session_state[key] = st.query_params.get(name, "")[:200]
    st.text_input(label, key=key, placeholder=hint, on_change=_put, args=(name, key), max_chars=200, width=260)


def _one(label: str, name: str, options: Sequence[str], width: int = 190) -> None:
    binding = address.bound_choice(name, options, options[0], key=f"dhc_runs_{name}")
    st.selectbox(label, width=width, format_func=lambda option: option or "all", **binding)


def _many(label: str, name: str, options: Sequence[str], hint: str = "any") -> None:
    binding = address.bound_items(name, options, key=f"dhc_runs_{name}")
    st.multiselect(label, placeholder=hint, width=190, **binding)


def _flag(label: str, name: str) -> None:
    key = f"dhc_runs_{name}"
    st.session_state[key] = st.query_params.get(name) == "1"
    st.toggle(label, key=key, on_change=_put, args=(name, key))


def _put(name: str, key: str) -> None:
    """The value of a text or a toggle into the address; an empty one leaves it."""
    value = st.session_state[key]
    address.put(**{name: "1" if value is True else value or None})


def _columns(runs: Sequence[RunInfo]) -> list[str]:
    """Every column to choose from: fixed, extra, and each setting with an effect in some run."""
    configs = [info.config for info in runs[:200] if info.config is not None]
    effective = [field.name for field in fields() if any(config.uses(field.name) for config in configs)]
    return [*FIXED, *EXTRA, *effective]


def _show(runs: Sequence[RunInfo], selected_runs: Sequence[RunInfo]) -> None:
    """The table, its selection set to what the address says."""
    ids = [info.id for info in runs]
    places = {run_id: place for place, run_id in enumerate(ids)}
    rows = sorted(places[info.id] for info in selected_runs if info.id in places)
    st.session_state[ROW_IDS] = ids
    st.session_state[KEY] = {"selection": {"rows": rows, "columns": [], "cells": []}}
    names = list(address.items("columns", _columns(runs))) or usual(runs)
    st.dataframe(
        table(runs, names),
        hide_index=True,
        on_select=_take_selection,
        selection_mode="multi-row",
        key=KEY,
        column_config=COLUMNS,
        placeholder="",
        height=min(38 + 35 * max(1, len(runs)), 388),
        alt="Runs",
    )
    if not runs:
        st.caption("No run passes this filter.")


def usual(runs: Sequence[RunInfo]) -> list[str]:
    """The columns where nobody chose: the fixed ones, settings that differ, labels in use."""
    configs = [info.config for info in runs if info.config is not None]
    labels = {
        "tags": any(info.labels.tags for info in runs),
        "group": any(info.group for info in runs),
        "note": any(info.labels.note or info.example for info in runs),
    }
    return [*FIXED, *differing_settings(configs), *(name for name, present in labels.items() if present), "started"]


def table(runs: Sequence[RunInfo], names: Sequence[str]) -> pd.DataFrame:
    """One row a run with the columns of these names; settings have dotted names."""
    rows = []
    for info in runs:
        fixed = _row(info)
        rows.append({name: fixed[name] if name in fixed else setting_text(info.config, name) for name in names})
    return pd.DataFrame(rows, columns=list(names))


def _row(info: RunInfo) -> dict[str, object]:
    return {
        "★": "★" if info.labels.star else "",
        "run": info.title,
        "status": info.state.value,
        "best val_accuracy": info.best_val_accuracy,
        "best epoch": info.best_epoch,
        "gap": info.gap,
        "time": duration_text(info.seconds) if info.seconds else "–",
        "val_accuracy by epoch": sparkline(info.curve),
        "epochs": f"{info.epochs_done} / {info.epochs_total or '?'}",
        "tags": ", ".join(info.labels.tags),
        "note": info.labels.note.partition("\n")[0][:120] or ("example" if info.example else ""),
        "group": info.group,
        "data": setting_text(info.config, "data.path"),
        "started": datetime.fromtimestamp(info.queued_at) if info.queued_at else None,
        "id": info.id,
        "accuracy": info.accuracy,
        "val_accuracy": info.val_accuracy,
        "pictures/s": info.pictures_per_second,
        "device": info.device,
    }


def _of_address(runs: Sequence[RunInfo]) -> list[RunInfo]:
    """The runs that the address selects, in the table's order."""
    texts = address.words("select")[:MOST_SELECTED]
    ids = {text for text in texts if rundir.RUN_ID.fullmatch(text)}
    return [info for info in runs if info.id in ids]


def _take_selection() -> None:
    """Put the selected rows' runs into the address; what a filter hides stays selected."""
    ids = st.session_state.get(ROW_IDS, [])
    rows = st.session_state[KEY]["selection"]["rows"]
    visible = [ids[row] for row in rows if row < len(ids)]
    hidden = [run_id for run_id in address.words("select") if run_id and run_id not in ids]
    choose([*visible, *hidden])


def choose(ids: Sequence[str]) -> None:
    """Select runs, in the address; to be called in a callback."""
    address.put(select=",".join(ids[:MOST_SELECTED]) or None)
    if len(ids) == 1:
        st.session_state["dhc_run"] = ids[0]


def _bar(runs: Sequence[RunInfo], selected_runs: Sequence[RunInfo]) -> None:
    """How many are shown and selected, and selecting all or none."""
    ids = [info.id for info in runs]
    hidden = len({info.id for info in selected_runs} - set(ids))
    more = f", {hidden} of them hidden by the filter" if hidden else ""
    first = f"Select the first {MOST_SELECTED}" if len(ids) > MOST_SELECTED else "Select all"
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(f"{count_text(len(runs), 'run')}, {len(selected_runs)} selected{more}", width="content")
        _select_button(first, ids, key="dhc_select_all", disabled=not ids)
        _select_button("Select none", [], key="dhc_select_none", disabled=not selected_runs)


def _select_button(label: str, ids: Sequence[str], *, key: str, disabled: bool) -> None:
    st.button(label, type="tertiary", on_click=choose, args=(ids,), key=key, disabled=disabled)
