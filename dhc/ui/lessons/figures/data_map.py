"""A map of your training set: a bet on the corner of the wrong labels, then each corner with its pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import streamlit as st

from dhc.analysis.dynamics import REGIONS
from dhc.figures import lesson_data_map as figures
from dhc.files.folder import is_real_folder
from dhc.runs import rundir
from dhc.teaching.words import Words
from dhc.text import clean, shorten
from dhc.ui.answers.album import image_or_blank, inline
from dhc.ui.lessons import bet, numerals, pictures, run
from dhc.ui.map.dynamics import Training, training_of
from dhc.ui.shell import address
from dhc.ui.shell.markdown import bold
from dhc.ui.widgets.controls import segments
from dhc.ui.widgets.gallery import Tile, gallery
from dhc.ui.widgets.plot import clicked, plot

NAME, KEY = "data-map", "dhc_lesson_data-map_"
CORNER, PICTURE = "corner", "train"  # in the address
FEWEST = 3  # epochs, from which on a picture can waver
MIDDLE = 0.5  # confidence half up the map; no variability is larger
SHOWN, TILE = 6, 58  # pictures of a corner, CSS pixels of each
HEIGHT, LOW, CURVE, LARGE = 380, 290, 105, 105  # of the map alone, and above a picture's course


def draw(words: Words) -> None:
    """The bet, the map, and once it is settled the corners' pictures."""
    runs = [info for info in run.with_answers() if info.has_epochs and info.epochs_done >= FEWEST]
    followed = [info for info in runs if is_real_folder(info.folder / rundir.DYNAMICS)]
    if not followed:
        base = next((info.config for info in runs if not info.example), None) or run.starting_config()
        config = base and base.with_values({"fit.watch_pictures": True})
        run.offer(words.language, words("none"), config, key=KEY + "start")
        return
    titles: dict[str, str] = {region: words(f"{region}_place") for region in REGIONS}
    info = run.current_of(followed)
    assert info is not None
    at_bet, is_open = bet.place(words, NAME, titles, "easy", {run.RUN: info.id})
    top = st.container()
    run.choose(words.language, followed, key=KEY + "run", forget=(PICTURE,))
    training = training_of(info)
    with top:
        if training is None:
            st.info(words("none"))
            return
        if not is_open:
            _map(words, training, np.array([], int), None, is_open=False)
            return
        lonely = f" {words('empty')}" if _is_hard_corner_empty(training) else ""
        st.markdown(f"{words('found' if at_bet == 'hard' else 'missed')}{lonely}")
        _corners(words, training, pictures.album(info, training.pictures.files, "train"))


def _is_hard_corner_empty(training: Training) -> bool:
    """Whether no picture lies nearer to the corner of the hard ones than to the middle of the map."""
    of = training.figures
    return not ((of.confidence < MIDDLE) & (of.variability < MIDDLE / 2)).any()


def _corners(words: Words, training: Training, album: pictures.Album) -> None:
    """The map, and beside it the pictures of one corner, and one of them through the epochs."""
    left, right = st.columns([3, 2], gap="small")
    with right:
        titles = {region: words(region) for region in REGIONS}
        binding = address.bound_choice(CORNER, list(REGIONS), "hard", key=KEY + "corner")
        write, args = binding.pop("on_change"), binding.pop("args")
        corner = segments(words("corners"), titles, bare=True, on_change=_other, args=(write, *args), **binding)
        rows = training.figures.region(corner)
        chosen = _chosen(training, rows[:SHOWN].tolist())
        _pictures(words, training, album, rows[:SHOWN].tolist(), chosen)
    with left:
        _map(words, training, rows, chosen, is_open=True)
        _course(words, training, album, chosen)


def _other(write: Callable[..., None], *args: object) -> None:
    write(*args)
    address.put(**{PICTURE: None})


def _chosen(training: Training, first: Sequence[int]) -> int:
    """The picture that was clicked just now, else that of the address, else the corner's first."""
    point, tile = clicked(KEY + "map"), st.session_state.get(KEY + "grid")
    place = None if tile is None else tile.get("click")
    if point is not None and isinstance(point["customdata"], int):
        address.put(**{PICTURE: point["customdata"]})
    elif isinstance(place, int) and 0 <= place < len(first):
        address.put(**{PICTURE: first[place]})
    asked = address.integer(PICTURE, low=0, high=len(training.pictures.files) - 1)
    return first[0] if asked is None else asked


def _pictures(words: Words, training: Training, album: pictures.Album, shown: Sequence[int], chosen: int) -> None:
    names = training.pictures.class_names
    tiles = [
        Tile(image_or_blank(album, row), shorten(clean(str(names[row])), 14), clean(str(training.pictures.files[row])))
        for row in shown
    ]
    selected = shown.index(chosen) if chosen in shown else None
    gallery(tiles, key=KEY + "grid", size=TILE, page_size=SHOWN, selected_index=selected)
    if album.x is None:
        st.caption(words("gone"))


def _course(words: Words, training: Training, album: pictures.Album, row: int) -> None:
    """The chosen picture, and how sure the network was of its class, epoch by epoch."""
    name, of = clean(str(training.pictures.class_names[row])), training.figures
    figure_text = words("of_picture", confidence=float(of.confidence[row]), variability=float(of.variability[row]))
    left, right = st.columns([1, 4], gap="small", vertical_alignment="center")
    with left:
        image = image_or_blank(album, row)
        st.html(inline(image, size=LARGE, alt=name, title=clean(str(training.pictures.files[row]))))
    with right:
        st.markdown(f"{bold(shorten(name, 24))}: {figure_text}")
        labels = {name: words(name) for name in ("epoch", "p", "right", "wrong")}
        dynamics = training.dynamics
        figure = figures.course(dynamics.epochs.tolist(), dynamics.p[:, row], dynamics.margin[:, row] > 0, labels)
        numerals.separate(figure, words.language)
        plot(figure, key=KEY + "course", height=CURVE, alt=words("alt_course"), clicks=False)


def _map(words: Words, training: Training, rows: np.ndarray, chosen: int | None, *, is_open: bool) -> None:
    of = training.figures
    labels = {name: words(name) for name in ("x", "y", "recognised", "bow")}
    labels["hover"] = words("hover", confidence="%{y:.0%}", variability="%{x:.2f}")
    labels |= {region: words(region if is_open else f"{region}_place") for region in REGIONS}
    figure = figures.scatter(
        of.confidence, of.variability, of.correctness, rows=rows, chosen=chosen, is_open=is_open, labels=labels
    )
    numerals.separate(figure, words.language)
    plot(figure, key=KEY + "map", height=LOW if is_open else HEIGHT, alt=words("alt"), clicks=is_open)
