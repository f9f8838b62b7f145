"""The selected runs' settings and results side by side, changes against a baseline marked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from dhc.analysis.course import course_rows
from dhc.analysis.differences import FOLDER, NO_EFFECT, Row, circumstances, is_number, results, settings, value_text
from dhc.analysis.folders import folder_names
from dhc.analysis.ranking import best_run
from dhc.runs.environment import read_environment
from dhc.runs.naming import titles
from dhc.runs.store import RunInfo
from dhc.text import clean, count_text, duration_text, shorten
from dhc.ui.runs.compare import nothing
from dhc.ui.shell import address, session

KEY = "dhc_differences_"
MOST = 100  # runs that have a column
TITLE_LENGTH = 28  # characters of a run's title above its column
# Seen through, so that the text keeps its contrast in light and dark; the signs say the same without colour.
CHANGED, RESULT = "background-color: rgba(217,115,13,0.20)", "background-color: rgba(133,129,153,0.14)"
HIGHER, LOWER, OTHER = "▲", "▼", "≠"


def draw(runs: Sequence[RunInfo]) -> None:
    """The table of settings and results, and below it the circumstances that differ."""
    readable = [info for info in runs if info.config is not None]
    columns = readable[:MOST]
    if not columns:
        nothing.say("The settings of the selected runs cannot be read: select others.", icon=":material/difference:")
        return
    baseline, everything = _controls(columns)
    rows = settings([info.shown_config for info in columns if info.shown_config is not None])
    visible = [*(row for row in rows if everything or row.differs), *course_rows(columns, _titles_of_all())]
    _table([*visible, *results(columns)], len(visible), columns, baseline, name="table")
    st.caption(_legend(sum(not row.differs for row in rows), everything=everything))
    _say_what_is_missing(len(runs) - len(readable), len(readable))
    _circumstances(columns, baseline)


def _titles_of_all() -> dict[str, str]:
    return {info.id: info.title for info in session.runs()}


def _legend(equal: int, *, everything: bool) -> str:
    """What is not in the table, and what its signs mean.

    equal: how many settings are the same in all runs.
    """
    same = f"{count_text(equal, 'setting')} {'is' if equal == 1 else 'are'} the same in all runs"
    signs = f"{HIGHER} higher, {LOWER} lower, {OTHER} different"
    return (
        f"{same}: {'shown too' if everything else 'hidden'}. {NO_EFFECT}: no effect in that run, or not known. "
        f"Against the baseline: {signs}."
    )


def _controls(runs: Sequence[RunInfo]) -> tuple[int, bool]:
    """The place of the baseline among the runs, and whether equal rows are shown too."""
    ids, best = [info.id for info in runs], best_run(runs) or runs[-1]
    names = {run_id: shorten(title, 60) for run_id, title in titles(runs).items()}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        base = st.selectbox(
            "Baseline",
            format_func=names.__getitem__,
            width=420,
            help="The run that the others are compared with; at first the best one.",
            **address.bound_choice("differences_base", ids, best.id, key=KEY + "base"),
        )
        everything = st.toggle("Equal rows too", **address.bound_flag("differences_all", key=KEY + "all"))
    return ids.index(base), everything


def _table(rows: Sequence[Row], first_result: int, runs: Sequence[RunInfo], baseline: int, *, name: str) -> None:
    """One row a setting or circumstance, one column a run, the baseline first.

    Rows from `first_result` on are results.

    name: "table", or "circumstances", which have no dotted names.
    """
    order = [baseline, *(i for i in range(len(runs)) if i != baseline)]
    ids = [runs[i].id for i in order]
    frame = pd.DataFrame([[_cell(row, i, baseline) for i in order] for row in rows], columns=ids, dtype=object)
    frame.insert(0, "setting", [row.title for row in rows])
    frame.insert(1, "name", [row.name if "." in row.name else "" for row in rows])
    styles = [["", "", *(_style(row, i, baseline) for i in order)] for row in rows]
    for number in range(first_result, len(rows)):
        styles[number][:2] = [RESULT, RESULT]
    title = "setting" if name == "table" else "circumstance"
    names = titles(runs)
    st.dataframe(
        frame.style.apply(lambda _: pd.DataFrame(styles, index=frame.index, columns=frame.columns), axis=None),
        hide_index=True,
        column_order=None if name == "table" else ["setting", *ids],
        key=KEY + name,
        height="content" if len(rows) <= 24 else 880,
        column_config={
            "setting": st.column_config.TextColumn(title, pinned=True, width="medium"),
            "name": st.column_config.TextColumn("name", width="medium"),
            **{runs[i].id: _column(names[runs[i].id], runs[i].id, is_base=i == baseline) for i in order},
        },
        alt="Settings and results of the selected runs",
    )


def _column(name: str, run_id: str, *, is_base: bool) -> Any:
    title = shorten(name, TITLE_LENGTH)
    return st.column_config.TextColumn(f"{title} (baseline)" if is_base else title, help=f"run {run_id}")


def _cell(row: Row, number: int, baseline: int) -> str:
    """A value as text, with the sign of its change against the baseline's."""
    value, base = row.values[number], row.values[baseline]
    text = _text(row, value)
    if number == baseline or repr(value) == repr(base):
        return text
    if is_number(value) and is_number(base):
        return f"{HIGHER if value > base else LOWER} {text}"
    return f"{OTHER} {text}"


def _text(row: Row, value: Any) -> str:
    if value is None:
        return NO_EFFECT
    if row.name == "seconds":
        return duration_text(value)
    if row.name in ("best val_accuracy", "gap"):
        return f"{value:.3f}"
    if row.name == FOLDER:
        return clean(folder_names(row.values)[value])
    return clean(value_text(value, row.name))


def _style(row: Row, number: int, baseline: int) -> str:
    return CHANGED if repr(row.values[number]) != repr(row.values[baseline]) else ""


def _say_what_is_missing(unreadable: int, readable: int) -> None:
    if unreadable:
        st.caption(f"{count_text(unreadable, 'selected run')} left out: the settings cannot be read.")
    if readable > MOST:
        st.caption(f"Only the first {MOST} runs have a column.")


def _circumstances(runs: Sequence[RunInfo], baseline: int) -> None:
    rows = circumstances([read_environment(info.folder) for info in runs])
    st.markdown("**Circumstances that differ**")
    if not rows:
        st.caption("None: device, versions and pictures are the same, as far as the runs say.")
        return
    _table(rows, len(rows), runs, baseline, name="circumstances")
    if any(row.name == "fingerprint of the pictures" for row in rows):
        st.warning("The pictures differ: results on different pictures cannot be compared.", icon=":material/warning:")
