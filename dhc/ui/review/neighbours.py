"""The training pictures that a picture resembles most, whatever their class: to the network where its features were made, else in pixels."""

from __future__ import annotations

import html
from typing import Final

import numpy as np
import streamlit as st

from dhc.analysis.nearest import nearest_by_features
from dhc.data.near import thumbnails
from dhc.data.review import Mark
from dhc.runs.features import Features
from dhc.text import clean, shorten
from dhc.ui.answers.album import inline, rows_by_file
from dhc.ui.answers.near import by_features
from dhc.ui.review.answers import features_if_sound, in_sample
from dhc.ui.review.desk import Desk, placed_among
from dhc.ui.shell import session

COUNT: Final = 6
SIDE: Final = 16  # pixels that a picture is averaged to
LEFT_OUT: Final = "left out"
SIZE, NAME = 84, 11  # CSS pixels; letters of a class below it
BY_FEATURES: Final = "The training pictures that the network finds most alike, of those whose features Map has made."
BY_PIXELS: Final = (
    "The training pictures that are nearest to it in pixels, averaged to 16×16; once Map has made this run's features, those that the network "
    "finds most alike."
)
READ: Final = (
    " With their labels, as far as they are reviewed those that they were given: green where that is its own. Neighbours that agree on another class "
    "say more than one."
)


def draw(desk: Desk, place: int) -> None:
    """The nearest training pictures with their labels, in a row."""
    features = features_if_sound(desk.info)
    query = None if features is None else _query(desk, features, place)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        title = st.container(width="content")
        is_by_features = query is not None and by_features()
        title.markdown("**Looks like**", help=(BY_FEATURES if is_by_features else BY_PIXELS) + READ)
    if features is not None and query is not None and is_by_features:
        rows = _by_features(desk, features, query, place)
    else:
        rows = _by_pixels(desk, place)
    if not len(rows):
        st.caption("There is no other training picture.")
        return
    train = session.pictures(desk.folder, "train")
    assert train.y is not None
    own, marks = desk.label(place), placed_among(desk.folder, "train", train, desk.classes).by_row
    labels = [_label(desk.classes[int(train.y[row])], marks.get(row)) for row in rows.tolist()]
    cells = [_cell(train.x[row], str(train.ids[row]), *label, own) for row, label in zip(rows, labels, strict=True)]
    grid = f"display: grid; grid-template-columns: repeat({COUNT}, minmax(0, {SIZE}px)); gap: 8px"
    st.html(f'<div style="{grid}">{"".join(cells)}</div>')


def _query(desk: Desk, features: Features, place: int) -> np.ndarray | None:
    """(F,) the features of the picture; None where they were not made."""
    if desk.split == "val":
        of_val: np.ndarray = features.val[int(desk.numbers[place])]
        return of_val
    row = in_sample(desk, features, place)
    return None if row is None else features.train[row]


def _by_features(desk: Desk, features: Features, query: np.ndarray, place: int) -> np.ndarray:
    """(k,) int64 rows of the data set's training pictures, nearest first, without the picture itself."""
    found, _ = nearest_by_features(query, features.train, COUNT + 1)
    files = session.used_pictures(desk.info).train.files
    number = rows_by_file(desk.folder, session.pictures(desk.folder, "train").digest)
    names = [files[row] for row in features.train_rows[found[0]].tolist() if row < len(files)]
    itself = desk.file(place) if desk.split == "train" else ""
    return np.array([number[name] for name in names if name in number and name != itself][:COUNT], np.int64)


def _by_pixels(desk: Desk, place: int) -> np.ndarray:
    """The same by pixels."""
    train = session.pictures(desk.folder, "train")
    small = _thumbnails(desk.folder, train.digest, train.x)
    query = thumbnails(desk.image(place)[None], SIDE).reshape(-1)
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


def _label(label: str, mark: Mark | None) -> tuple[str, str]:
    """The class that stands below a picture, and what is said of it: its label, or what a review made of that."""
    if mark is None or not mark.changes_training:
        return label, f"labelled {clean(label)}"
    said = mark.other if mark.verdict == "relabel" else LEFT_OUT
    return said, f"labelled {clean(label)}, reviewed: {clean(said)}"


def _cell(image: np.ndarray, file: str, label: str, said: str, own: str) -> str:
    same = label == own
    name = html.escape(shorten(clean(label), NAME))
    color = "var(--st-green-text-color)" if same else "var(--st-text-color)"
    weight = 400 if same else 600
    words, title = f"training picture {clean(file)}, {said}", f"{clean(file)}: {said}"
    style = f"text-align: center; font-size: 0.8125rem; padding-top: 3px; color: {color}; font-weight: {weight}; white-space: nowrap"
    picture = inline(image, size=SIZE, alt=words, title=title)
    return (
        f'<figure style="margin: 0; overflow: hidden">{picture}<figcaption style="{style}">{name}</figcaption></figure>'
    )
