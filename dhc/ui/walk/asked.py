"""What the walk asks of the helper process, asked once: every layer's maps, how one number came about, dropout's draws."""

from __future__ import annotations

import functools
import threading
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import streamlit as st

from dhc.files.messages import Message
from dhc.ui.network.subject import Subject
from dhc.ui.shell import session

DRAWS, PARTS = 30, 10  # of dropout, and in how many questions they are asked: a step need not wait for all of them
ZERO = 128  # the byte that stands for 0
Stamp = tuple[int, int]


@dataclass(frozen=True, eq=False)
class LayerMaps:
    """A layer's maps for one picture, those with the largest values where it has very many.

    units (n,) int64, rising; levels (n, h, w) uint8, of which `ZERO` stands for 0; steps (n,) float32, the value of one level
    silent: how many of all its maps are 0 everywhere
    """

    units: np.ndarray
    levels: np.ndarray
    steps: np.ndarray
    silent: int

    @functools.cached_property
    def highest(self) -> np.ndarray:
        """(n,) float32: the largest value of each."""
        return np.asarray((self.levels.max(axis=(1, 2)).astype(np.float32) - ZERO) * self.steps)

    @property
    def strongest(self) -> int:
        """The unit with the largest value."""
        return int(self.units[int(np.argmax(self.highest))])

    def peak(self, unit: int) -> tuple[int, int]:
        """Row and column of a unit's largest value."""
        levels = self.levels[int(np.searchsorted(self.units, unit))]
        row, column = divmod(int(levels.argmax()), levels.shape[1])
        return row, column


@dataclass(frozen=True, eq=False)
class Whole:
    """Every layer's maps for one picture; probabilities and logits (K,) float32."""

    layers: tuple[LayerMaps, ...]
    probabilities: np.ndarray
    logits: np.ndarray

    @property
    def ranking(self) -> list[int]:
        """The classes, the most probable first."""
        return [int(place) for place in np.argsort(-self.logits, kind="stable")]


@dataclass(frozen=True)
class Walker:
    """Whose walk it is: a run's network after an epoch, and a picture."""

    folder: str
    epoch: int  # 0 for the best
    stamp: Stamp
    pixels: bytes


def walker(subject: Subject, epoch: int, picture: np.ndarray) -> Walker:
    """The walk of a picture (64, 64, 3) uint8 through the subject's network after that epoch."""
    return Walker(str(subject.folder), subject.epoch_asked(epoch), subject.stamp(epoch), picture.tobytes())


def beside(of: Walker, subject: Subject, epoch: int) -> Walker:
    """The same picture's walk through the network after another epoch."""
    return replace(of, epoch=subject.epoch_asked(epoch), stamp=subject.stamp(epoch))


def whole(of: Walker, subject: Subject) -> Whole:
    """Every layer's maps. Raises UserError, HelperError, OSError."""
    sides = tuple(layer.shape[:2] if layer.has_maps else (1, 1) for layer in subject.layers)
    return _whole(of.folder, of.epoch, of.stamp, of.pixels, sides)


@st.cache_resource(show_spinner=False, max_entries=12)  # of up to 3 MB each
def _whole(folder: str, epoch: int, stamp: Stamp, pixels: bytes, sides: tuple[tuple[int, ...], ...]) -> Whole:
    arrays = _ask(folder, epoch, pixels, "maps").arrays
    layers, start, first = [], 0, 0
    for (height, width), count, silent in zip(sides, arrays["counts"].tolist(), arrays["silent"].tolist(), strict=True):
        size, last = count * height * width, first + count
        levels = arrays["bytes"][start : start + size].reshape(count, height, width)
        layers.append(LayerMaps(arrays["units"][first:last], levels, arrays["steps"][first:last], silent))
        start, first = start + size, last
    return Whole(tuple(layers), arrays["probabilities"], arrays["logits"])


def is_read(of: Walker) -> bool:
    """Whether the helper has the network ready; else it makes it so beside its answers. Raises UserError, HelperError, OSError."""
    return bool(_ask(of.folder, of.epoch, of.pixels, "read").values["there"])


def number(of: Walker, layer: int, unit: int, row: int, column: int) -> Message:
    """How a layer's number came about: `dhc.explain.walk.Number`. Raises UserError, HelperError, OSError."""
    return _number(of.folder, of.epoch, of.stamp, of.pixels, (layer, unit, row, column))


@st.cache_resource(show_spinner=False, max_entries=256)  # of up to 200 kB each, most of them of a tenth
def _number(folder: str, epoch: int, stamp: Stamp, pixels: bytes, at: tuple[int, int, int, int]) -> Message:
    names = ("layer", "unit", "row", "column")
    return _ask(folder, epoch, pixels, "number", **dict(zip(names, at, strict=True)))


def draws(of: Walker, more_than: int = 0) -> np.ndarray:
    """(n, K) float32: the answers under as many of DRAWS draws of the Dropout layers as have come, `more_than` so many.

    Raises UserError, HelperError, OSError.
    """
    drawn = _drawn(of.folder, of.epoch, of.stamp, of.pixels)
    while len(drawn.parts) <= max(0, min(more_than * PARTS // DRAWS, PARTS - 1)):
        draw_more(of)
    return np.concatenate(drawn.parts)


def draw_more(of: Walker) -> None:
    """Ask for one part more of the draws, unless all are there, or wait for the one that is asked for already.

    Raises UserError, HelperError, OSError.
    """
    drawn = _drawn(of.folder, of.epoch, of.stamp, of.pixels)
    there = len(drawn.parts)
    with drawn.lock:
        if len(drawn.parts) == there < PARTS:
            drawn.parts.append(_ask(of.folder, of.epoch, of.pixels, "draws", draws=DRAWS // PARTS).arrays["draws"])


@dataclass(frozen=True, eq=False)
class _Drawn:
    """The draws that have come: up to PARTS parts, (DRAWS / PARTS, K) float32. The lock is his who asks for more."""

    parts: list[np.ndarray] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


@st.cache_resource(show_spinner=False, max_entries=64)
def _drawn(folder: str, epoch: int, stamp: Stamp, pixels: bytes) -> _Drawn:
    return _Drawn()


def _ask(folder: str, epoch: int, pixels: bytes, part: str, **values: Any) -> Message:
    x = np.frombuffer(pixels, np.uint8).reshape(64, 64, 3)
    return session.helper().ask("walk", {"x": x}, folder=folder, epoch=epoch, part=part, **values)
