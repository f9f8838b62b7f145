"""The language of the lessons, in the address: ``lang=ro``."""

from __future__ import annotations

from typing import Final

from dhc.teaching.words import LANGUAGES, common
from dhc.ui.shell import address
from dhc.ui.widgets.controls import segments

NAME: Final = "lang"
DEFAULT: Final = "en"


def current() -> str:
    """The language that the address asks for."""
    return address.choice(NAME, tuple(LANGUAGES), DEFAULT)


def choose() -> str:
    """Buttons for the languages; returns the chosen one."""
    bound = address.bound_choice(NAME, tuple(LANGUAGES), DEFAULT, key="dhc_lessons_language")
    return str(segments(common(current(), "language"), LANGUAGES, bare=True, **bound))
