"""Filter and feature map: what several filters make of one picture; one of them large, with its numbers."""

from __future__ import annotations

import html
from typing import Final

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dhc.figures.heat import picture_of
from dhc.lessons import filters as f
from dhc.runs import rundir
from dhc.runs.store import RunInfo
from dhc.teaching.words import Words, filled
from dhc.ui.lessons import panels, picture, run
from dhc.ui.network import asked, subject
from dhc.ui.network.filters import picture_of_filter
from dhc.ui.shell import address, sharing
from dhc.ui.shell.states import guard, loading
from dhc.ui.widgets.controls import segments
from dhc.ui.widgets.gallery import Tile, gallery

KEY: Final = "dhc_lesson_feature-map_"
HAND, TRAINED = "hand", "run"  # whose filters
MOST: Final = 32  # maps of a trained network, those that answer most strongly
TILE = 66  # CSS pixels
LARGE, SMALL = 11.5, 6.5  # of the type's size: so they grow with it
COLOURS: Final = ("on_red", "on_green", "on_blue")
LIGHT: Final = (0.2126, 0.7152, 0.0722)  # how bright red, green and blue are, once linear
Floats = NDArray[np.float64]


def draw(words: Words) -> None:
    """The maps in a row; the chosen one large beside the picture and its filter."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        titles = {name: words(name) for name in (HAND, TRAINED)}
        trained = segments(
            words("whose"), titles, bare=True, **address.bound_choice("by", [*titles], HAND, key=KEY + "by")
        )
        pixels = picture.choose(words)
        info = _run(words) if trained == TRAINED else None
    if trained == TRAINED and info is None:
        run.offer(words.language, words("none"), run.starting_config(), key=KEY + "offer")
        return
    if trained == TRAINED and sharing.is_read_only():
        run.offer(words.language, words("asleep"), None, key=KEY + "offer")
        return
    with guard():
        weights, names = _filters(words, info)
        _draw_maps(words, pixels, weights, names)


def _draw_maps(words: Words, pixels: picture.Pixels, weights: Floats, names: tuple[str, ...]) -> None:
    maps = f.feature_maps(pixels / 255, weights)
    strength = np.abs(maps).max(axis=(0, 1))
    order = np.argsort(-strength, kind="stable")[:MOST].tolist() if len(names) > MOST else range(len(names))
    place = _chosen(len(order))
    _draw_one(words, pixels, weights[..., order[place]], maps[..., order[place]], names[order[place]])
    tiles = [Tile(picture_of(maps[..., each], float(strength[each]), signed=True), names[each]) for each in order]
    gallery(tiles, key=KEY + "maps", size=TILE, selected_index=place)


def _chosen(count: int) -> int:
    """The map that was just clicked, else that of the address."""
    state = st.session_state.get(KEY + "maps")
    click = None if state is None else state.get("click")
    if isinstance(click, int) and 0 <= click < count:
        address.put(map=click or None)
    return address.integer("map", low=0, high=count - 1) or 0


def _run(words: Words) -> RunInfo | None:
    """The run whose network is looked into: one of those that have one."""
    runs = [info for info in run.with_answers() if _has_filters(info)]
    return run.choose(words.language, runs, key=KEY + "run")


def _has_filters(info: RunInfo) -> bool:
    """Whether the run has a network to look into."""
    config = info.config
    return config is not None and config.trains_network and (info.folder / rundir.BEST).is_file()


def _filters(words: Words, info: RunInfo | None) -> tuple[Floats, tuple[str, ...]]:
    """The filters, (h, w, 3, F), and their names. Raises UserError, HelperError, OSError."""
    if info is None:
        return np.stack(list(f.FILTERS.values()), axis=-1), tuple(words(name) for name in f.FILTERS)
    of_run = subject.of_run(info)
    with loading(words("asking")):
        weights = np.asarray(asked.first_filters(of_run, of_run.best), float)
    return weights, tuple(str(number) for number in range(weights.shape[-1]))


def _draw_one(words: Words, pixels: picture.Pixels, weights: Floats, found: Floats, name: str) -> None:
    largest = float(np.abs(weights).max())
    tables = "".join(_table(words, weights[..., at], largest, words(COLOURS[at])) for at in range(weights.shape[2]))
    small = panels.image(picture_of_filter(weights, largest), SMALL, words("filter", name=name))
    map_title = words("map", side=len(found))
    parts = (
        (words("picture"), panels.image(pixels, LARGE, words("picture"))),
        (
            words("filter", name=name),
            f'{small}<div style="display: flex; gap: 0.6rem; margin-top: 0.4rem">{tables}</div>',
        ),
        (map_title, panels.image(picture_of(found, float(np.abs(found).max()), signed=True), LARGE, map_title)),
    )
    panels.row(parts)


def _table(words: Words, weights: Floats, largest: float, colour: str) -> str:
    """The filter's numbers on one colour."""
    cells = picture_of(weights, largest, signed=True)
    rows = "".join(
        f"<tr>{''.join(_cell(words, value, cell) for value, cell in zip(line, colours, strict=True))}</tr>"
        for line, colours in zip(weights.tolist(), cells.tolist(), strict=True)
    )
    return (
        f'<table style="border-collapse: collapse; font-size: 0.7rem; text-align: center">'
        f'<caption style="caption-side: bottom; color: inherit">{html.escape(colour)}</caption>{rows}</table>'
    )


def _cell(words: Words, value: float, colour: tuple[int, int, int]) -> str:
    red, green, blue = colour
    light = sum(share * (part / 255) ** 2.2 for share, part in zip(LIGHT, colour, strict=True))
    ink = "#000" if light > 0.18 else "#fff"  # there both have the same contrast
    text = filled("{value:.2f}", words.language, {"value": round(value, 2) + 0.0})
    return f'<td style="background: rgb({red},{green},{blue}); color: {ink}; width: 2rem">{text}</td>'
