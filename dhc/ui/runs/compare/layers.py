"""Layers: the health strips of one or two of the selected runs, side by side."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dhc.analysis.ranking import best_first
from dhc.runs import rundir
from dhc.runs.naming import titles
from dhc.runs.store import RunInfo
from dhc.text import shorten
from dhc.ui.manage import layers
from dhc.ui.shell import address, session
from dhc.ui.shell.states import empty

KEY = "dhc_layers_pick_"
A, B = "layers_a", "layers_b"  # in the address


def draw(runs: Sequence[RunInfo]) -> None:
    """The strip of the one run that has looks at its layers, or of two of them: A and B of the address, else the best two."""
    looked_at = best_first([info for info in runs if (info.folder / rundir.HEALTH).is_file()])
    if not looked_at:
        empty(layers.NONE)
        return
    if len(looked_at) > 1:
        looked_at = _pick(looked_at)
    layers.draw([(info, session.log(info.id).history()) for info in looked_at])


def _pick(runs: Sequence[RunInfo]) -> list[RunInfo]:
    """Two of the runs, each from a list of its own; one run where both lists say the same."""
    by_id, names = {info.id: info for info in runs}, titles(runs)
    chosen: list[RunInfo] = []
    for column, label, param, first in zip(st.columns(2), ("A", "B"), (A, B), runs[:2], strict=True):
        binding = address.bound_choice(param, list(by_id), first.id, key=KEY + param)
        with column:
            run_id = st.selectbox(label, format_func=lambda run_id: shorten(names[str(run_id)], 60), **binding)
        chosen.append(by_id[str(run_id)])
    return chosen if chosen[0] is not chosen[1] else chosen[:1]
