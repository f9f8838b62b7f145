"""What the map draws: a run's val pictures and its training sample in one table, with their places and pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st

from dhc.data.atlas import Sheets, make_sheets
from dhc.errors import DataError
from dhc.runs import rundir
from dhc.runs.features import Features
from dhc.runs.picture_map import PictureMap
from dhc.runs.records import Predictions
from dhc.runs.store import RunInfo
from dhc.ui.answers.album import blank, image_or_blank, open_album, sampled_pictures
from dhc.ui.answers.features import features_of, map_of
from dhc.ui.answers.subject import Subject
from dhc.ui.shell import session

SPAN = 10_000.0  # units that the longer side of the map has, so that whole numbers name its places, close up, too


@dataclass(frozen=True, eq=False)
class Mapped:
    """A run with its map; a row of the table is one of val's pictures, then one of the training sample's.

    table   columns: row, val (bool), true, predicted (class indices), confidence (of the predicted class), correct
    places  by method (N + n, 2) float32 from 0 to SPAN
    """

    subject: Subject
    features: Features
    picture_map: PictureMap
    table: pd.DataFrame

    @property
    def val(self) -> int:
        """How many of the rows are val's."""
        return self.picture_map.val

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the run's classes."""
        return self.subject.predictions.classes

    def places(self, method: str) -> np.ndarray:
        """The places (N + n, 2) of the method, from 0 to SPAN, as wide as high."""
        return scaled(self.picture_map.places[method])

    def feature(self, row: int) -> np.ndarray:
        """The features (F,) of the picture in a row."""
        return np.asarray(self.features.val[row] if row < self.val else self.features.train[row - self.val])

    def images(self, rows: Sequence[int]) -> list[np.ndarray]:
        """The pictures in some rows, (64, 64, 3) uint8 each; stripes for what is gone."""
        sample = [int(self.features.train_rows[row - self.val]) for row in rows if row >= self.val]
        train = iter(self._sampled(sample)[1])
        return [image_or_blank(self.subject.album, row) if row < self.val else next(train, blank()) for row in rows]

    def file(self, row: int) -> str:
        """The file of the picture in a row."""
        if row < self.val:
            return str(self.subject.predictions.ids[row])
        files, _ = self._sampled([int(self.features.train_rows[row - self.val])])
        return str(files[0]) if len(files) and files[0] else "a training picture that is gone"

    def _sampled(self, places: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        """`sampled_pictures`, none where the data set is gone, which the album says already."""
        try:
            return sampled_pictures(self.subject.info, places)
        except (DataError, OSError):
            return np.empty(0, np.str_), np.empty((0, 64, 64, 3), np.uint8)


def scaled(places: np.ndarray) -> np.ndarray:
    """Places (…, 2) of a map, or of several on one scale, from 0 to SPAN, as wide as high."""
    over = tuple(range(places.ndim - 1))
    low, high = places.min(axis=over), places.max(axis=over)
    return np.asarray((places - low) * (SPAN / max(float((high - low).max()), 1e-12)))


def of_run(info: RunInfo) -> Mapped | None:
    """The run's map with all that is drawn of it; None where its folder has none of today's network. Raises UserError."""
    features, picture_map = features_of(info), map_of(info)
    if features is None or picture_map is None:
        return None
    predictions = session.predictions(info)
    table = session.outcome_table(info)
    subject = Subject(info, predictions, table, open_album(info, predictions), predictions.best_epoch)
    return Mapped(subject, features, picture_map, table_of(predictions, features))


def table_of(predictions: Predictions, features: Features) -> pd.DataFrame:
    """The rows of `Mapped.table`."""
    count, sample = len(features.val), len(features.train)
    true = np.concatenate([predictions.y_true, features.train_true])
    answers = np.concatenate([predictions.probabilities, features.train_probabilities])
    predicted = answers.argmax(axis=1)
    return pd.DataFrame(
        {
            "row": np.arange(count + sample),
            "val": np.arange(count + sample) < count,
            "true": true,
            "predicted": predicted,
            "confidence": np.clip(answers[np.arange(len(answers)), predicted], 0, 1).astype(np.float64),
            "correct": true == predicted,
        }
    )


def sheets_of(mapped: Mapped) -> tuple[str, Sheets]:
    """Every picture of the map, small, and a name that tells them from others; made once."""
    info = mapped.subject.info
    stamp = (session.stamp(info.folder / rundir.FEATURES), len(mapped.table), mapped.subject.album.x is None)
    return f"{info.id}-{hash(stamp) & 0xFFFFFFFF:08x}", _sheets(info.id, stamp, mapped)


@st.cache_resource(show_spinner="Gathering the pictures …", max_entries=2)
def _sheets(run_id: str, stamp: object, _mapped: Mapped) -> Sheets:
    images = _mapped.images(range(len(_mapped.table)))
    return make_sheets(len(images), images.__getitem__)
