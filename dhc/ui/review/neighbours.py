"""The training pictures that a picture resembles most, whatever their class."""

from __future__ import annotations

import html
from typing import Final

import numpy as np
import streamlit as st

from dhc.data.near import thumbnails
from dhc.text import clean, shorten
from dhc.ui.answers.album import inline
from dhc.ui.review.desk import Desk
from dhc.ui.shell import session

COUNT: Final = 6
SIDE: Final = 16  # pixels that a picture is averaged to
SIZE, NAME = 84, 11  # CSS pixels; letters of a class below it
ABOUT: Final = (
    "The training pictures that are nearest to it in pixels, averaged to 16×16, with their labels: green where that is its own label. "
    "Six neighbours that agree on another class say more than one."
)


def draw(desk: Desk, place: int) -> None:
    """The nearest training pictures with their labels, in a row."""
    rows = nearest(desk, place)
    st.markdown("**Looks like**", help=ABOUT)
    if not len(rows):
        st.caption("There is no other training picture.")
        return
    train = session.pictures(desk.folder, "train")
    assert train.y is not None
    own = desk.label(place)
    cells = [_cell(train.x[row], str(train.ids[row]), desk.classes[int(train.y[row])], own) for row in rows.tolist()]
    grid = f"display: grid; grid-template-columns: repeat({COUNT}, minmax(0, {SIZE}px)); gap: 8px"
    st.html(f'<div style="{grid}">{"".join(cells)}</div>')


def nearest(desk: Desk, place: int) -> np.ndarray:
    """(k,) int64 rows of the data set's training pictures, nearest first, without the picture itself."""
    train = session.pictures(desk.folder, "train")
    small = _thumbnails(desk.folder, train.digest, train.x)
    image = desk.image(place)
    query = thumbnails(image[None], SIDE).reshape(-1)
    distances = ((small - query) ** 2).sum(axis=1)
    if desk.split == "train":
        distances[desk.rows[place]] = np.inf
    count = min(COUNT, len(small) - (desk.split == "train"))
    rows = np.argpartition(distances, max(0, count - 1))[:count]
    ordered: np.ndarray = rows[np.argsort(distances[rows], kind="stable")]
    return ordered


@st.cache_resource(show_spinner=False, max_entries=4)
def _thumbnails(folder: str, digest: str, _x: np.ndarray) -> np.ndarray:
    """(M, 768) float32 of the training pictures."""
    return thumbnails(_x, SIDE).reshape(len(_x), -1)


def _cell(image: np.ndarray, file: str, label: str, own: str) -> str:
    same = label == own
    name = html.escape(shorten(clean(label), NAME))
    color = "var(--st-green-text-color)" if same else "var(--st-text-color)"
    weight = 400 if same else 600
    picture = inline(
        image,
        size=SIZE,
        alt=f"training picture {clean(file)}, labelled {clean(label)}",
        title=f"{clean(file)}: {clean(label)}",
    )
    words = f"text-align: center; font-size: 0.8125rem; padding-top: 3px; color: {color}; font-weight: {weight}; white-space: nowrap"
    return (
        f'<figure style="margin: 0; overflow: hidden">{picture}<figcaption style="{words}">{name}</figcaption></figure>'
    )
