"""The pictures of a run, as far as its data set still has them, as tiles and as HTML."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import pandas as pd
import streamlit as st

from dhc.config import RunConfig
from dhc.data.layout import fingerprint
from dhc.data.select import first_classes, share_of_each_class
from dhc.errors import DataError
from dhc.runs import rundir
from dhc.runs.records import Predictions
from dhc.runs.store import RunInfo
from dhc.text import clean, percent_text
from dhc.ui.shell import session
from dhc.ui.widgets.gallery import Tile, Tone, png_base64

LOOK_AGAIN = 60  # seconds between two looks at whether a data set has changed


@dataclass(frozen=True, eq=False)
class Album:
    """The val pictures of a run. `problem` is a sentence about pictures that cannot be shown; empty when all can.

    ids: (N,) str, the run's files. x: (M, 64, 64, 3) uint8, the data set's pictures of today, None without a data set.
    rows: file → row of x.
    """

    ids: np.ndarray
    x: np.ndarray | None
    rows: Mapping[str, int]
    problem: str = ""

    def image(self, index: int) -> np.ndarray | None:
        """(64, 64, 3) uint8: the picture in the run's row `index`, None when it is not there any more."""
        row = self.rows.get(str(self.ids[index]))
        return None if self.x is None or row is None else self.x[row]


def open_album(info: RunInfo, p: Predictions) -> Album:
    """The album of a run, whatever became of its data set."""
    if info.config is None:
        return Album(p.ids, None, {}, f"The pictures cannot be shown, because {info.problem}.")
    path = info.config.data.path
    try:
        found = session.pictures(path, "val")
        recorded = (rundir.read_json(info.folder / rundir.ENVIRONMENT) or {}).get("data_fingerprint")
        changed = recorded is not None and recorded != _fingerprint(path)
    except (DataError, OSError) as error:
        return Album(
            p.ids, None, {}, f"The pictures cannot be shown: {error} Everything else on this page still holds."
        )
    rows = {file: row for row, file in enumerate(found.ids.tolist())}
    missing = sum(file not in rows for file in p.ids.tolist())
    return Album(p.ids, found.x, rows, _what_changed(path, changed, missing, len(p.ids)))


def _what_changed(path: str, changed: bool, missing: int, total: int) -> str:
    if missing:
        return f"{missing:,} of this run's {total:,} val pictures are not in {path} any more, or cannot be read; they are left blank here."
    if changed:
        return f"The data set in {path} is not quite the one that this run was trained on: its files or labels have changed since."
    return ""


@st.cache_resource(show_spinner=False, max_entries=8, ttl=LOOK_AGAIN)
def _fingerprint(path: str) -> str:
    return fingerprint(session.dataset(path))


def training_pictures(config: RunConfig, class_name: str) -> tuple[np.ndarray, np.ndarray]:
    """The pictures of one class that the run was trained on: (M,) str files and (M, 64, 64, 3) uint8 pixels.

    None (M = 0) when the data set does not know the class any more. Raises DataError.
    """
    path = config.data.path
    classes = session.dataset(path).classes
    found = session.pictures(path, "train")
    if class_name not in classes:
        return found.ids[:0], found.x[:0]
    rows, labels = _trained_on(path, config.data.classes or len(classes), config.data.train_fraction, config.fit.seed)
    chosen = rows[labels == classes.index(class_name)]
    chosen = chosen[chosen < len(found.x)]  # the data set may have shrunk within the minute that both are kept
    return found.ids[chosen], found.x[chosen]


@st.cache_resource(show_spinner=False, max_entries=8, ttl=LOOK_AGAIN)
def _trained_on(path: str, k: int, fraction: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows of train that a run with these settings used, drawn as training draws them, and their labels."""
    found = session.pictures(path, "train")
    numbered = replace(found, x=np.arange(len(found.x)))  # row numbers in place of pixels: the same draw, no copying
    kept = share_of_each_class(first_classes(numbered, min(k, len(session.dataset(path).classes))), fraction, seed)
    assert kept.y is not None
    return kept.x, kept.y


def tiles(rows: pd.DataFrame, album: Album, captions: Iterable[str], *, judge: bool = False) -> list[Tile]:
    """One tile for each row of `analysis.mistakes.outcomes`. `judge` marks right and wrong with colour and sign.

    A picture that is not there any more is a blank tile.
    """
    return [
        Tile(
            blank() if (image := album.image(row["index"])) is None else image,
            caption,
            tooltip=f"{clean(row['id'])}: true {clean(row['true_name'])}, predicted {clean(row['predicted_name'])} "
            f"with {percent_text(row['confidence'])}",
            tone=_tone(row["correct"]) if judge else "plain",
        )
        for row, caption in zip(rows.to_dict("records"), captions, strict=True)
    ]


def _tone(correct: bool) -> Tone:
    return "good" if correct else "bad"


@lru_cache(maxsize=1)
def blank() -> np.ndarray:
    """(64, 64, 3) uint8: grey stripes, readable as "no picture" on a light and on a dark page."""
    i, j = np.indices((64, 64))
    stripe = ((i + j) // 8 % 2).astype(np.uint8)
    return np.repeat((128 + 24 * stripe)[:, :, None], 3, axis=2).astype(np.uint8)


def inline(image: np.ndarray, *, size: int, alt: str, title: str = "") -> str:
    """HTML of a picture, (H, W, 3) uint8, scaled to at most `size` CSS pixels a side without blurring its pixels."""
    return (
        f'<img src="data:image/png;base64,{png_base64(image)}" alt="{html.escape(alt)}" title="{html.escape(title)}" '
        f'style="width: 100%; max-width: {size}px; aspect-ratio: 1; image-rendering: pixelated; border-radius: 6px; display: block">'
    )
