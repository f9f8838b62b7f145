"""Many pictures on a few sheets, each drawn small: a browser gets thousands of them in a few messages."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from dhc.data.cached import SIZE

MOST_PIXELS = 6_500_000  # of all tiles: 25 MB in a browser, 2 MB on the way
SMALLEST = 16  # pixels a side of a tile
COLUMNS = 32  # tiles on a sheet's row
EACH = COLUMNS * COLUMNS  # tiles on a sheet
QUALITY = 80  # of the JPEGs


@dataclass(frozen=True)
class Sheets:
    """JPEGs in base64, `each` tiles on one, `columns` in its row, `tile` pixels a side."""

    sheets: tuple[str, ...]
    tile: int
    columns: int = COLUMNS
    each: int = EACH


def make_sheets(count: int, picture: Callable[[int], np.ndarray]) -> Sheets:
    """The sheets of `count` pictures; `picture(row)` gives (64, 64, 3) uint8 RGB."""
    tile = tile_side(count)
    return Sheets(
        tuple(_sheet(range(start, min(start + EACH, count)), picture, tile) for start in range(0, count, EACH)), tile
    )


def tile_side(count: int) -> int:
    """How large each of so many pictures is drawn: as they are, unless there are so many that they must be smaller."""
    return max(SMALLEST, min(SIZE, int((MOST_PIXELS / max(1, count)) ** 0.5)))


def _sheet(rows: range, picture: Callable[[int], np.ndarray], tile: int) -> str:
    lines = -(-len(rows) // COLUMNS)
    sheet = np.zeros((lines * tile, COLUMNS * tile, 3), np.uint8)
    for place, row in enumerate(rows):
        top, left = place // COLUMNS * tile, place % COLUMNS * tile
        small = cv2.resize(picture(row), (tile, tile), interpolation=cv2.INTER_AREA) if tile != SIZE else picture(row)
        sheet[top : top + tile, left : left + tile] = small
    success, data = cv2.imencode(".jpg", sheet[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    assert success
    return b64encode(data.tobytes()).decode("ascii")
