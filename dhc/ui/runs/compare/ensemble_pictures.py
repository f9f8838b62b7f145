"""The pictures of an ensemble: by how many members have them right, as a gallery, and one of them large."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import streamlit as st

from dhc.analysis.ensemble import Ensemble, SharedAnswers
from dhc.data.album import Album
from dhc.runs.store import RunInfo
from dhc.text import clean, percent_text, shorten
from dhc.ui.answers import picture
from dhc.ui.answers.album import image_or_blank, open_album
from dhc.ui.shell import address, session
from dhc.ui.shell.frame import link
from dhc.ui.shell.markdown import bold, plain
from dhc.ui.widgets.controls import pager
from dhc.ui.widgets.gallery import Tile, gallery

KEY = "dhc_ensemble_"
SHOW, PAGE, PICTURE = "ensemble_show", "ensemble_page", "ensemble_picture"  # in the address
PAGE_SIZE = 30
TILE = 96  # CSS pixels
CAPTION_LENGTH = 15  # characters of a class on a line below a tile
HEIGHT = 560  # CSS pixels of the grid
SCROLL_FROM = 10  # pictures; more scroll in a box of their own, so that the figure stays in sight
SIZE = 320  # CSS pixels a side of the large picture
MENDED, BROKEN, NOBODY = "mended", "broken", "0"  # groups; a number is that of the members that are right


def groups(answers: SharedAnswers, together: Ensemble) -> dict[str, np.ndarray]:
    """Name of a group → (M,) bool over the shared pictures: by how many members are right, and what the ensemble changes."""
    counts, best = answers.right.sum(axis=0), answers.right[together.best]
    by_count = {str(number): counts == number for number in range(len(answers.runs) + 1)}
    return by_count | {MENDED: ~best & together.right, BROKEN: best & ~together.right}


def group_of_address(by_group: Mapping[str, np.ndarray]) -> str:
    """The group in the address; at first the pictures that nobody has right, or the first group that has any."""
    order = (NOBODY, BROKEN, MENDED, *by_group)
    return address.choice(SHOW, list(by_group), next((name for name in order if by_group[name].any()), NOBODY))


def choose_group(name: str) -> None:
    """Put a group into the address, on its first page, with no picture open."""
    address.put(**{SHOW: name, PAGE: None, PICTURE: None})


def draw(info: RunInfo, answers: SharedAnswers, together: Ensemble) -> list[int]:
    """The pictures of the group in the address; returns their places among the shared ones, the surest answer first.

    `info` is the first member, from whose data set the pictures come.
    """
    by_group = groups(answers, together)
    group = group_of_address(by_group)
    titles = _titles(len(answers.runs), by_group)
    st.session_state[KEY + "show"] = group
    st.selectbox(
        "Pictures",
        list(by_group),
        key=KEY + "show",
        format_func=lambda name: titles.get(name, name),
        on_change=lambda: choose_group(st.session_state[KEY + "show"]),
        help="A click on a bar does the same.",
    )
    places = np.flatnonzero(by_group[group])
    places = places[np.argsort(-together.confidences[places], kind="stable")]
    if not len(places):
        st.caption("No val picture is in this group.")
        return []
    rows: list[int] = places.tolist()
    _grid(open_album(info, session.predictions(info)), answers, together, rows)
    return rows


def _titles(members: int, by_group: Mapping[str, np.ndarray]) -> dict[str, str]:
    words = {str(number): f"right in {number} of {members}" for number in range(members + 1)}
    words |= {
        "0": "nobody is right",
        str(members): "all are right",
        MENDED: "mended by the ensemble",
        BROKEN: "broken by the ensemble",
    }
    return {name: f"{words[name]} · {int(mask.sum()):,}" for name, mask in by_group.items()}


def _grid(album: Album, answers: SharedAnswers, together: Ensemble, places: Sequence[int]) -> None:
    """One page of pictures; a click opens one."""
    pages = -(-len(places) // PAGE_SIZE)
    page = address.integer(PAGE, low=1, high=pages) or 1
    part = places[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]
    tiles = [_tile(album, answers, together, place) for place in part]
    with st.container(height=HEIGHT if len(tiles) > SCROLL_FROM else "content", border=False, key=KEY + "box"):
        clicked = gallery(tiles, key=KEY + "grid", size=TILE, page_size=PAGE_SIZE)
    pager(pages, page, key=KEY + "page", turn=_turn)
    if clicked is not None:
        address.put(**{PICTURE: part[clicked]})


def _turn(page: int) -> None:
    address.put(**{PAGE: None if page == 1 else page, PICTURE: None})


def _tile(album: Album, answers: SharedAnswers, together: Ensemble, place: int) -> Tile:
    true, answer = answers.classes[answers.true[place]], answers.classes[together.predicted[place]]
    sure = percent_text(float(together.confidences[place]))
    said = "✓" if true == answer else f"→ {shorten(answer, CAPTION_LENGTH)}"
    right = int(answers.right[:, place].sum())
    words = f"together {clean(answer)} with {sure}; {right} of {len(answers.runs)} are right"
    caption = f"{shorten(true, CAPTION_LENGTH + 4)}\n{said} {sure}"
    image = image_or_blank(album, int(answers.rows[0, place]))
    return Tile(image, caption, f"{clean(str(answers.ids[place]))}: true {clean(true)}, {words}")


def show(
    infos: Sequence[RunInfo],
    letters: Sequence[str],
    answers: SharedAnswers,
    together: Ensemble,
    places: Sequence[int],
) -> None:
    """Open the picture in the address, if there is one, among those at `places` of the shared ones."""
    picture.open_dialog(
        "Val picture, all members",
        ":material/groups:",
        now=lambda: address.integer(PICTURE, low=0, high=len(answers.ids) - 1),
        go=lambda place: address.put(**{PICTURE: place}),
        rows=places,
        draw=lambda place: _draw(infos, letters, answers, together, place),
    )


def _draw(
    infos: Sequence[RunInfo], letters: Sequence[str], answers: SharedAnswers, together: Ensemble, place: int
) -> None:
    true = answers.classes[answers.true[place]]
    st.markdown(f"### {bold(true)}")
    left, right = st.columns([332, 760], gap="medium")
    with left:
        album = open_album(infos[0], session.predictions(infos[0]))
        picture.large(album, int(answers.rows[0, place]), infos[0], size=SIZE)
    with right:
        st.markdown(
            f"**Together** {_verdict(answers, int(together.predicted[place]), place, together.confidences[place])}"
        )
        _bars(answers, place)
        for letter, info, number in zip(letters, infos, range(len(infos)), strict=True):
            _member(letter, info, answers, number, place)


def _bars(answers: SharedAnswers, place: int) -> None:
    """The five classes of the largest mean probability."""
    mean = answers.probabilities[:, place].mean(axis=0, dtype=np.float64)
    top = [(answers.classes[c], float(mean[c])) for c in np.argsort(-mean, kind="stable")[:5].tolist()]
    picture.top_bars(answers.classes, top, key=KEY + "top", true=answers.classes[answers.true[place]], reach=1.5)


def _member(letter: str, info: RunInfo, answers: SharedAnswers, number: int, place: int) -> None:
    """What one member said, and the way to the picture on its own screen."""
    answer = int(answers.predicted[number, place])
    text, way = st.columns([5, 2], gap="small", vertical_alignment="center")
    verdict = _verdict(answers, answer, place, answers.probabilities[number, place, answer])
    text.markdown(f"**{letter}** {verdict} · {plain(shorten(info.title, 40))}")
    with way:
        link("Mistakes", text=f"{letter} in Mistakes", run=info.id, picture=str(answers.rows[number, place]))


def _verdict(answers: SharedAnswers, answer: int, place: int, probability: float) -> str:
    sure = f"{plain(percent_text(float(probability)))} sure"
    if answer == answers.true[place]:
        return f":green[:material/check_circle: recognised], {sure}"
    return f":red[:material/cancel: taken for] {bold(answers.classes[answer])}, {sure}"
