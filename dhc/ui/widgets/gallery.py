"""A grid of small clickable pictures: a hundred in one message, no request for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np

from dhc.data.picture import png_base64
from dhc.ui.widgets import assets

LARGEST_KEPT = 64 * 64 * 3  # bytes of a picture whose PNG is kept
Tone = Literal["plain", "good", "bad"]


@dataclass(frozen=True)
class Tile:
    """One picture: ``image`` (H, W, 3) uint8 RGB, a caption, a tooltip, and a tone.

    The tone is shown as border and sign, ✓ or ✗. Caption and tooltip may hold anything: they are shown as plain text. A
    line break in the caption is kept; three lines are shown.
    """

    image: np.ndarray
    caption: str
    tooltip: str = ""
    tone: Tone = "plain"


def gallery(
    tiles: Sequence[Tile],
    *,
    key: str,
    selected_index: int | None = None,
    size: int = 96,
    page_size: int = 0,
    is_strip: bool = False,
) -> int | None:
    """Draw ``tiles`` in a grid; return the index clicked in THIS run, if any.

    Each picture is ``size`` CSS pixels wide. ``selected_index`` is the index drawn as chosen. ``page_size`` says how many tiles
    a whole page has: then a row has so many that the page's last row is full. A strip is one row of as many as have room.
    Nothing is drawn for no tiles: the page says why there are none. Arrow keys move inside the grid, Enter and Space click. Raises ValueError for a picture
    that is not (H, W, 3) uint8.
    """
    if not tiles:
        return None
    renderer = assets.component("gallery", isolate_styles=True)
    result = renderer(
        key=key,
        data={
            "tiles": [_encode(tile) for tile in tiles],
            "selected": selected_index,
            "size": size,
            "page": page_size,
            "strip": is_strip,
        },
        on_click_change=_rerun,
    )
    index = result.get("click")
    # A click can arrive late, after the page has shortened its list.
    return index if isinstance(index, int) and 0 <= index < len(tiles) else None


def _encode(tile: Tile) -> dict[str, str]:
    image = tile.image
    small = image.dtype == np.uint8 and image.nbytes <= LARGEST_KEPT
    png = _png(image.tobytes(), image.shape) if small else png_base64(image)
    return {"image": png, "caption": tile.caption, "tooltip": tile.tooltip, "tone": tile.tone}


@lru_cache(maxsize=512)
def _png(pixels: bytes, shape: tuple[int, ...]) -> str:
    """A picture as PNG in base64, kept: a page runs at every click, and shows the same pictures again."""
    return png_base64(np.frombuffer(pixels, np.uint8).reshape(shape))


def _rerun() -> None:
    """Registered so that a click starts a rerun; the page reads the returned value."""
