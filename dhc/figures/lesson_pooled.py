"""The cell that decided: where it stands among a layer's cells, and what of the picture it sees."""

from __future__ import annotations

import cv2
import numpy as np

from dhc.figures.heat import picture_of

Span = tuple[int, int]  # the first, and the one behind the last
SIDE = 384  # pixels of a drawing's side
DARK, BRIGHT = (0, 0, 0), (255, 210, 31)  # a frame of both is seen on any ground


def framed(picture: np.ndarray, rows: Span, columns: Span) -> np.ndarray:
    """A picture (h, w, 3) uint8 as (SIDE, SIDE, 3), its pixels as sharp squares, with a frame around these rows and columns."""
    drawing = cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_NEAREST)
    height, width = picture.shape[:2]
    top, bottom = (round(SIDE * row / height) for row in rows)
    left, right = (round(SIDE * column / width) for column in columns)
    for color, thickness in ((DARK, 7), (BRIGHT, 3)):
        cv2.rectangle(drawing, (left + 3, top + 3), (right - 4, bottom - 4), color, thickness)
    return drawing


def cells(heat: np.ndarray, at: tuple[int, int]) -> np.ndarray:
    """A layer's cells (h, w) as (SIDE, SIDE, 3) uint8, the brightest where the value is largest; the one `at` row, column framed."""
    colours = picture_of(heat, float(np.nanmax(heat, initial=0.0)))
    return framed(colours, (at[0], at[0] + 1), (at[1], at[1] + 1))
