"""Live for a run of nearest neighbours: its figures, and val_accuracy by metric and k."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from dhc.config import KnnConfig, RunConfig
from dhc.models.knn import METRICS
from dhc.runs.contract import Summary
from dhc.runs.records import History
from dhc.runs.store import RunInfo
from dhc.text import duration_text

Table = Mapping[str, Mapping[int, float]]


def draw(info: RunInfo, config: RunConfig, history: History) -> None:
    """Draw the run's figures so far, and its table once there is one."""
    with st.container(key="dhc-live-tiles"):
        columns = st.columns(5)
    epochs = history.epochs
    best = "–" if info.best_val_accuracy is None else f"{info.best_val_accuracy:.3f}"
    columns[0].metric("val_accuracy", best)
    columns[1].metric("Metric", config.knn.metric)
    columns[2].metric("Neighbours k", config.knn.k)
    columns[3].metric("Time", duration_text(epochs["seconds"].iloc[-1]) if len(epochs) else "–")
    columns[4].metric("Pictures/s", f"{epochs['pictures_per_second'].iloc[-1]:,.0f}" if len(epochs) else "–")
    table = read_table(info)
    if table:
        st.subheader("val_accuracy by metric and number of neighbours", anchor=False)
        st.markdown(table_markdown(table, config.knn))
        st.caption(table_caption(table, config.knn))


def read_table(info: RunInfo) -> Table:
    """val_accuracy (0 to 1) by metric and k from the run's summary; empty before its end.

    Metrics that do not exist are left out.
    """
    table = Summary.of(info.folder).knn
    return {metric: row for metric, row in table.items() if metric in METRICS}


def table_markdown(table: Table, knn: KnnConfig) -> str:
    """The table as Markdown, a row for each metric, with the cell of `knn` marked."""
    ks = sorted({k for row in table.values() for k in row})
    lines = ["| | " + " | ".join(f"k = {k}" for k in ks) + " |", "|---|" + "---:|" * len(ks)]
    for metric, row in table.items():
        cells = [_cell(row.get(k), metric == knn.metric and k == knn.k) for k in ks]
        lines.append(f"| {metric} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def table_caption(table: Table, knn: KnnConfig) -> str:
    """A sentence on the marked cell and one on the highest, the first of equals."""
    cells = [(value, metric, k) for metric, row in table.items() for k, value in row.items()]
    value, metric, k = max(cells, key=lambda cell: cell[0])
    return (
        f"Marked: {knn.metric} with k = {knn.k}, with which this run predicts. "
        f"Highest: {metric} with k = {k}, {value:.3f}."
    )


def _cell(value: float | None, is_marked: bool) -> str:
    if value is None:
        return ""
    return f":violet-background[**{value:.3f}**]" if is_marked else f"{value:.3f}"
