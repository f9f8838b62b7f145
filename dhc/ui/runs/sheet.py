"""The Runs page's table as the browser gets it, made anew only where something in it has changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import pandas as pd
import pyarrow as pa
import streamlit as st

from dhc.runs.store import RunInfo
from dhc.ui.runs import columns
from dhc.ui.runs.columns import RUN, Comparison
from dhc.ui.runs.memory import Same


@dataclass(frozen=True)
class Sheet:
    """What `st.dataframe` takes: cells, and how each column but the runs' names is drawn; and the label of each row's run."""

    cells: Any
    configuration: Mapping[str, Any]
    labels: tuple[str, ...]


def sheet(runs: Sequence[RunInfo], names: Sequence[str], pinned: Sequence[str], comparison: Comparison) -> Sheet:
    """The table of these runs with the columns of these names, of which those in `pinned` stay at the left."""
    theme = st.context.theme.type or "light"
    return _sheet(tuple(map(Same, runs)), tuple(names), tuple(pinned), comparison, theme)


@lru_cache(maxsize=8)  # most clicks on the page change nothing in it, and it takes pandas as long as all the rest
def _sheet(
    runs: tuple[Same[RunInfo], ...], names: tuple[str, ...], pinned: tuple[str, ...], comparison: Comparison, theme: str
) -> Sheet:
    infos = [run.value for run in runs]
    frame = columns.table(infos, names, comparison)
    cells = columns.coloured(frame, infos, comparison, theme)
    configuration = columns.configuration(frame, pinned, comparison)
    return Sheet(_as_arrow(cells), configuration, tuple(frame[RUN]))


def _as_arrow(cells: Any) -> Any:
    """An uncoloured table as Streamlit would send it; anything else as it is."""
    if not isinstance(cells, pd.DataFrame):
        return cells
    try:
        return pa.Table.from_pandas(cells)
    except (pa.ArrowException, OverflowError):  # a number of an edited run: Streamlit makes a text of it
        return cells
