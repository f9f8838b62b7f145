"""Augmentation: what a change does to a picture, to the digits, and to feature maps of every size that the report has."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Final

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dhc.data.picture import png_base64
from dhc.lessons import augmentation as a
from dhc.models.plan import MaxPooling2D
from dhc.teaching.facts import report
from dhc.teaching.words import Words
from dhc.ui.lessons import picture
from dhc.ui.shell import address
from dhc.ui.widgets.controls import segments

KIND = "au_change"  # in the address; how much of it under the name of the change
KEY = "dhc_lesson_augmentation_"
# Lowest and highest amount of a change, the one at first, and a step: degrees, or per cent.
AMOUNTS: Final = {"turn": (0, 360, 40, 5), "zoom": (50, 200, 150, 5), "shift": (0, 100, 25, 5), "erase": (0, 90, 20, 5)}
CHANGES: Final = (*a.FLIPS, *AMOUNTS)
STYLE = """<style>
.dhc-augment { display: grid; gap: 0.2rem 0.5rem; align-items: end; margin: 0; font-size: 0.85rem; line-height: 1.25; }
.dhc-augment img { width: 100%; image-rendering: pixelated; border-radius: 0.3rem; object-fit: contain; object-position: left bottom; }
.dhc-augment b { display: block; align-self: start; }
.dhc-augment .same { font-weight: 600; }
.dhc-augment { --dhc-tall: 21vh; --dhc-low: 11vh; --dhc-digit: 6.5vh; }
.dhc-present .dhc-augment { --dhc-tall: 17vh; --dhc-low: 8.5vh; --dhc-digit: 6vh; }
.dhc-augment .digits { grid-column: span 2; }
.dhc-augment .digits > div { display: grid; grid-template-columns: repeat(5, minmax(0, 1fr)); gap: 0 0.3rem; }
.dhc-augment .digits > div > div { display: flex; flex-direction: column; align-items: start; white-space: nowrap; font-variant-numeric: tabular-nums; }
.dhc-present .dhc-augment .digits > div > div { flex-direction: row; align-items: center; gap: 0.3rem; }
.dhc-augment .digits img { width: auto; aspect-ratio: 1; }
.dhc-augment .other span { font-weight: 700; text-decoration: underline; }
</style>"""


def draw(words: Words) -> None:
    """Which change and how much of it; before and after, of a picture, the digits and maps of each size."""
    titles = {name: words(name) for name in CHANGES}
    bound = address.bound_choice(KIND, CHANGES, "turn", key=f"{KEY}kind")
    kind = segments(words("change"), titles, bare=True, **bound)
    left, right = st.columns(2, vertical_alignment="bottom")
    with left:
        pixels = picture.choose(words).astype(float)
    with right:
        change = _change(words, kind)
    cells = [
        f"<div><b>{html.escape(words('picture'))}</b>{_image(pixels, words('before'), 'tall')}</div>",
        f"<div><span>{html.escape(words('look'))}</span>{_image(change(pixels), words('after'), 'tall')}</div>",
        f'<div class="digits"><b>{html.escape(words("digits"))}</b>{_digits(words, change, is_flip=kind in a.FLIPS)}</div>',
    ]
    _grid("".join(cells), 4)
    st.markdown(f"**{words('maps')}**")
    _maps(words, pixels, change)


def _change(words: Words, kind: str) -> Callable[[a.Floats], a.Floats]:
    """The change with its amount, which a slider sets."""
    if kind in a.FLIPS:
        return a.FLIPS[kind]
    low, high, first, step = AMOUNTS[kind]
    bound = address.bound_integer(f"au_{kind}", low=low, high=high, default=first, key=f"{KEY}{kind}")
    amount = int(st.slider(words(f"{kind}_amount"), step=step, **bound))
    return {
        "turn": lambda pixels: a.turn(pixels, amount),
        "zoom": lambda pixels: a.zoom(pixels, amount / 100),
        "shift": lambda pixels: a.shift(pixels, amount / 100),
        "erase": lambda pixels: a.erase(pixels, amount / 100, np.random.default_rng(0)),
    }[kind]


def _digits(words: Words, change: Callable[[a.Floats], a.Floats], *, is_flip: bool) -> str:
    """The ten digits after the change, and of each whether a flip has kept it, or made another or none of it.

    Of a digit that is only tilted, moved or damaged a person can judge better than a comparison of pixels.
    """
    cells = []
    for digit, drawn in enumerate(a.digits()):
        changed = change(drawn)
        nearest = a.nearest_digit(changed)
        is_digit = np.allclose(changed, a.digits()[nearest])
        kind = ("kept" if nearest == digit else "other") if is_digit else "lost" if is_flip else "open"
        said = html.escape(words(kind, digit=digit, nearest=nearest))
        cells.append(f'<div class="{kind}">{_image(changed, said, "digit")}<span>{said}</span></div>')
    return f"<div>{''.join(cells)}</div>"


def _maps(words: Words, pixels: a.Floats, change: Callable[[a.Floats], a.Floats]) -> None:
    """The picture as small as the maps behind each pooling are, before and after, and how many numbers changed."""
    sides = [len(pixels), *(size.shape[0] for size in report.sizes() if isinstance(size.layer, MaxPooling2D))]
    before = [a.shrink(pixels, side) for side in sides]
    after = [change(small) for small in before]
    heads = "".join(f"<b>{html.escape(words('side', side=side))}</b>" for side in sides)
    rows = [
        "".join(_image(small, words(name), "low") for small in of)
        for name, of in (("before", before), ("after", after))
    ]
    shares = [float((np.abs(new - old) > 0.5).any(axis=-1).mean()) for old, new in zip(before, after, strict=True)]
    said = "".join(
        f"<span{' class=same' if not share else ''}>{html.escape(words('changed', share=share) if share else words('same'))}</span>"
        for share in shares
    )
    _grid(heads + "".join(rows) + said, len(sides))


def _image(pixels: a.Floats, alt: str, height: str) -> str:
    """A picture (H, W, 1 or 3) of 0 to 255 as an image, as high as STYLE says."""
    shown: NDArray[np.uint8] = np.broadcast_to(pixels, (*pixels.shape[:2], 3)).round().clip(0, 255).astype(np.uint8)
    source = f"data:image/png;base64,{png_base64(shown)}"
    return f'<img src="{source}" alt="{html.escape(alt)}" style="height: var(--dhc-{height})">'


def _grid(cells: str, columns: int) -> None:
    st.html(
        f'{STYLE}<div class="dhc-augment" style="grid-template-columns: repeat({columns}, minmax(0, 1fr))">{cells}</div>'
    )
