"""Numbers and sums of products as a lesson's figure writes them, in its language."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from dhc.teaching.words import COMMA, filled
from dhc.ui.widgets.board import Grid

DIGITS = 2


def short(value: float, language: str, digits: int = DIGITS) -> str:
    """A number with as many of these digits behind the point as it needs, and a true minus."""
    rounded = round(float(value), digits) + 0.0
    return filled(f"{{x:.{len(repr(rounded).rstrip('0').partition('.')[2])}f}}", language, {"x": rounded})


def decimal(text: str, language: str) -> str:
    """A number's text with the language's decimal sign."""
    return text.replace(".", ",") if language in COMMA else text


def separate(figure: go.Figure, language: str) -> None:
    """Let a figure's own numbers, on its axes and in its hovers, have the language's decimal sign."""
    if language in COMMA:
        figure.update_layout(separators=",.")


def product_sum(pairs: Iterable[tuple[float, float]], language: str) -> str:
    """Products and the signs between them: 1·1 + 0·(−1)."""
    return " + ".join(f"{short(a, language)}·{bracketed(b, language)}" for a, b in pairs)


def bracketed(value: float, language: str) -> str:
    """A number, in brackets where a sign stands before it."""
    text = short(value, language)
    return f"({text})" if value < 0 else text


def grid(name: str, title: str, left: float, top: float, values: NDArray[Any] | Sequence[Any], language: str) -> Grid:
    """A grid of a board with these numbers, (H, W), or one."""
    array = np.atleast_2d(np.asarray(values, dtype=float))
    largest = float(np.abs(array).max()) or 1.0
    texts = [[short(value, language) for value in row] for row in array]
    return Grid(name, title, left, top, texts, (array / largest).round(3).tolist())
