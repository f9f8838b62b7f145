"""Class names, shares and amounts as a screen and a report show them: one line, of bounded length, telling what cannot be seen."""

from __future__ import annotations

import re
from functools import lru_cache

NAME_LENGTH = 28  # characters of a class name on an axis, in a caption
# Controls, line breaks and marks that turn the direction of the text after them: none may leave its own name.
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def clean(name: str) -> str:
    """A foreign name on one line, with what cannot be seen (controls, direction marks) made visible as �."""
    return _UNSEEN.sub("\ufffd", name)


def cut(name: str, limit: int) -> str:
    """A name of at most `limit` characters, cleaned; the middle of a longer one is left out."""
    shown = clean(name)
    return shown if len(shown) <= limit else f"{shown[: limit - limit // 3 - 1]}…{shown[-(limit // 3) :]}"


@lru_cache(maxsize=32)
def short_names(classes: tuple[str, ...], limit: int = NAME_LENGTH) -> tuple[str, ...]:
    """The classes' names cut to `limit` characters and still all different: look-alikes get a number behind."""
    seen: set[str] = set()
    names = []
    for name in (cut(name, limit) for name in classes):
        number, unique = 1, name
        while unique in seen:
            number += 1
            unique = f"{name} ({number})"
        seen.add(unique)
        names.append(unique)
    return tuple(names)


def percent(share: float) -> str:
    """93%, and never 100% or 0% for what is only nearly so."""
    if 0.995 <= share < 1 - 1e-6:
        return ">99%"
    return "<1%" if 1e-6 < share < 0.005 else f"{share:.0%}"


def amount(count: int, noun: str) -> str:
    """1 picture, 1,024 pictures."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
