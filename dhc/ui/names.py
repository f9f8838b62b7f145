"""Foreign names in Markdown, and, handed on for screens, the names, shares and amounts of `figures.names`."""

from __future__ import annotations

from dhc.figures.names import NAME_LENGTH, amount, clean, cut, percent, short_names
from dhc.ui.states import plain

__all__ = ["NAME_LENGTH", "TITLE_LENGTH", "amount", "bold", "clean", "cut", "percent", "short_names"]

TITLE_LENGTH = 60  # characters of a class name in a sentence


def bold(name: str) -> str:
    """Markdown of a foreign name in bold, letter for letter."""
    return f"**{plain(cut(name, TITLE_LENGTH))}**"
