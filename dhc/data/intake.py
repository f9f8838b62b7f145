"""Pictures from anywhere, made what a network takes: each is read or refused by itself."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from dhc.data.formats import PictureError
from dhc.data.picture import decode

MOST = 5_000  # pictures at a time, 61 MB
File = tuple[str, Callable[[], bytes]]
"""A name, and a way to read what stands under it, which raises PictureError or OSError."""


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

    @functools.cached_property
    def x(self) -> np.ndarray:
        """(N, 64, 64, 3) uint8."""
        return np.stack([picture.x for picture in self.pictures])

    @functools.cached_property
    def fingerprint(self) -> str:
        """What tells these pictures from others."""
        return hashlib.blake2b(self.x.tobytes(), digest_size=16).hexdigest()

    def first(self, count: int) -> Intake:
        """The same with so many pictures."""
        return self if count >= len(self.pictures) else replace(self, pictures=self.pictures[:count])


def take(files: Iterable[File], most: int = MOST) -> Intake:
    """Read pictures in their order; those beyond `most` are counted, not read."""
    remaining = iter(files)
    return intake([take_one(file) for file in islice(remaining, most)], rest=sum(1 for _ in remaining))


def take_one(file: File) -> Picture | Refusal:
    """The picture in a file, or why it is refused."""
    name, read = file
    try:
        return Picture(name, *decode(read()))
    except PictureError as error:
        return Refusal(name, str(error))
    except OSError as error:
        return Refusal(name, f"it cannot be read ({error.strerror or error})")


def intake(items: Sequence[Picture | Refusal], rest: int = 0) -> Intake:
    """What came of some files, each taken by itself."""
    pictures = tuple(item for item in items if isinstance(item, Picture))
    return Intake(pictures, tuple(item for item in items if isinstance(item, Refusal)), rest)
