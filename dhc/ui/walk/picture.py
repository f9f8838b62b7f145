"""Which picture walks: a val picture, the mistakes that the network was surest of first, or the one that was on Predict."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

from dhc.runs.records import Predictions
from dhc.runs.store import RunInfo
from dhc.teaching.words import Labels
from dhc.text import clean, shorten
from dhc.ui.answers import yours
from dhc.ui.answers.album import image_or_blank, open_album
from dhc.ui.shell import address, session

PICTURE = "picture"  # in the address, as on Mistakes: the row among the run's val pictures
KEY = "dhc_walk_picture"
OWN = -1  # in place of a row: the picture that was on Predict


@dataclass(frozen=True, eq=False)
class Walking:
    """The picture, (64, 64, 3) uint8, what it is called, and its true class; None where nobody labelled it."""

    image: np.ndarray
    name: str
    true: int | None


def choose(info: RunInfo, words: Labels) -> Walking | None:
    """Draw the box of pictures; returns the chosen one, None where the data set has none of them any more. Raises RunError."""
    predictions = session.predictions(info)
    album, own = open_album(info, predictions), yours.given()
    rows = [row for row in _order(predictions) if album.image(row) is not None]
    if own is not None:
        rows.insert(0, OWN)
    if not rows:
        return None
    wanted = address.integer(PICTURE, low=0, high=len(album.ids) - 1)
    row = OWN if own is not None else wanted if wanted in rows else rows[0]
    _box(rows, row, predictions, words, "" if own is None else own.name)
    if own is not None:
        return Walking(own.x, clean(own.name), None)
    return Walking(image_or_blank(album, row), clean(str(album.ids[row])), int(predictions.y_true[row]))


def _order(predictions: Predictions) -> list[int]:
    """The rows: mistakes first, the surest ones before the others; then what it got right, in order."""
    wrong = predictions.predicted != predictions.y_true
    mistakes, right = np.flatnonzero(wrong), np.flatnonzero(~wrong)
    surest = mistakes[np.argsort(-predictions.probabilities[mistakes].max(axis=1), kind="stable")]
    return [int(row) for row in (*surest, *right)]


def _box(rows: list[int], row: int, predictions: Predictions, words: Labels, own: str) -> None:
    st.session_state[KEY] = row

    def title(at: int) -> str:
        if at == OWN:
            return words("yours", name=shorten(clean(own), 40))
        true, said = int(predictions.y_true[at]), int(predictions.predicted[at])
        names = {"true": shorten(predictions.classes[true], 24), "name": shorten(clean(str(predictions.ids[at])), 30)}
        if true == said:
            return words("right", **names)
        return words("mistake", **names, said=shorten(predictions.classes[said], 24))

    def save() -> None:
        chosen = st.session_state[KEY]
        if chosen in rows:  # a tab that meets a restarted server sends the label that it last displayed
            address.put(**{PICTURE: chosen, yours.YOURS: None} if chosen != OWN else {PICTURE: None})

    box = {"key": KEY, "format_func": title, "on_change": save, "label_visibility": "collapsed", "width": 420}
    st.selectbox(words("picture"), rows, **box)  # type: ignore[call-overload]
