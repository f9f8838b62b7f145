"""The Runs page's table: its selection and its baseline in the address, its rows alive while runs train."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from dhc.analysis.baseline import lead
from dhc.analysis.folders import folder_names
from dhc.analysis.pictures import JudgedPictures, by_pictures, expected_pictures
from dhc.analysis.query import read_query
from dhc.analysis.search import ORDERS, RunFilter, select_runs
from dhc.runs import rundir
from dhc.runs.naming import titles
from dhc.runs.store import RunInfo
from dhc.text import count_text, short_names, shorten
from dhc.ui.manage import queue, storage, undo
from dhc.ui.runs import columns, compare, decision, filters, groups, views
from dhc.ui.runs.columns import RUN, Comparison
from dhc.ui.runs.sheet import sheet
from dhc.ui.shell import address, session
from dhc.ui.shell.frame import choose_run, go
from dhc.ui.shell.markdown import plain
from dhc.ui.shell.states import no_runs
from dhc.ui.shell.watch import watch
from dhc.ui.widgets.controls import pager
from dhc.ui.widgets.grid_keys import grid_keys

KEY = "dhc_runs_table"
CLICK = "dhc_runs_opened"  # of the button that each run's name is
ROWS = "dhc_runs_shown"  # in the session: the runs in the rows of the table as it was last drawn, by their label
GOTO = "dhc_runs_goto"  # in the session: the run whose name was clicked
MOST_SELECTED = 100
MOST_ROWS = 250  # of a page of the table: a browser takes long to take in thousands
PAGE, FARTHEST = "page", 10_000  # in the address; the last that is asked for
TICK = 2.0  # seconds between two looks while a run is alive
KEYS = "In the table: arrows move, Space selects, Enter opens, Esc leaves."
HEAD, ROW = 38, 35  # pixels of the heading and of a row
ROWS_SEEN, ROWS_BESIDE = (
    10,
    4,
)  # rows without scrolling; while runs are compared, so that a projector shows their curves, too


@dataclass(frozen=True)
class Listing:
    """The runs that pass the filter, those of them in the table's rows, those selected, and what is said of them.

    page, pages: which part of the runs the rows are, from 1, and of how many
    """

    runs: list[RunInfo]
    rows: list[RunInfo]
    selected: list[RunInfo]
    comparison: Comparison
    page: int
    pages: int


def draw() -> None:
    """Filters, the table, and what can be seen of and done with the selected runs."""
    _go()
    everyone = session.runs()
    # Boxes of their own: what comes and goes in them moves nothing below, which would be drawn twice for a moment.
    with st.container():
        may_wait = session.runs_and_searches()
        queue.offer_work(may_wait)
        if queue.is_any_queued(may_wait):
            with st.expander("Queue", icon=":material/schedule:"):
                queue.draw(may_wait)
        if not everyone:
            undo.draw()
            no_runs("No runs yet. Start one, and it appears here.")
            return
    with st.container():
        groups.draw(everyone)
    views.apply()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        run_filter = filters.read(everyone)
        listing = _listing(everyone, run_filter)
        query = read_query(run_filter.words)
        usual = columns.usual(listing.runs, query.columns, listing.comparison)
        names, pinned = filters.choose_columns(columns.every_column(everyone), usual)
        views.draw()
    with st.container():
        filters.say_unread(query)
    _watched(everyone, listing, run_filter, names, pinned)
    if not listing.runs:
        filters.say_none_passes()
    with st.container():
        undo.draw()  # where the card stood whose button deleted
    compare.draw(listing.selected, listing.runs)
    storage.draw()


def _watched(
    everyone: Sequence[RunInfo], listing: Listing, run_filter: RunFilter, names: Sequence[str], pinned: Sequence[str]
) -> None:
    """The table; while a run is alive its rows are read and drawn anew, and the page with them once a state changes."""
    if not any(info.state.alive for info in everyone):
        _show(listing, names, pinned)
        return
    first = [listing]

    def draw_rows(runs: Sequence[RunInfo]) -> None:
        _show(first.pop() if first else _listing(runs, run_filter), names, pinned)

    def page(runs: Sequence[RunInfo]) -> object:
        return st.query_params.get("select"), st.query_params.get("baseline"), [(info.id, info.state) for info in runs]

    watch(session.runs, draw_rows, every=TICK, alive=lambda runs: any(info.state.alive for info in runs), page=page)


def _listing(everyone: Sequence[RunInfo], run_filter: RunFilter) -> Listing:
    """The runs that pass the filter in the order of the address, and how they compare with its baseline."""
    order = address.choice("order", list(ORDERS), "newest")
    readable = [info for info in everyone if info.config is not None]
    judged = by_pictures(readable, expected_pictures(readable))
    numbers = {info.id: number for number, (_, members) in enumerate(judged) for info in members}
    by_id = {info.id: info for info in everyone}
    baseline = by_id.get(address.choice("baseline", list(by_id), ""))
    first = numbers.get(baseline.id) if baseline else None
    runs = select_runs(everyone, run_filter, order, pictures=numbers, first=first)
    selected = select_runs(_of_address(everyone), RunFilter(archived=True), order, pictures=numbers, first=first)
    pages = max(1, -(-len(runs) // MOST_ROWS))
    page = min(address.integer(PAGE, low=1, high=FARTHEST) or 1, pages)
    rows = runs[(page - 1) * MOST_ROWS : page * MOST_ROWS]
    leads = None if baseline is None else {info.id: lead(info, baseline, numbers) for info in rows}
    several = (
        len({numbers[info.id] for info in runs if info.id in numbers}) > 1
    )  # of unreadable settings nothing is known
    names = _names([pictures for pictures, _ in judged]) if several else []
    pictures = {info.id: names[numbers[info.id]] for info in rows if info.id in numbers} if several else {}
    comparison = Comparison(
        baseline="" if baseline is None else baseline.id,
        leads=leads,
        pictures=pictures,
        main=names[_main(runs, numbers) if first is None else first] if names else "",
    )
    return Listing(runs, rows, selected, comparison, page, pages)


def _main(runs: Sequence[RunInfo], numbers: Mapping[str, int]) -> int:
    """The number of the pictures that the advice on these runs is about, else of the newest run's."""
    settings = decision.contest_of(runs).settings
    return numbers.get(settings[0].best_run.id, 0) if settings else 0


