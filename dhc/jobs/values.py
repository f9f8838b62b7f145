"""Several values of one setting as a text: ``0.5, 0.8``, ``0.1..0.9 step 0.2``.

A text holds items between commas or semicolons. An item is a value, several values between spaces, or, of a number, a range:

    0.5, 0.8, 0.9        these
    0.1..0.9 step 0.2    0.1 0.3 0.5 0.7 0.9: from LOW in steps, up to HIGH where a step meets it
    2..6                 2 3 4 5 6: of whole numbers; the step is 1
    1e-4..1e-2 log 5     0.0001 0.000316228 0.001 0.00316228 0.01: so many values, each the same multiple of the one before

Choices and switches take lists: ``relu, leaky_relu``; ``on, off``. Spaces part values but in texts, such as a folder's path.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from dhc.config import ConfigField, find_field
from dhc.errors import ConfigError
from dhc.text import setting_number

MAX_VALUES = 200  # of one setting: more is a slip of the finger
MAX_TEXT = 2000  # characters
DIGITS = 16  # of a number: more than it has
GRAMMAR = "0.5, 0.8, 0.9; ranges: 0.1..0.9 step 0.2 or 2..6 or 1e-4..1e-2 log 5"
_RANGE = re.compile(r"(?P<low>\S+?)\s*\.\.\s*(?P<high>\S+)(?:\s+(?P<word>\w+)\s+(?P<by>\S+))?")


def parse_values(name: str, text: str) -> tuple[Any, ...]:
    """The values that the text gives the setting of that name, in order, each within bounds.

    ``parse_values("schedule.factor", "0.1..0.5 step 0.2, 0.8")`` is ``(0.1, 0.3, 0.5, 0.8)``. Raises ConfigError in one sentence
    that begins with the setting: no such one, no value, one that it cannot take, a malformed range, a value twice.
    """
    field = find_field(name)
    if len(text) > MAX_TEXT:
        raise ConfigError(f"{name}: a list of values has at most {MAX_TEXT} characters")
    items = [item.strip() for item in re.split(r"[,;\n]", text) if item.strip()]
    return check_values(field, [value for item in items for value in _values(field, item)])


def check_values(field: ConfigField, values: Iterable[Any]) -> tuple[Any, ...]:
    """The values as the field's type, in order.

    Raises ConfigError for none, for too many, for one out of bounds, and for one that stands there twice.
    """
    valid = [field.check(value) for value in values]
    if not valid:
        raise ConfigError(f"{field.name} needs a value: it takes {field.bounds}")
    if len(valid) > MAX_VALUES:
        raise ConfigError(f"{field.name} has {len(valid):,} values: a sweep takes at most {MAX_VALUES}")
    twice = next((value for number, value in enumerate(valid) if value in valid[:number]), None)
    if twice is not None:
        raise ConfigError(f"{field.name} has {format_value(twice)} twice: write each value once")
    return tuple(valid)


def format_value(value: Any) -> str:
    """A value as `parse_values` reads it back: ``0.8``, ``0.00001``, ``on``."""
    if isinstance(value, bool):
        return "on" if value else "off"
    text = str(value)
    short = setting_number(value, DIGITS) if isinstance(value, float) and "e-" in text else text
    return short if short == text or float(short) == value else text


def _values(field: ConfigField, item: str) -> list[Any]:
    if field.kind == "text":
        return [item]
    match = _RANGE.fullmatch(item) if field.kind in ("int", "float") else None
    if match is None:
        return list(item.split())
    low, high = (field.check(match[end]) for end in ("low", "high"))
    if not low < high:
        raise ConfigError(f"{field.name}: {item} is not a range: write the smaller end first")
    word, by = match["word"], match["by"]
    if word is None and field.kind == "int":
        word, by = "step", "1"
    if word == "step":
        return _steps(field, low, high, by, item)
    if word == "log":
        return _logarithmic(field, low, high, by, item)
    raise ConfigError(
        f"{field.name}: {item} does not say which values: write {low}..{high} step 0.1, or log 5 at its end"
    )


def _steps(field: ConfigField, low: float, high: float, by: str, item: str) -> list[Any]:
    """low, low + by, … up to high, in decimal arithmetic: 0.1 + 2 × 0.1 is 0.3."""
    first, last, step = (Decimal(repr(value)) for value in (low, high, _number(by)))
    if not (step.is_finite() and step > 0):
        raise ConfigError(f"{field.name}: the step of {item} must be a number above 0")
    if (last - first) / step >= MAX_VALUES:
        raise ConfigError(f"{field.name}: {item} has more than {MAX_VALUES} values: choose a larger step")
    exact = [first + number * step for number in range(int((last - first) / step) + 1)]
    return [int(value) if field.kind == "int" and value == int(value) else float(value) for value in exact]


def _logarithmic(field: ConfigField, low: float, high: float, by: str, item: str) -> list[Any]:
    """So many values from low to high, both included, evenly by their logarithm; six digits."""
    if not (re.fullmatch(r"[0-9]{1,9}", by) and 2 <= int(by) <= MAX_VALUES):
        raise ConfigError(f"{field.name}: {item} needs a number of values from 2 to {MAX_VALUES} after log")
    if low <= 0:
        raise ConfigError(f"{field.name}: {item} begins at {low:g}: a log range begins above 0")
    last = int(by) - 1
    shares = [number / last for number in range(1, last)]
    between = [math.exp(math.log(low) * (1 - share) + math.log(high) * share) for share in shares]
    return [low, *(round(v) if field.kind == "int" else float(f"{v:.6g}") for v in between), high]


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
