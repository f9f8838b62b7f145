"""A small table of counts that a person changes with clicks or keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from dhc.ui.widgets import assets

MOST = 999  # in a cell


def tally(
    counts: Sequence[Sequence[int]], *, key: str, names: Sequence[str], chosen: int, words: Mapping[str, str]
) -> None:
    """Draw counts (K, K) with their sums; the row and the column of the `chosen` class stand out. `edited` says what became of them.

    words: true, predicted, sum, more, less, help, and cell, with ``%true`` and ``%predicted`` in it.
    """
    assets.component("tally", isolate_styles=True)(
        key=key,
        data={
            "counts": [list(row) for row in counts],
            "names": list(names),
            "chosen": chosen,
            "words": dict(words),
            "most": MOST,
        },
        on_counts_change=_rerun,
    )


def edited(key: str, size: int) -> list[int] | None:
    """The counts that a person has just made, row by row, `size` of them; None in a run that no change started."""
    state = st.session_state.get(key)
    counts = None if state is None else state.get("counts")
    if not isinstance(counts, list | tuple) or len(counts) != size:
        return None
    if not all(isinstance(count, int) and 0 <= count <= MOST for count in counts):
        return None
    return list(counts)


def _rerun() -> None:
    """Registered so that a change starts a rerun; the page reads the counts."""