def _names(every: Sequence[JudgedPictures]) -> list[str]:
    """What val pictures are called: ``stand-in, 12 classes``; by the whole folder, then by numbers where two would be alike."""
    folders = folder_names(pictures.folder for pictures in every)
    classes = [f", {count_text(pictures.classes, 'class')}" if pictures.classes else "" for pictures in every]
    short = [Path(pictures.folder).name + more for pictures, more in zip(every, classes, strict=True)]
    whole = [folders[pictures.folder] + more for pictures, more in zip(every, classes, strict=True)]
    return list(short_names(tuple(whole[i] if short.count(short[i]) > 1 else short[i] for i in range(len(every))), 40))


def _show(listing: Listing, names: Sequence[str], pinned: Sequence[str]) -> None:
    """The table, its selection set to what the address says, and what stands below it."""
    runs = listing.rows
    ids = [info.id for info in runs]
    places = {run_id: place for place, run_id in enumerate(ids)}
    rows = sorted(places[info.id] for info in listing.selected if info.id in places)
    drawn = sheet(runs, names, pinned, listing.comparison)
    st.session_state[ROWS] = dict(zip(drawn.labels, ids, strict=True))
    selection = _select_rows(rows)
    width = 190 if listing.comparison.leads is not None else 230
    button = st.column_config.ButtonColumn(
        "Run",
        type="tertiary",
        alignment="left",
        pinned=True,
        width=width,
        key=CLICK,
        on_click=_clicked,
        help="Opens it",
    )
    st.dataframe(
        drawn.cells,
        hide_index=True,
        on_select=_take_selection,
        selection_mode="multi-row",
        selection_default=selection,
        key=KEY,
        column_config={RUN: button, **drawn.configuration},
        placeholder="",
        row_height=ROW,
        height=HEAD + ROW * min(max(1, len(runs)), ROWS_SEEN if len(listing.selected) < 2 else ROWS_BESIDE),
        alt="Runs",
    )
    _bar(listing)
    _go()


