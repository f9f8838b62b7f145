"""The pictures of a run, as far as its data set still has them, as tiles and as HTML."""

from __future__ import annotations

import html
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from dhc.data.album import Album, Prints, album_of, prints_of
from dhc.data.decode import Pictures
from dhc.data.picture import png_base64
from dhc.data.select import first_classes, share_of_each_class
from dhc.runs.contract import Environment
from dhc.runs.records import Predictions
from dhc.runs.store import RunInfo
from dhc.text import clean, percent_text, shorten
from dhc.ui.shell import session, standin
from dhc.ui.shell.markdown import plain
from dhc.ui.widgets.gallery import Tile, Tone

LOOK_AGAIN = 60  # seconds between two looks at whether a data set has changed


def open_album(info: RunInfo, predictions: Predictions) -> Album:
    """The album of a run, whatever has become of its data set; says what is missing."""
    if info.config is None:
        album = Album(predictions.ids, problem=f"The pictures cannot be shown, because {info.problem}.")
    else:
        album = album_of(predictions.ids, session.pictures_folder(info.config), noted_prints(info), _val)
    rest = "" if album.x is not None else "Everything else on this page still holds."
    if album.problem and (album.x is not None or not standin.offer_pictures(info, key="album", rest=rest)):
        st.warning(plain(f"{album.problem} {rest}"), icon=":material/broken_image:")
    return album


def noted_prints(info: RunInfo) -> Prints:
    """What the run noted of its data set."""
    environment = Environment.of(info.folder)
    return Prints.noted(environment.data_prints, environment.data_fingerprint)


def has_changed(info: RunInfo) -> bool:
    """Whether a run's data set has other val pictures or labels today than those that it noted.

    Raises DataError and OSError.
    """
    assert info.config is not None
    return noted_prints(info).differ(_prints(session.pictures_folder(info.config)))


def _val(path: str) -> tuple[Pictures, Prints]:
    return session.pictures(path, "val"), _prints(path)


@st.cache_resource(show_spinner=False, max_entries=8, ttl=LOOK_AGAIN)
def _prints(path: str) -> Prints:
    return prints_of(session.dataset(path), session.pictures(path, "val"))


def training_pictures(info: RunInfo, class_name: str) -> tuple[np.ndarray, np.ndarray]:
    """The training pictures of one class that the run used: (M,) str files and (M, 64, 64, 3) uint8 pixels.

    None (M = 0) when neither the run nor its data set knows the class any more. Raises DataError.
    """
    rows, labels = _rows_of_run(info)
    train = session.pictures(_folder(info), "train")
    rows = rows[(labels == class_name) & (rows >= 0)]
    return train.ids[rows], train.x[rows]


