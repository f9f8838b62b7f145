"""The Runs page: a table of every run, and what can be done with the chosen one."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pandas as pd
import streamlit as st

from dhc.config import RunConfig, differences
from dhc.runs.store import RunInfo
from dhc.ui import run_card, session
from dhc.ui.plan import duration_text
from dhc.ui.states import empty


def draw() -> None:
    """Table, then the chosen run's actions and settings."""
    run_card.undo()
    runs = session.store().runs()
    if not runs:
        empty("No runs yet.", links=["Home", "Train"])
        return
    st.caption(
        "Choose a row to open, stop or delete its run. Settings on which the runs differ have a column of their own."
    )
    event = st.dataframe(
        table(runs),
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        key=_table_key(),
        column_config={
            "best val_accuracy": st.column_config.ProgressColumn(min_value=0, max_value=1, format="%.3f"),
            "run": st.column_config.TextColumn(pinned=True),
        },
        alt="All runs",
    )
    rows = event["selection"]["rows"]
    if rows and rows[0] < len(runs):
        run_card.draw(runs[rows[0]])


def _table_key() -> str:
    """Another key after each deletion: the selection names a row by its number, and another run would stand there."""
    return f"dhc_runs_table_{st.session_state.get(run_card.DELETIONS, 0)}"


def table(runs: list[RunInfo]) -> pd.DataFrame:
    """One row a run: how it stands, its best epoch, and the settings on which the runs differ."""
    names = _telling([info.config for info in runs if info.config is not None])
    rows = []
    for info in runs:
        row: dict[str, object] = {
            "run": info.id,
            "status": info.state.value,
            "best val_accuracy": info.best_val_accuracy,
            "best epoch": info.best_epoch,
            "epochs": f"{info.epochs_done} / {info.epochs_total or '?'}",
            "time": duration_text(info.seconds) if info.seconds else "–",
            "started": datetime.fromtimestamp(info.queued_at) if info.queued_at else None,
            "data": "" if info.config is None else Path(info.config.data.path).name,
        }
        if any(other.example for other in runs):
            row["note"] = "example" if info.example else ""
        rows.append(row | {name: _shown(info.config, name) for name in names})
    return pd.DataFrame(rows)


def _telling(configs: list[RunConfig]) -> list[str]:
    """The settings on which those runs differ in which they have an effect."""
    return [
        name
        for name in differences(configs)
        if name != "data.path" and len({str(c.get(name)) for c in configs if c.uses(name)}) > 1
    ]


def _shown(config: RunConfig | None, name: str) -> str:
    return str(config.get(name)) if config is not None and config.uses(name) else "–"
