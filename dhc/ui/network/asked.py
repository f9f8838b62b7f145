"""What the screen asks of the helper process, asked once: feature maps, filters, times, and what units respond to."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import streamlit as st

from dhc.analysis.units import Strongest, none_yet, with_more
from dhc.config import RunConfig, fields
from dhc.data.album import Album
from dhc.errors import RunError
from dhc.ui.network.subject import Subject
from dhc.ui.shell import session

AT_ONCE = 32  # pictures of one question, so that other questions get their turn soon
Stamp = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Times:
    """Seconds of each layer for a batch, (layers,) float32, and how they were measured."""

    seconds: np.ndarray
    pictures: int
    repeats: int
    device: str

    @property
    def shares(self) -> np.ndarray:
        """(layers,) float64: each layer's part of the whole, 0 to 1."""
        values = self.seconds.astype(np.float64)
        return np.asarray(values / (values.sum() or 1.0))


def layer_values(subject: Subject, epoch: int, place: int, picture: np.ndarray) -> np.ndarray:
    """The output of a layer for one picture, (64, 64, 3) uint8: (h, w, C) or (C,) float32. Raises UserError, HelperError, OSError."""
    asked = (str(subject.folder), subject.epoch_asked(epoch), subject.stamp(epoch))
    return _values(*asked, place, picture.tobytes())


@st.cache_resource(show_spinner=False, max_entries=16)  # of up to 4 MB each
def _values(folder: str, epoch: int, stamp: Stamp, place: int, pixels: bytes) -> np.ndarray:
    x = np.frombuffer(pixels, np.uint8).reshape(1, 64, 64, 3)
    return session.helper().ask("layer_maps", {"x": x}, folder=folder, epoch=epoch, place=place).arrays["values"]


def first_filters(subject: Subject, epoch: int) -> np.ndarray:
    """The filters of the first convolution, (h, w, 3, F) float32. Raises UserError, HelperError, OSError."""
    return _filters(str(subject.folder), subject.epoch_asked(epoch), subject.stamp(epoch))


@st.cache_resource(show_spinner=False, max_entries=32)
def _filters(folder: str, epoch: int, stamp: Stamp) -> np.ndarray:
    return session.helper().ask("first_filters", folder=folder, epoch=epoch).arrays["filters"]


def times(config: RunConfig, classes: int) -> Times:
    """How long each layer takes, measured now. Raises UserError, HelperError, OSError."""
    settings = {each.name: config.get(each.name) for each in fields()}
    answer = session.helper().ask("layer_times", settings=settings, classes=classes)
    values = answer.values
    return Times(answer.arrays["seconds"], int(values["pictures"]), int(values["repeats"]), str(values["device"]))


@dataclass(eq=False)
class Scan:
    """A look at every val picture through a network, in steps: what each unit responds to most, so far.

    It is one for all who look at the same network: whoever is there takes the next step.
    """

    folder: str
    epoch: int
    is_current: Callable[[], bool]
    rows: np.ndarray  # of the run's val pictures that are still there
    image: Callable[[int], np.ndarray | None]
    strongest: Strongest
    done: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def is_whole(self) -> bool:
        """Whether every picture was looked at."""
        return self.done >= len(self.rows)

    def step(self) -> None:
        """Look at the next pictures. Raises RunError where the network is another one by now, UserError, HelperError, OSError."""
        with self.lock:
            rows = self.rows[self.done : self.done + AT_ONCE]
            if not len(rows):
                return
            pictures = np.stack([_there(self.image(row)) for row in rows.tolist()])
            arrays = session.helper().ask("unit_peaks", {"x": pictures}, folder=self.folder, epoch=self.epoch).arrays
            if not self.is_current():
                raise RunError(
                    "the network has changed while it was looked at: it has learned more meanwhile, so look again"
                )
            self.strongest = with_more(self.strongest, rows, arrays["peaks"], arrays["places"])
            self.done += len(rows)


def scan(subject: Subject, epoch: int, album: Album) -> Scan:
    """The look at the val pictures through the network after an epoch, begun now or before."""
    rows = [row for row in range(len(album.ids)) if album.image(row) is not None]
    pictures = (len(rows), hash(np.asarray(album.ids).tobytes()))
    return _scan(
        str(subject.folder), subject.epoch_asked(epoch), subject.stamp(epoch), pictures, subject, epoch, album, rows
    )


@st.cache_resource(show_spinner=False, max_entries=6)  # of the report's largest network 3 MB
def _scan(
    folder: str,
    epoch_asked: int,
    stamp: Stamp,
    pictures: tuple[int, int],
    _subject: Subject,
    _epoch: int,
    _album: Album,
    _rows: list[int],
) -> Scan:
    units = sum(layer.shape[-1] for layer in _subject.layers if layer.has_units)
    is_current: Callable[[], bool] = lambda: _subject.stamp(_epoch) == stamp  # noqa: E731
    return Scan(folder, epoch_asked, is_current, np.array(_rows, np.int64), _album.image, none_yet(units))


def _there(image: np.ndarray | None) -> np.ndarray:
    assert image is not None
    return image