def sampled_pictures(info: RunInfo, places: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Training pictures by their places among those that the run used: (n,) str files and (n, 64, 64, 3) uint8 pixels.

    One that the data set does not have any more has no name and is striped. Raises DataError.
    """
    rows, _ = _rows_of_run(info)
    train = session.pictures(_folder(info), "train")
    chosen = np.array([rows[place] if place < len(rows) else -1 for place in places], np.int64)
    there = np.flatnonzero(chosen >= 0)
    files, x = np.full(len(chosen), "", train.ids.dtype), np.repeat(blank()[None], len(chosen), axis=0)
    files[there], x[there] = train.ids[chosen[there]], train.x[chosen[there]]
    return files, x


def _folder(info: RunInfo) -> str:
    assert info.config is not None
    return session.pictures_folder(info.config)


def _rows_of_run(info: RunInfo) -> tuple[np.ndarray, np.ndarray]:
    """(n,) int64 rows of today's training pictures that the run used, in its order, -1 for one that is gone; (n,) str classes.

    By the names that it noted, so that neither a review nor a change of the data set puts one picture in the place of another; a run
    that noted none is given the draw of its settings.
    """
    assert info.config is not None
    path, data, used = _folder(info), info.config.data, session.used_pictures(info)
    train = session.pictures(path, "train")
    if used.train.files:
        labels = used.labels(used.train)
        number = rows_by_file(path, train.digest)
        rows = np.array([number.get(file, -1) for file in used.train.files], np.int64)
        return rows, np.array([labels.get(file, "") for file in used.train.files], np.str_)
    classes = np.array(session.dataset(path).classes, np.str_)
    rows, numbers = _training_rows(path, data.classes or len(classes), data.train_fraction, info.config.fit.seed)
    rows = np.where(rows < len(train.x), rows, -1)  # it may have shrunk within the minute that both are kept
    return rows, classes[numbers]


@st.cache_resource(show_spinner=False, max_entries=4, ttl=LOOK_AGAIN)
def rows_by_file(path: str, digest: str) -> dict[str, int]:
    """The row of each training picture of a data set by its file; `digest` is theirs."""
    return {file: row for row, file in enumerate(session.pictures(path, "train").ids.tolist())}


@st.cache_resource(show_spinner=False, max_entries=8, ttl=LOOK_AGAIN)
def _training_rows(path: str, k: int, fraction: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows of train that a run with these settings used, as training draws them; their labels."""
    train = session.pictures(path, "train")
    numbers = replace(train, x=np.arange(len(train.x)))  # row numbers in place of pixels: the same draw, no copying
    share = share_of_each_class(first_classes(numbers, min(k, len(session.dataset(path).classes))), fraction, seed)
    assert share.y is not None
    return share.x, share.y


def tiles(rows: pd.DataFrame, album: Album, captions: Iterable[str], *, judge: bool = False) -> list[Tile]:
    """One tile for each row of `analysis.mistakes.outcomes`.

    `judge` marks right and wrong with colour and sign.

    A picture that is not there any more is a blank tile.
    """
    return [
        Tile(
            image_or_blank(album, row["index"]),
            caption,
            tooltip=_tooltip(row),
            tone=_tone(row["correct"]) if judge else "plain",
        )
        for row, caption in zip(rows.to_dict("records"), captions, strict=True)
    ]


def answer_text(row: Mapping[Hashable, Any]) -> str:
    """How sure an answer was, "" after an epoch whose probabilities are not stored: ``93%``."""
    return "" if np.isnan(row["confidence"]) else percent_text(row["confidence"])


def both_answers(a: pd.DataFrame, b: pd.DataFrame, limit: int = 17) -> list[str]:
    """What A and what B said of each picture, on a line each: ``A ✓ 93%``, ``B → fox 51%``; names of at most so many letters."""
    records = zip(a.to_dict("records"), b.to_dict("records"), strict=True)
    return [f"{_line('A', of_a, limit)}\n{_line('B', of_b, limit)}" for of_a, of_b in records]


def _line(letter: str, row: Mapping[Hashable, Any], limit: int) -> str:
    said = "✓" if row["correct"] else f"→ {shorten(row['predicted_name'], limit)}"
    return f"{letter} {said} {answer_text(row)}".strip()


def _tooltip(row: Mapping[Hashable, Any]) -> str:
    sure = f" with {answer_text(row)}" if answer_text(row) else ""
    answer = f"predicted {clean(row['predicted_name'])}{sure}"
    return f"{clean(row['id'])}: true {clean(row['true_name'])}, {answer}"


def _tone(correct: bool) -> Tone:
    return "good" if correct else "bad"


def image_or_blank(album: Album, index: int) -> np.ndarray:
    """(64, 64, 3) uint8: the picture in the run's row `index`, stripes where it is gone."""
    image = album.image(index)
    return blank() if image is None else image


@lru_cache(maxsize=1)
def blank() -> np.ndarray:
    """(64, 64, 3) uint8: grey stripes, readable as "no picture" on a light and on a dark page."""
    i, j = np.indices((64, 64))
    stripe = ((i + j) // 8 % 2).astype(np.uint8)
    return np.repeat((128 + 24 * stripe)[:, :, None], 3, axis=2).astype(np.uint8)


def inline(image: np.ndarray, *, size: int, alt: str, title: str = "") -> str:
    """HTML of a picture, (H, W, 3) uint8, at most `size` CSS pixels a side, its pixels sharp."""
    style = f"width: 100%; max-width: {size}px; aspect-ratio: 1; image-rendering: pixelated; border-radius: 6px; display: block"
    words = f'alt="{html.escape(alt)}" title="{html.escape(title)}"'
    return f'<img src="data:image/png;base64,{png_base64(image)}" {words} style="{style}">'
