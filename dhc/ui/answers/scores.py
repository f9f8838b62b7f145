"""Precision, recall and F1 of every class: a table to sort, a CSV, the report as text."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from dhc.analysis.report import averages, classification_report, to_csv, to_text
from dhc.runs.store import RunInfo
from dhc.ui.shell.frame import link
from dhc.ui.shell.glossary import explained
from dhc.ui.shell.markdown import bold

KEY = "dhc_scores_"
FIGURES = {
    "precision": "Of the pictures predicted as this class, the share that belongs to it.",
    "recall": "Of the pictures of this class, the share predicted as it.",
    "f1-score": "Harmonic mean of precision and recall.",
}


def report(info: RunInfo, matrix: np.ndarray, classes: tuple[str, ...]) -> None:
    """Averages, the table of classes, the CSV and the text report.

    matrix: (K, K) counts, rows true.
    """
    st.subheader("Per class", anchor=False)
    means = averages(matrix)
    _averages(means)
    _table(classification_report(matrix, classes), classes)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.download_button(
            "Download as CSV",
            to_csv(matrix, classes),
            file_name=f"{info.id}-val-report.csv",
            mime="text/csv",
            icon=":material/download:",
            on_click="ignore",
            key=KEY + "csv",
        )
    with st.expander("As text, the way scikit-learn prints it", icon=":material/notes:"):
        st.code(to_text(matrix, classes), language=None, height=420)


def _averages(means: pd.DataFrame) -> None:
    accuracy, macro, weighted = means.to_dict("records")
    cells = [
        ("Accuracy", accuracy["f1-score"], "The share of all val pictures that are right.", "accuracy"),
        ("Precision, macro avg", macro["precision"], "Mean over the classes, all weighted equally.", "precision"),
        ("Recall, macro avg", macro["recall"], "Mean over the classes, all weighted equally.", "recall"),
        ("F1, macro avg", macro["f1-score"], "Mean over the classes, all weighted equally.", "F1"),
        ("F1, weighted avg", weighted["f1-score"], "Mean over the classes, weighted by their pictures.", "F1"),
    ]
    for column, (label, value, meaning, term) in zip(st.columns(len(cells)), cells, strict=True):
        column.metric(label, f"{value:.3f}", help=explained(meaning, term), border=True)


@st.fragment
def _table(table: pd.DataFrame, classes: tuple[str, ...]) -> None:
    st.caption("Click a heading to sort. Choose a row to see that class's pictures.")
    state = st.dataframe(
        table,
        key=KEY + "table",
        hide_index=True,
        height=420,
        on_select="rerun",
        selection_mode="single-row",
        column_config=_columns(),
        alt="Precision, recall, F1 and support of each class",
    )
    rows = [row for row in state["selection"]["rows"] if row < len(classes)]
    if rows:
        _ways_on(rows[0], classes)


def _columns() -> dict[str, Any]:
    columns: dict[str, Any] = {"class": st.column_config.TextColumn("class", width="large")}
    for name, meaning in FIGURES.items():
        columns[name] = st.column_config.ProgressColumn(name, format="%.3f", min_value=0, max_value=1, help=meaning)
    support = st.column_config.NumberColumn("support", help="Val pictures of the class.", format="localized")
    return columns | {"support": support}


def _ways_on(c: int, classes: tuple[str, ...]) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(bold(classes[c]), width="content")
        link("Mistakes", text="What it was taken for", true=str(c))
        link("Mistakes", text="What was taken for it", pred=str(c))
