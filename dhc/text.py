"""Numbers and names as a person reads them.

Numbers end in ``_text``. Names come from folders, tables and runs: nothing in them may leave its own name on the page.
"""

from __future__ import annotations

import math
import re
from datetime import timedelta
from functools import lru_cache
from pathlib import Path

NAME_LENGTH = 28  # characters of a class name on an axis, in a caption
# Controls, line breaks and marks that turn the direction of the text after them: none may leave its own name.
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_HALVES = re.compile("[\ud800-\udfff]")  # of characters: what Python makes of a file's name that is no UTF-8


def count_text(count: int, noun: str) -> str:
    """Return a count and its noun: ``1 picture``, ``1,024 pictures``, ``2 classes``."""
    plural = f"{noun}es" if noun.endswith("s") else f"{noun}s"
    return f"{count:,} {noun if count == 1 else plural}"


def counted(index: int) -> int:
    """A map's, a unit's, a row's or a column's number as words count: from 1. Addresses and arrays count from 0."""
    return index + 1


def amount_text(count: int) -> str:
    """Return a count that fits a tile: ``9,123``, ``421 k``, ``35.5 M``, ``2.1 bn``."""
    for unit, size in (("bn", 1e9), ("M", 1e6), ("k", 1e3)):
        if count >= 10_000 and round(count / size, 1) >= 1:
            amount = count / size
            return f"{amount:.0f} {unit}" if amount >= 99.95 else f"{amount:.1f} {unit}"
    return f"{count:,}"


def percent_text(share: float) -> str:
    """Return a share of 0 to 1 as ``93%``; ``<1%`` and ``>99%`` for what is only nearly 0 or 1."""
    if 0.995 <= share < 1 - 1e-6:
        return ">99%"
    return "<1%" if 1e-6 < share < 0.005 else f"{share:.0%}"


def fine_percent_text(share: float) -> str:
    """Return a share of 0 to 1 as ``31%``, below 1% with a digit more: ``0.4%``, ``<0.1%``.

    For figures, which hold many small shares side by side.
    """
    if 0 < share < 0.001:
        return "<0.1%"
    return f"{share:.1%}" if 0 < share < 0.01 else percent_text(share)


def signed_points(share: float) -> str:
    """Return a difference of accuracies, -1 to 1, in percentage points with its sign, as charts write it: ``+1.2``, ``−0.5``, ``0.0``."""
    points = round(100 * share, 1)
    return f"{points:+.1f}".replace("-", "−") if points else "0.0"


def size_text(size: float) -> str:
    """Return bytes as ``1.5 GB``, ``83 MB``, ``3 kB``."""
    if size >= 1e9:
        return f"{size / 1e9:.1f} GB"
    return f"{size / 1e6:.0f} MB" if size >= 1e6 else f"{size / 1e3:.0f} kB"


def duration_text(seconds: float | None) -> str:
    """Return seconds as ``<0.1 s``, ``8.0 s``, ``4 min``, ``3 h 20 min``, ``2 d 5 h``; ``?`` for None."""
    if seconds is None or not math.isfinite(seconds):
        return "?"
    if 0 < seconds < 0.05:
        return "<0.1 s"
    if seconds < 90:
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours < 48 else f"{hours // 24} d {hours % 24} h"


def rough_text(seconds: float) -> str:
    """Return an estimate in no more words than it is good for: ``a few seconds``, ``about 40 seconds``, ``about 3 min``."""
    if seconds <= 5:
        return "a few seconds"
    if seconds < 50:
        return f"about {math.ceil(seconds / 10) * 10} seconds"
    return "about a minute" if seconds < 90 else f"about {duration_text(seconds)}"


def clock_text(seconds: float | None) -> str:
    """Return seconds to the second, as a report's table has them: ``0:05:03``; ``–`` for None."""
    return "–" if seconds is None else str(timedelta(seconds=round(seconds)))


