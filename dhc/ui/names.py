"""Foreign names in Markdown, and, handed on for screens, the names, shares and amounts of `figures.names`."""

from __future__ import annotations

from dhc.text import cut
from dhc.ui.states import plain

TITLE_LENGTH = 60  # characters of a class name in a sentence


def bold(name: str) -> str:
    """Markdown of a foreign name in bold, letter for letter."""
    return f"**{plain(cut(name, TITLE_LENGTH))}**"
