"""Foreign text as Markdown that shows it letter for letter."""

from __future__ import annotations

import re
from typing import Final

from dhc.text import one_line, shorten, whole

_MARKUP: Final = re.compile(r"([!-/:-@\[-`{-~])")
_ADDRESS: Final = re.compile(r"(://|www\.)", re.IGNORECASE)
TITLE_LENGTH = 60  # characters of a class name in a sentence


def bold(name: str) -> str:
    """Markdown of a foreign name in bold, letter for letter."""
    return f"**{plain(shorten(name, TITLE_LENGTH))}**"


def plain(text: str) -> str:
    """Return Markdown that shows ``text``, which may hold foreign names, letter for letter.

    Otherwise a folder called ``![](http://…)`` would make the browser fetch a picture from outside.
    """
    text_without_links = _ADDRESS.sub(
        "\u2060\\1", one_line(whole(text))
    )  # an invisible joiner, so that it does not become a link
    return _MARKUP.sub(r"\\\1", text_without_links)
