"""Grids of numbers on a board, gone through step by step: each step lights what it takes and what it makes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import streamlit as st

from dhc.ui.widgets import assets

CELL: Final = 44  # pixels of the drawing that a cell has a side; places are counted in cells


@dataclass(frozen=True)
class Place:
    """A cell: the name of its grid, its row and column."""

    grid: str
    row: int = 0
    column: int = 0


@dataclass(frozen=True)
class Grid:
    """Numbers in rows, as texts.

    left, top: of its first cell, in cells; its title stands above. tones: from -1 to 1 of each, how far below or above 0
    it is. name: what places call it.
    """

    name: str
    title: str
    left: float
    top: float
    texts: Sequence[Sequence[str]]
    tones: Sequence[Sequence[float]]


@dataclass(frozen=True)
class Step:
    """What is taken (`sources`) and what is made of it (`results`), said in a sentence and a line of numbers.

    phase: the name of the part of the way that it belongs to; its first step can be jumped to.
    """

    sentence: str
    numbers: str
    sources: Sequence[Place]
    results: Sequence[Place]
    phase: str = ""


@dataclass(frozen=True)
class Board:
    """Grids and steps on a ground of so many cells; what a step makes is not seen before it.

    signs: texts (x, y) in between. below: room to leave below the board, as a multiple of the type's size.
    """

    width: float
    height: float
    grids: Sequence[Grid]
    steps: Sequence[Step]
    signs: Sequence[tuple[str, float, float]] = ()
    below: float = 0.0
    is_open: bool = False  # whether all numbers are seen from the beginning


def board(board: Board, *, key: str, step: int, words: Mapping[str, str]) -> None:
    """Draw the board at a step, from 0; `moved` says to which a person goes. words: alt, before, next."""
    assets.component("board", isolate_styles=True, parts=("drawing",))(
        key=key,
        data={
            "width": board.width * CELL,
            "height": board.height * CELL,
            "cell": CELL,
            "grids": [vars(grid) for grid in board.grids],
            "steps": [
                {**vars(step), "sources": list(map(vars, step.sources)), "results": list(map(vars, step.results))}
                for step in board.steps
            ],
            "signs": [list(sign) for sign in board.signs],
            "open": board.is_open,
            "below": board.below,
            "step": step,
            "words": dict(words),
        },
        on_step_change=_rerun,
    )


def moved(key: str, steps: int) -> int | None:
    """The step to which a person has just gone, from 0; None in a run that they did not start."""
    sent = st.session_state.get(key)
    step = None if sent is None else sent.get("step")
    return step if isinstance(step, int) and 0 <= step < steps else None


def _rerun() -> None:
    """Registered so that a step starts a rerun; the figure asks for it."""