def _select_rows(rows: list[int]) -> Any:
    """Set the selection, and return it for a table that the browser has not drawn yet.

    One that stands already is left alone, since setting it makes the grid forget where the keyboard was.
    """
    selection = {"rows": rows, "columns": [], "cells": []}
    if list(st.session_state.get(KEY, {}).get("selection", {}).get("rows", [])) != rows:
        st.session_state[KEY] = {"selection": selection}
    return {"selection": selection}


def _of_address(runs: Sequence[RunInfo]) -> list[RunInfo]:
    """The runs that the address selects."""
    texts = address.words("select")[:MOST_SELECTED]
    ids = {text for text in texts if rundir.RUN_ID.fullmatch(text)}
    return [info for info in runs if info.id in ids]


def _shown_ids() -> list[str]:
    return list(st.session_state.get(ROWS, {}).values())


def _take_selection() -> None:
    """Put the selected rows' runs into the address; what a filter hides stays selected."""
    ids = _shown_ids()
    rows = st.session_state[KEY]["selection"]["rows"]
    visible = [ids[row] for row in rows if row < len(ids)]
    hidden = [run_id for run_id in address.words("select") if run_id and run_id not in ids]
    choose([*visible, *hidden])


def choose(ids: Sequence[str]) -> None:
    """Select runs, in the address; to be called in a callback."""
    address.put(select=",".join(ids[:MOST_SELECTED]) or None)
    if len(ids) == 1:
        st.session_state["dhc_run"] = ids[0]


def _clicked() -> None:
    """The name of a run was clicked: no callback can leave the page, so the page does when it runs next."""
    click, ids = st.session_state.get(CLICK), _shown_ids()
    if click is not None and 0 <= click["row"] < len(ids):
        st.session_state[GOTO] = ids[click["row"]]


def _go() -> None:
    """Open the run whose name was clicked."""
    run_id = st.session_state.pop(GOTO, None)
    if run_id is not None:
        choose_run(run_id)
        go("Live", run=run_id)


def _bar(listing: Listing) -> None:
    """How many are shown and selected, selecting all or none, the baseline, and the keys."""
    ids = [info.id for info in listing.runs]
    selected = listing.selected
    hidden = len({info.id for info in selected} - set(ids))
    elsewhere = len({info.id for info in selected} - {info.id for info in listing.rows}) - hidden
    parts = [f"{hidden} of them hidden by the filter"] * bool(hidden) + [f"{elsewhere} on other pages"] * bool(
        elsewhere
    )
    more = "".join(f", {part}" for part in parts)
    first = f"Select the first {MOST_SELECTED}" if len(ids) > MOST_SELECTED else "Select all"
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(f"{count_text(len(ids), 'run')}, {len(selected)} selected{more}", width="content")
        _select_button(first, ids, key="dhc_select_all", disabled=not ids)
        _select_button("Select none", [], key="dhc_select_none", disabled=not selected)
        _baseline(listing)
        pager(listing.pages, listing.page, key="dhc_runs_pager", turn=_turn)
        st.caption(KEYS, width="content")
        opened = grid_keys(KEY, heading="Run", key="dhc_runs_keys")
    if opened is not None:
        st.session_state[GOTO] = st.session_state[ROWS].get(opened)


def _turn(page: int) -> None:
    address.put(**{PAGE: None if page == 1 else page})


def _select_button(label: str, ids: Sequence[str], *, key: str, disabled: bool) -> None:
    st.button(label, type="tertiary", on_click=choose, args=(ids,), key=key, disabled=disabled)


def _baseline(listing: Listing) -> None:
    """Choosing the one selected run as the baseline, and giving it up."""
    current = listing.comparison.baseline
    (only,) = listing.selected if len(listing.selected) == 1 else (None,)
    if only is not None and only.id != current:
        st.button(
            "Compare all with this run",
            type="tertiary",
            icon=":material/flag:",
            help="Makes it the baseline: the table shows by how much each run is better or worse, in points and in percent.",
            on_click=address.put,
            kwargs={"baseline": only.id},
            key="dhc_baseline",
        )
    if current:
        base = session.run_or_none(current)
        name = plain(shorten(current if base is None else titles(listing.runs).get(current, base.title), 24))
        st.button(
            f"Baseline: {name}",
            type="tertiary",
            icon=":material/close:",
            help="Ends the comparison with it.",
            on_click=address.put,
            kwargs={"baseline": None},
            key="dhc_no_baseline",
        )
