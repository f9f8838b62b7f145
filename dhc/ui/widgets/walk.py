"""The walk through a network in the browser: all layers, a layer's maps, one number's history, its formula, with steps between them."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from dhc.ui.widgets import assets


@dataclass(frozen=True, eq=False)
class Column:
    """A layer as the walk draws it.

    does: what it does, in a sentence. shape: of its output, as text. units (n,), levels (n, h, w) uint8, steps (n,): the maps
    that are drawn, 128 standing for 0; none of a layer that passes everything on. total, silent: of all its maps.
    """

    name: str
    title: str
    kind: str
    does: str
    shape: str
    total: int = 0
    silent: int = 0
    units: Sequence[int] = ()
    levels: np.ndarray | None = None
    steps: Sequence[float] = ()


@dataclass(frozen=True, eq=False)
class Scene:
    """What the walk stays with from step to step: a picture (64, 64, 3) uint8, the layers, and the answer.

    name: another one for another picture, network or epoch. classes: the most probable first, each with its name, probability
    and logit.
    """

    name: str
    picture: np.ndarray
    columns: Sequence[Column]
    classes: Sequence[tuple[str, float, float]]
    verdict: str


def show_scene(scene: Scene, *, key: str) -> None:
    """Send a scene to the browser once, for the walk that stands on the page."""
    assets.component("walk", isolate_styles=True, parts=("walk_scene", "walk_draw"))(
        key=key,
        data={
            "scene": scene.name,
            "picture": _base64(scene.picture),
            "columns": [_encode(column) for column in scene.columns],
            "classes": [list(each) for each in scene.classes],
            "verdict": scene.verdict,
        },
        height=1,
    )


def walk(
    *, key: str, scene: str, at: Mapping[str, Any], detail: Mapping[str, Any], words: Mapping[str, str], comma: bool
) -> None:
    """Draw the walk of a scene that `show_scene` has sent, at a place; `step_of` says where a person goes.

    at: zoom, stop, unit, row, column. detail: what is known of the number there; where its ``more`` says so, the browser asks again at
    once. words: as the language file has them, `comma` says whether numbers have a decimal comma.
    """
    assets.component("walk", isolate_styles=True, parts=("walk_scene", "walk_draw"))(
        key=key,
        data={"of": scene, "at": dict(at), "detail": dict(detail), "words": dict(words), "comma": comma},
        on_step_change=_rerun,
        on_more_change=_rerun,
    )


def step_of(key: str) -> object:
    """Where a person has just gone, in a run that this started; None in any other."""
    state = st.session_state.get(key)
    return None if state is None else state.get("step")


def seen_of(key: str) -> int:
    """How many draws of dropout the browser shows where it has just asked for more of them; else 0."""
    state = st.session_state.get(key)
    seen = None if state is None else state.get("more")
    return seen if isinstance(seen, int) else 0


def _encode(column: Column) -> dict[str, Any]:
    record = {**vars(column), "units": list(column.units), "steps": [float(step) for step in column.steps]}
    if column.levels is None:
        return record | {"levels": "", "height": 0, "width": 0}
    _, height, width = column.levels.shape
    return record | {"levels": _base64(column.levels), "height": height, "width": width}


def _base64(values: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(values, np.uint8).tobytes()).decode("ascii")


def _rerun() -> None:
    """Registered so that a step, and the wish for more draws, start a rerun; the page reads what was wanted."""
