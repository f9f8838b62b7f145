"""Class names, shares and amounts as a screen and a report show them: one line, of bounded length, telling what cannot be seen."""

from __future__ import annotations

import math
import re
from datetime import timedelta
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


def size_text(size: float) -> str:
    """Bytes in kB, MB or GB."""
    if size >= 1e9:
        return f"{size / 1e9:.1f} GB"
    return f"{size / 1e6:.0f} MB" if size >= 1e6 else f"{size / 1e3:.0f} kB"


def duration_text(seconds: float | None) -> str:
    """Seconds as ``8 s``, ``4 min``, ``3 h 20 min``, ``2 d 5 h``; ``?`` for None."""
    if seconds is None or not math.isfinite(seconds):
        return "?"
    if seconds < 90:
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours < 48 else f"{hours // 24} d {hours % 24} h"


def rate_text(rate: float) -> str:
    """A learning rate as a person writes it: 0.001, 0.00064, 1e-07."""
    return f"{rate:.3g}"


def count_text(count: int) -> str:
    """1 picture, 5 pictures."""
    return f"{count} picture" if count == 1 else f"{count} pictures"


def percent_text(share: float) -> str:
    """A share of 0 to 1 as a person reads it: 31%, 0.4%, <0.1%."""
    if 0 < share < 0.001:
        return "<0.1%"
    return f"{share:.1%}" if 0 < share < 0.01 else f"{share:.0%}"


def time_text(seconds: float | None) -> str:
    """Seconds as 0:05:03; – for None."""
    return "–" if seconds is None else str(timedelta(seconds=round(seconds)))


def shown(name: str, limit: int = 80) -> str:
    """``name`` as an error may quote it: control characters escaped, the middle of a long one left out, in quotes."""
    text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in name)
    if len(text) > limit:
        text = f"{text[: limit // 2]}…{text[-limit // 2 :]}"
    return f"“{text}”"
