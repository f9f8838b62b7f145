"""Downloads of the selected runs, and the command lines for TensorBoard and MLflow."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib.util import find_spec

import streamlit as st

from dhc.errors import RunError
from dhc.export import html, report, table
from dhc.runs.store import RunInfo, Store
from dhc.text import count_text, size_text, whole
from dhc.ui.shell import session

KEY = "dhc_export_"
SHELF = 4_900_000  # bytes of plotly.js in every report
OF_A_RUN = 400_000  # bytes that a run with 96 classes adds to it
ROWS, EPOCHS = "One row a run: labels, figures, settings.", "One row an epoch of each run."
REPORT = "Curves, confusion matrix, worst mistakes, settings and environment of each run."
TOOLS = {
    "TensorBoard": ("tensorboard", "tensorboard --logdir exports/tensorboard"),
    "MLflow": ("mlflow", "mlflow ui --backend-store-uri sqlite:///exports/mlflow/mlflow.db"),
}


def draw(runs: Sequence[RunInfo]) -> None:
    """Download buttons, each file made when it is asked for, and commands to copy."""
    if not runs:
        st.caption("Select runs to export them as tables, as a report, or to TensorBoard and MLflow.")
        return
    _downloads([info.id for info in runs], session.store())
    for sentence in sentences(runs):
        st.caption(sentence)
    st.caption("Run the lines below in a terminal in the dashboard's folder.")
    for column, (tool, (package, show)) in zip(st.columns(len(TOOLS)), TOOLS.items(), strict=True):
        with column:
            st.markdown(f"**For {tool}**")
            st.code(command_lines([info.id for info in runs], package, show), language="shell", wrap_lines=True)


def sentences(runs: Sequence[RunInfo]) -> list[str]:
    """What to know before one clicks: the report's size, what it leaves out, what is missing."""
    size = size_text(SHELF + OF_A_RUN * min(len(runs), report.WHOLE))
    texts = [f"The report is one file of up to {size} that needs no network: open it in any browser, print it on A4."]
    if len(runs) > report.WHOLE:
        texts.append(f"Of {len(runs)} runs the first {report.WHOLE} have a chapter of their own; the tables hold all.")
    alive = sum(info.state.alive for info in runs)
    if alive:
        texts.append(f"{count_text(alive, 'run')} not ended yet: a file holds what is there when you click.")
    bare = sum(info.config is None for info in runs)
    if bare:
        texts.append(f"The settings of {count_text(bare, 'run')} cannot be read; they stay empty.")
    return texts


def command_lines(run_ids: Sequence[str], package: str, show: str) -> str:
    """Lines for a terminal in this folder: install where that is missing, export, look."""
    folder = session.runs_dir()
    elsewhere = [] if folder == session.ROOT / "runs" else ["--runs", whole(str(folder))]
    words = ["python", "-m", "dhc", "export", *run_ids, f"exports/{package}", "--to", package, *elsewhere]
    line = subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)
    install = [] if find_spec(package) else [f"pip install {package}"]
    return "\n".join([*install, line, show])


def _downloads(run_ids: Sequence[str], store: Store) -> None:
    name = run_ids[0] if len(run_ids) == 1 else f"{len(run_ids)}-runs"

    def runs_csv() -> bytes:
        return table.to_csv(table.runs_table(_again(run_ids, store)))

    def history_csv() -> bytes:
        return table.to_csv(table.history_table(_again(run_ids, store), store))

    def report_html() -> bytes:
        return html.to_html(_again(run_ids, store), store)

    with st.container(horizontal=True, vertical_alignment="center"):
        _button("Table", f"{name}.csv", ":material/table:", ROWS, runs_csv)
        _button("Histories", f"{name}-history.csv", ":material/show_chart:", EPOCHS, history_csv)
        _button("Report", f"{name}.html", ":material/description:", REPORT, report_html)


def _button(label: str, file: str, icon: str, help: str, make: Callable[[], bytes]) -> None:
    """A download whose file is made when it is pressed.

    `make` runs in a thread of its own: nothing of Streamlit may be called in it.
    """
    kind = file.rpartition(".")[2]
    st.download_button(
        f"{label} ({kind.upper()})",
        make,
        file_name=file,
        mime=f"text/{kind}",
        icon=icon,
        help=help,
        on_click="ignore",
        key=KEY + label.lower(),
    )


def _again(run_ids: Sequence[str], store: Store) -> list[RunInfo]:
    """The runs as they stand now; those that were deleted since the page was drawn are left out."""
    infos = []
    for run_id in run_ids:
        with suppress(RunError):
            infos.append(store.run(run_id))
    return infos
