"""The panels of the Runs page: what can be seen of the runs that were selected there."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from dhc.runs.store import RunInfo
from dhc.ui.manage import card
from dhc.ui.runs.compare import bets, curves, differences, export, flips, noise, replay, settings
from dhc.ui.shell import address
from dhc.ui.shell.states import guard

Panel = tuple[str, Callable[[Sequence[RunInfo]], None], int]  # title, its drawing, how many runs it needs
PANELS: dict[str, Panel] = {
    "curves": ("Curves", curves.draw, 1),
    "differences": ("Differences", differences.draw, 1),
    "settings": ("Settings", settings.draw, 1),
    "noise": ("Real or noise?", noise.draw, 2),
    "flips": ("Flip board", flips.draw, 2),
    "replay": ("Replay", replay.draw, 1),
    "bets": ("Bets", bets.draw, 1),
    "export": ("Export", export.draw, 1),
}
KEY = "dhc_runs_panel"


def draw(chosen: Sequence[RunInfo]) -> None:
    """The card of a single run, or what can be done with several; then the panel that the address names."""
    if not chosen:
        curves.draw([])
        return
    with guard():
        if len(chosen) == 1:
            card.draw(chosen[0])
        else:
            card.draw_many(chosen)
    names = [name for name, (_, _, least) in PANELS.items() if len(chosen) >= least]
    name = st.segmented_control(
        "Compare",
        format_func=lambda name: PANELS[name][0],
        label_visibility="collapsed",
        required=True,
        **address.bound_choice("panel", names, names[0], key=KEY),
    )
    with guard():
        PANELS[name][1](chosen)
