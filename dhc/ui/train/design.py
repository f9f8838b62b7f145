"""How a sweep's settings are chosen: every combination of the values, or draws between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import streamlit as st

from dhc.config import RunConfig
from dhc.jobs.sample import sample
from dhc.jobs.sweep import MAX_RUNS, grid
from dhc.runs.contract import Design

GRID: Design = "grid"
TITLES: Mapping[Design, str] = {"grid": "Every combination", "random": "Random", "sobol": "Sobol"}
KEY, DRAWS, REPEATS = "dhc_sweep_design", "dhc_sweep_draws", "dhc_sweep_repeats"
MOST_REPEATS = 20
FEW = 16  # draws at first
PARAMETERS = ("design", "draws", "repeats")
HELP = (
    "**Every combination** of the values: shows two settings together, and says nothing of values in between. "
    "**Random** draws between the smallest and the largest value of each setting: tries more values in as many runs, and allows to say what "
    "more runs are worth. **Sobol** does so more evenly."
)


@dataclass(frozen=True)
class Choice:
    """The design, and how many runs: repeats of each combination, or draws."""

    design: Design
    repeats: int
    draws: int

    def configs(self, base: RunConfig, values: Mapping[str, Sequence[Any]]) -> list[RunConfig]:
        """The runs in queue order. Raises ConfigError where they make no sweep."""
        if self.design == GRID:
            return grid(base, values, self.repeats)
        return sample(base, values, self.draws, self.design, base.fit.seed)


def draw(about: Mapping[str, Any]) -> Choice:
    """Draw the choice and its number; `about` is what the sweep's widgets have in common."""
    st.session_state.setdefault(KEY, GRID)
    st.session_state.setdefault(DRAWS, FEW)
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    with left:
        options = list(TITLES)
        design = cast(
            Design,
            st.segmented_control(
                "Design", options, required=True, format_func=TITLES.__getitem__, key=KEY, help=HELP, **about
            ),
        )
    with right:
        if design == GRID:
            help = "Runs of each combination, each with a seed of its own."
            repeats = int(st.number_input("Repeats", 1, MOST_REPEATS, key=REPEATS, help=help, **about))
            return Choice(design, repeats, FEW)
        draws = st.number_input(
            "Runs", 1, MAX_RUNS, key=DRAWS, help="How many draws. The seed below decides them.", **about
        )
        return Choice(design, 1, int(draws))


def written() -> dict[str, str]:
    """The choice's parameters in the address."""
    state = st.session_state
    if (design := state.get(KEY, GRID)) != GRID:
        return {"design": str(design), "draws": str(state.get(DRAWS, FEW))}
    return {"repeats": str(state[REPEATS])} if state.get(REPEATS, 1) != 1 else {}


def take(params: Mapping[str, str], bad: dict[str, str]) -> None:
    """Fill the choice from the address; what does not fit is added to `bad`, parameter → text."""
    design = params.get("design", GRID)
    if design not in TITLES:
        bad["design"], design = design, GRID
    st.session_state[KEY] = design
    for name, key, default, most in (("repeats", REPEATS, 1, MOST_REPEATS), ("draws", DRAWS, FEW, MAX_RUNS)):
        text = params.get(name, str(default))
        if text not in map(str, range(1, most + 1)):
            bad[name], text = text, str(default)
        st.session_state[key] = int(text)
