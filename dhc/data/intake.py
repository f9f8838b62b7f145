"""Pictures from anywhere, made what a network takes: each is read or refused by itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dhc.data.columns import PICTURE_ENDINGS
from dhc.data.formats import PictureError
from dhc.data.picture import decode, read_bytes
from dhc.errors import DataError
from dhc.text import quote_path

MOST = 500  # pictures at a time


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture as the network sees it, (64, 64, 3) uint8 RGB; `conversions` are the ends of sentences on what was made of it."""

    name: str
    x: np.ndarray
    conversions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Refusal:
    """A file that is no picture: its name, and why, the end of a sentence that begins with it."""

    name: str
    why: str


@dataclass(frozen=True, eq=False)
class Intake:
    """What came of some files; `rest` is how many were not looked at, beyond MOST."""

    pictures: tuple[Picture, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    rest: int = 0

    @property
    def x(self) -> np.ndarray:
        """(N, 64, 64, 3) uint8."""
        return np.stack([picture.x for picture in self.pictures])


def take(files: Iterable[tuple[str, bytes]], most: int = MOST) -> Intake:
    """Read pictures, given by name and bytes, in their order."""
    pictures: list[Picture] = []
    refusals: list[Refusal] = []
    rest = 0
    for name, data in files:
        if len(pictures) + len(refusals) >= most:
            rest += 1
            continue
        try:
            pictures.append(Picture(name, *decode(data)))
        except PictureError as error:
            refusals.append(Refusal(name, str(error)))
    return Intake(tuple(pictures), tuple(refusals), rest)


def files_of(paths: Iterable[Path]) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of each file, and of each picture in a folder, by name. Raises DataError in one sentence."""
    for path in paths:
        for file in _pictures_of(path) if path.is_dir() else [path]:
            try:
                yield str(file), read_bytes(str(file))
            except PictureError:
                yield str(file), b""  # too large for a picture: `take` refuses it, too
            except OSError as error:
                raise DataError(
                    f"{quote_path(file)} cannot be read ({error.strerror or error}); check its name."
                ) from error


def _pictures_of(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in PICTURE_ENDINGS and path.is_file())
