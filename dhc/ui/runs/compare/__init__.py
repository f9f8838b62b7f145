"""The panels of the Runs page: what can be seen of the runs that were selected there."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from dhc.runs.store import RunInfo
from dhc.ui.manage import card
from dhc.ui.runs import decision
from dhc.ui.runs.compare import (
    bets,
    curves,
    differences,
    ensemble,
    export,
    flips,
    layers,
    noise,
    reading,
    replay,
    settings,
    sureness,
    weakness,
)
from dhc.ui.shell import address, guide
from dhc.ui.shell.states import guard
from dhc.ui.widgets.controls import segments

Panel = tuple[str, Callable[[Sequence[RunInfo]], None], int]  # title, its drawing, how many runs it needs
PANELS: dict[str, Panel] = {
    "curves": ("Curves", curves.draw, 1),
    "differences": ("Differences", differences.draw, 1),
    "settings": ("Settings", settings.draw, 1),
    "reading": ("Read it", reading.draw, 2),
    "noise": ("Real or noise?", noise.draw, 2),
    "sureness": ("How sure?", sureness.draw, 1),
    "weakness": ("Weak spots", weakness.draw, 1),
    "layers": ("Layers", layers.draw, 1),
    "flips": ("Flip board", flips.draw, 2),
    "ensemble": ("Together", ensemble.draw, 2),
    "replay": ("Replay", replay.draw, 1),
    "bets": ("Bets", bets.draw, 1),
    "export": ("Export", export.draw, 1),
}
GUIDES = {
    "reading": "read-the-sweep",
    "sureness": "how-sure",
    "weakness": "weak-spots",
    "ensemble": "same-score-other-mistakes",
}
KEY = "dhc_runs_panel"
MOST_LISTED = 6  # runs whose curves are drawn while none is selected


def draw(selected_runs: Sequence[RunInfo], listed_runs: Sequence[RunInfo]) -> None:
    """Which setting to keep, of several selected runs or of all that are listed; the card of one run, or what can be done
    with several; then the panel in the address.
    """
    with guard():
        decision.draw(selected_runs if len(selected_runs) > 1 else listed_runs)
    if not selected_runs:
        if listed_runs:
            _listed(listed_runs)
        return
    with guard():
        if len(selected_runs) == 1:
            card.draw(selected_runs[0])
        else:
            card.draw_many(selected_runs)
    titles = {name: title for name, (title, _, least) in PANELS.items() if len(selected_runs) >= least}
    by_name = address.bound_choice("panel", list(titles), next(iter(titles)), key=KEY)
    with st.container(horizontal=True, vertical_alignment="center"):
        name = segments("Compare", titles, bare=True, **by_name)
        if name in GUIDES:
            guide.draw(GUIDES[name])
    with guard():
        PANELS[name][1](selected_runs)


def _listed(runs: Sequence[RunInfo]) -> None:
    first = [info for info in runs if info.epochs_done][:MOST_LISTED]
    curves.draw(first)
    if first:
        st.caption(
            f"No run is selected: these are the curves of the first {len(first)} in the table. Select one to see and change it, "
            "several to compare them."
            if len(first) > 1
            else "No run is selected. Select one to see and change it, several to compare them."
        )