def figure_text(value: float) -> str:
    """A loss or an accuracy for a terminal: ``0.6857``; of a training that blows up, ``1.214e+19``."""
    return f"{value:.4f}" if abs(value) < 1e5 else f"{value:.4g}"


def rate_text(rate: float) -> str:
    """Return a learning rate in at most three digits, as charts write it too: ``0.001``, ``0.000064``, ``1e-7``."""
    return setting_number(rate, digits=3)


def setting_number(number: float, digits: int = 4) -> str:
    """Return a number as a setting shows it, small ones without a power of ten down to a millionth: ``0.5``, ``0.00001``."""
    text = f"{number:.{digits}g}"
    if "e-" not in text:
        return text
    mantissa, _, exponent = text.partition("e-")
    places = int(exponent) + len(mantissa.partition(".")[2])
    return f"{number:.{places}f}" if int(exponent) <= 6 else f"{mantissa}e-{int(exponent)}"


def one_line(value: object, limit: int | None = None) -> str:
    """Return a text on one line of at most `limit` characters; "" for what is not a text.

    A line break counts as a space: ``a b`` of "a", a line break, "b".
    """
    return " ".join(value.split())[:limit].strip() if isinstance(value, str) else ""


def is_utf8(text: str) -> bool:
    """Return whether a text can be written at all: the name of a file need not be UTF-8."""
    return not _HALVES.search(text)


def whole(text: str) -> str:
    """Return a text with a � for what could not be written: ``caf�``."""
    return _HALVES.sub("\ufffd", text)


def clean(name: str) -> str:
    """Return a foreign name with a � for each line break, control, direction mark and half character: ``a�b``."""
    return _UNSEEN.sub("\ufffd", name)


def shorten(name: str, limit: int) -> str:
    """Return the cleaned name, without its middle where it is longer than `limit`: ``abcd…ij``."""
    text = clean(name)
    return text if len(text) <= limit else f"{text[: limit - limit // 3 - 1]}…{text[-(limit // 3) :]}"


@lru_cache(maxsize=32)
def short_names(classes: tuple[str, ...], limit: int = NAME_LENGTH) -> tuple[str, ...]:
    """Return the names shortened and still all different.

    Those that would lose what tells them apart keep that part; of two that are alike even so the second ends in (2).
    """
    names: dict[str, None] = {}
    for name in _telling_parts([clean(name) for name in classes], limit):
        number, unique = 1, name
        while unique in names:
            number += 1
            unique = f"{name} ({number})"
        names[unique] = None
    return tuple(names)


def _telling_parts(texts: list[str], limit: int) -> list[str]:
    alike: dict[str, set[str]] = {}
    for text in texts:
        alike.setdefault(shorten(text, limit), set()).add(text)
    groups = {text: group for group in alike.values() for text in group}
    return [shorten(text, limit) if len(groups[text]) == 1 else _from(text, groups[text], limit) for text in texts]


def _from(text: str, others: set[str], limit: int) -> str:
    """The beginning of a text, and what follows from the word on in which it differs from others: ``VGG16…0.2 and so…``."""
    head = limit // 4
    first, last = min(others), max(others)
    differs = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))
    word = text.rfind(" ", 0, differs) + 1
    start = max(head, word if differs - word <= head else differs)
    end = start + limit - head - 1
    if end >= len(text):
        return f"{text[:head]}…{text[max(head, len(text) - (limit - head - 1)) :]}"
    return f"{text[:head]}…{text[start : end - 1]}…"


def quote(name: str, limit: int = 80) -> str:
    """Return the name as an error quotes it: ``“a\\nb”``, a long one without its middle."""
    text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in name)
    if len(text) > limit:
        text = f"{text[: limit // 2]}…{text[-limit // 2 :]}"
    return f"“{text}”"


def quote_path(path: str | Path) -> str:
    """Return a path of this disk as an error quotes it: whole, since one must go there, as far as a line can bear."""
    return quote(str(path), 1000)
