"""What the selected runs were asked to do, side by side: equal rows hidden, changes against a chosen baseline marked and coloured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from dhc.analysis.differences import NO_EFFECT, Row, circumstances, results, settings, value_text
from dhc.runs.environment import read_environment
from dhc.runs.store import RunInfo
from dhc.text import clean, count_text, duration_text, shorten
from dhc.ui.shell import address
from dhc.ui.shell.states import empty

KEY = "dhc_differences_"
MOST = 100  # runs that have a column
TITLE_LENGTH = 28  # characters of a run's title above its column
# Seen through, so that the text keeps its contrast in light and dark; the signs say the same without colour.
CHANGED, RESULT = "background-color: rgba(217,115,13,0.20)", "background-color: rgba(133,129,153,0.14)"
HIGHER, LOWER, OTHER = "▲", "▼", "≠"
NUMBERS = (int, float)


def draw(runs: Sequence[RunInfo]) -> None:
    """The table of settings and results, and below it the circumstances on which the runs differ."""
    known = [info for info in runs if info.config is not None][:MOST]
    if not known:
        empty("The settings of the selected runs cannot be read: select others.", icon=":material/difference:")
        return
    baseline, everything = _controls(known)
    rows = settings([info.config for info in known if info.config is not None])
    kept = [row for row in rows if everything or row.differs]
    equal = sum(not row.differs for row in rows)
    _table([*kept, *results(known)], len(kept), known, baseline, key=KEY + "table")
    st.caption(
        f"{count_text(equal, 'setting')} on which all agree {'is' if equal == 1 else 'are'} {'shown too' if everything else 'hidden'}. "
        f"{NO_EFFECT}: without effect in that run, or not known. Against the baseline: {HIGHER} higher, {LOWER} lower, {OTHER} another."
    )
    _say_what_is_missing(runs, known)
    _circumstances(known, baseline)


def _controls(known: Sequence[RunInfo]) -> tuple[int, bool]:
    """The place of the baseline among the runs, and whether equal rows are shown too; both stand in the address."""
    ids = [info.id for info in known]
    titles = {info.id: shorten(info.title, 60) for info in known}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        base = st.selectbox(
            "Baseline",
            format_func=titles.__getitem__,
            width=420,
            help="The run that the others are compared with; at first the oldest one.",
            **address.bound_choice("differences_base", ids, ids[-1], key=KEY + "base"),
        )
        everything = st.toggle("Equal rows too", **address.bound_flag("differences_all", key=KEY + "all"))
    return ids.index(base), everything


def _table(rows: Sequence[Row], first_result: int, runs: Sequence[RunInfo], baseline: int, *, key: str) -> None:
    """One row a setting, one column a run, the baseline first. Rows from `first_result` on are results."""
    order = [baseline, *(i for i in range(len(runs)) if i != baseline)]
    names = [runs[i].id for i in order]
    cells = [[_cell(row, i, baseline) for i in order] for row in rows]
    frame = pd.DataFrame(cells, columns=names, dtype=object)
    frame.insert(0, "setting", [row.title for row in rows])
    frame.insert(1, "name", [row.name if "." in row.name else "" for row in rows])
    looks = [["", "", *(_look(row, i, baseline) for i in order)] for row in rows]
    for number in range(first_result, len(rows)):
        looks[number][:2] = [RESULT, RESULT]
    styled = frame.style.apply(lambda _: pd.DataFrame(looks, index=frame.index, columns=frame.columns), axis=None)
    columns = {runs[i].id: _column(runs[i], is_base=i == baseline) for i in order}
    st.dataframe(
        styled,
        hide_index=True,
        column_order=None if key == KEY + "table" else ["setting", *names],
        key=key,
        height="content" if len(rows) <= 24 else 880,
        column_config={
            "setting": st.column_config.TextColumn(
                "setting" if key == KEY + "table" else "circumstance", pinned=True, width="medium"
            ),
            "name": st.column_config.TextColumn("name", width="medium"),
            **columns,
        },
        alt="Settings and results of the selected runs",
    )


def _column(info: RunInfo, *, is_base: bool) -> Any:
    title = shorten(info.title, TITLE_LENGTH)
    return st.column_config.TextColumn(f"{title} (baseline)" if is_base else title, help=f"run {info.id}")


def _cell(row: Row, number: int, baseline: int) -> str:
    """A value as text, with the sign of its change against the baseline's."""
    value, base = row.values[number], row.values[baseline]
    shown = _shown(row, value)
    if number == baseline or repr(value) == repr(base):
        return shown
    if _is_number(value) and _is_number(base):
        return f"{HIGHER if value > base else LOWER} {shown}"
    return f"{OTHER} {shown}"


def _shown(row: Row, value: Any) -> str:
    if value is None:
        return NO_EFFECT
    if row.name == "seconds":
        return duration_text(value)
    if row.name in ("best val_accuracy", "gap"):
        return f"{value:.3f}"
    return clean(value_text(value, row.name))


def _look(row: Row, number: int, baseline: int) -> str:
    return CHANGED if repr(row.values[number]) != repr(row.values[baseline]) else ""


def _is_number(value: Any) -> bool:
    return isinstance(value, NUMBERS) and not isinstance(value, bool)


def _say_what_is_missing(runs: Sequence[RunInfo], known: Sequence[RunInfo]) -> None:
    unknown = sum(info.config is None for info in runs)
    if unknown:
        st.caption(f"{count_text(unknown, 'selected run')} left out: the settings cannot be read.")
    if len(runs) - unknown > len(known):
        st.caption(f"Only the first {MOST} runs have a column.")


def _circumstances(known: Sequence[RunInfo], baseline: int) -> None:
    rows = circumstances([read_environment(info.folder) for info in known])
    st.markdown("**Circumstances that differ**")
    if not rows:
        st.caption("None: device, versions and pictures are the same, as far as the runs tell.")
        return
    _table(rows, len(rows), known, baseline, key=KEY + "circumstances")
    if any(row.name == "fingerprint of the pictures" for row in rows):
        st.warning("The pictures differ: results on different pictures cannot be compared.", icon=":material/warning:")
