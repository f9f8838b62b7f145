"""The pictures of a run, as far as its data set still has them, for the lessons."""

from __future__ import annotations

import numpy as np

from dhc.data.album import Album, Prints, album_of
from dhc.data.decode import Pictures
from dhc.runs.store import RunInfo
from dhc.ui.shell import session

__all__ = ["Album", "album"]


def album(info: RunInfo, files: np.ndarray, split: str) -> Album:
    """The pictures of a run's `files` (N,) in its data set's train or val; blank where they are gone."""

    def read(path: str) -> tuple[Pictures, Prints]:
        return session.pictures(path, split), Prints()

    if info.config is None:
        return Album(files)
    return album_of(files, session.pictures_folder(info.config), Prints(), read, split)
