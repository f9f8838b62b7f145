"""Numbers and names as a person reads them: counts, shares, sizes, times; names made safe, short and different."""

from __future__ import annotations

import math
import re
from datetime import timedelta
from functools import lru_cache

NAME_LENGTH = 28  # characters of a class name on an axis, in a caption
# Controls, line breaks and marks that turn the direction of the text after them: none may leave its own name.
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def count_text(count: int, noun: str) -> str:
    """Return ``1 picture`` for (1, "picture"), ``1,024 pictures`` for (1024, "picture"), ``2 classes`` for (2, "class")."""
    plural = f"{noun}es" if noun.endswith("s") else f"{noun}s"
    return f"{count:,} {noun if count == 1 else plural}"


def percent_text(share: float) -> str:
    """Return ``93%`` for 0.93, and never 0% or 100% for what is only nearly so: ``<1%`` for 0.002, ``>99%`` for 0.998."""
    if 0.995 <= share < 1 - 1e-6:
        return ">99%"
    return "<1%" if 1e-6 < share < 0.005 else f"{share:.0%}"


def fine_percent_text(share: float) -> str:
    """Return ``31%`` for 0.31 and a digit more below 1%: ``0.4%`` for 0.004, ``<0.1%`` for 0.0004. For figures."""
    if 0 < share < 0.001:
        return "<0.1%"
    return f"{share:.1%}" if 0 < share < 0.01 else f"{share:.0%}"


def size_text(size: float) -> str:
    """Return ``1.5 GB`` for 1.5e9 bytes, ``83 MB`` for 8.3e7, ``3 kB`` for 3,100."""
    if size >= 1e9:
        return f"{size / 1e9:.1f} GB"
    return f"{size / 1e6:.0f} MB" if size >= 1e6 else f"{size / 1e3:.0f} kB"


def duration_text(seconds: float | None) -> str:
    """Return ``8.0 s`` for 8, ``4 min`` for 240, ``3 h 20 min`` for 12000, ``2 d 5 h`` for 190800, ``?`` for None."""
    if seconds is None or not math.isfinite(seconds):
        return "?"
    if seconds < 90:
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours < 48 else f"{hours // 24} d {hours % 24} h"


def clock_text(seconds: float | None) -> str:
    """Return ``0:05:03`` for 303 seconds, ``–`` for None: every second counts, as in a report's table."""
    return "–" if seconds is None else str(timedelta(seconds=round(seconds)))


def rate_text(rate: float) -> str:
    """Return a learning rate in three digits: ``0.001`` for 1e-3, ``0.00064`` for 6.4e-4, ``1e-07`` for 1e-7."""
    return f"{rate:.3g}"


def one_line(value: object, limit: int | None = None) -> str:
    """Return a text on one line, at most `limit` characters: ``a b`` for " a\n b"; "" for what is not a text."""
    return " ".join(value.split())[:limit].strip() if isinstance(value, str) else ""


def clean(name: str) -> str:
    """Return a foreign name on one line, what cannot be seen (controls, direction marks) as �: ``a�b`` for "a\\nb"."""
    return _UNSEEN.sub("\ufffd", name)


def shorten(name: str, limit: int) -> str:
    """Return the cleaned name in at most `limit` characters, without the middle of a long one: ``abcd…ij`` of 7."""
    text = clean(name)
    return text if len(text) <= limit else f"{text[: limit - limit // 3 - 1]}…{text[-(limit // 3) :]}"


@lru_cache(maxsize=32)
def short_names(classes: tuple[str, ...], limit: int = NAME_LENGTH) -> tuple[str, ...]:
    """Return the names shortened and still all different: of two that look alike, the second ends in ``(2)``."""
    names: dict[str, None] = {}
    for name in (shorten(name, limit) for name in classes):
        number, unique = 1, name
        while unique in names:
            number += 1
            unique = f"{name} ({number})"
        names[unique] = None
    return tuple(names)


def quote(name: str, limit: int = 80) -> str:
    """Return the name as an error quotes it, controls escaped, the middle of a long one left out: ``“a\\nb”``."""
    text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in name)
    if len(text) > limit:
        text = f"{text[: limit // 2]}…{text[-limit // 2 :]}"
    return f"“{text}”"
