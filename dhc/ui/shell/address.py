"""The parameters of a page's address: read with distrust, written explicitly.

So that a view can be sent to someone. Anything may stand there: a value that does not fit is reported once, removed from
the address, and counts as missing. A default is not written, so that addresses stay short.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import streamlit as st

from dhc.text import one_line, shorten
from dhc.ui.shell.markdown import plain

T = TypeVar("T")
LONGEST = 40  # characters of a foreign value that are quoted
LONGEST_TEXT = 200  # letters of what a person searches for
MOST_REFUSED = 3  # parameters that one notice names
MOST_LETTERS = 100_000  # of a parameter; no browser's address is longer

_DIGITS = re.compile(r"[0-9]{1,9}", re.ASCII)
_NUMBER = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,12})?(e-?[0-9]{1,2})?", re.ASCII)


def integer(name: str, *, low: int, high: int) -> int | None:
    """The parameter `name` as a number from `low` to `high` inclusive; None for anything else."""
    text = st.query_params.get(name, "")
    return _valid(name, text, _within(text, low, high))


def pair(name: str, *, below: int) -> tuple[int, int] | None:
    """The parameter `name`, written "3,17", as two numbers from 0 to below - 1, else None."""
    text = st.query_params.get(name, "")
    first, _, second = text.partition(",")
    i, j = _within(first, 0, below - 1), _within(second, 0, below - 1)
    return _valid(name, text, None if i is None or j is None else (i, j))


def choice(name: str, options: Sequence[str], default: str) -> str:
    """The parameter `name` where it is one of `options`, else `default`."""
    text = st.query_params.get(name, "")
    return _valid(name, text, text if text in options else None) or default


def items(name: str, options: Sequence[str], *, ordered: bool = False) -> tuple[str, ...]:
    """Those of `options`, in their order, that the parameter `name` lists, written "a,b"; `ordered`: in the list's order."""
    texts = [text.replace("%2C", ",") for text in words(name)]
    if ordered:
        return tuple(text for text in dict.fromkeys(texts) if text in options)
    return tuple(option for option in options if option in texts)


def listed(values: Sequence[str]) -> str:
    """Texts as one parameter, as `items` reads them."""
    return ",".join(value.replace(",", "%2C") for value in values)


def words(name: str) -> list[str]:
    """The texts that the parameter `name` lists, written "a,b", of as many letters as an address has."""
    return st.query_params.get(name, "")[:MOST_LETTERS].split(",")


def bound_choice(
    name: str, options: Sequence[str], default: str, *, key: str, write_default: bool = False
) -> dict[str, Any]:
    """Keyword arguments for a widget with `options` that shows and writes the parameter `name`.

    With `write_default` the default is written too, where later runs may change what the default is. Streamlit's own
    ``bind="query-params"`` would drop a value that does not fit without a word, and ignore links to the parameter.
    """
    st.session_state[key] = choice(name, options, default)
    args = (name, key, tuple(options), None if write_default else default)
    return {"options": options, "key": key, "on_change": _write_choice, "args": args}


def bound_items(
    name: str, options: Sequence[str], default: Sequence[str] = (), *, key: str, ordered: bool = False
) -> dict[str, Any]:
    """The same for a widget with several choices, at first those of `default`; `ordered`: in the order of choosing."""
    st.session_state[key] = list(items(name, options, ordered=ordered) or default)
    return {
        "options": options,
        "key": key,
        "on_change": _write_items,
        "args": (name, key, tuple(options), tuple(default), ordered),
    }


def bound_flag(name: str, *, key: str, on: str = "on", off: str = "off") -> dict[str, Any]:
    """The same for a toggle, whose parameter is `on` or, by default, `off`."""
    st.session_state[key] = choice(name, (on, off), off) == on
    return {"key": key, "on_change": _write_flag, "args": (name, key, on)}


def bound_integer(name: str, *, low: int, high: int, key: str, default: int | None = None) -> dict[str, Any]:
    """The same for a slider from `low`, which is its default where none is given, to `high`."""
    value, default = integer(name, low=low, high=high), low if default is None else default
    st.session_state[key] = default if value is None else value
    return {"min_value": low, "max_value": high, "key": key, "on_change": _write_integer, "args": (name, key, default)}


def number(name: str, *, low: float, high: float) -> float | None:
    """The parameter `name` as a number from `low` to `high` inclusive, such as "0.25" or "1e-3"; None for anything else."""
    text = st.query_params.get(name, "")
    value = float(text) if _NUMBER.fullmatch(text) else math.nan
    return _valid(name, text, value if low <= value <= high else None)


def numbers(name: str, *, count: int, low: float, high: float) -> tuple[float, ...] | None:
    """The parameter `name`, written "1.5,-2,0", as so many numbers from `low` to `high` inclusive; None for anything else."""
    text = st.query_params.get(name, "")
    parts = text.split(",", count)
    values = tuple(float(part) for part in parts if _NUMBER.fullmatch(part) and low <= float(part) <= high)
    return _valid(name, text, values if len(parts) == len(values) == count else None)


def bound_number(name: str, *, low: float, high: float, default: float, key: str) -> dict[str, Any]:
    """The same for a slider or a box with a number from `low` to `high`."""
    value = number(name, low=low, high=high)
    st.session_state[key] = float(default if value is None else value)
    args = (name, key, float(default))
    return {"min_value": float(low), "max_value": float(high), "key": key, "on_change": _write_number, "args": args}


def bound_text(name: str, *, key: str, **also: None) -> dict[str, Any]:
    """The same for a text box, whose parameter is its text; a change removes the parameters `also`, which hung on it."""
    st.session_state[key] = text(name)
    return {"key": key, "on_change": _write_text, "args": (name, key, also)}


def text(name: str) -> str:
    """The parameter `name` as a text of one line, of at most LONGEST_TEXT letters; "" where it is not there."""
    return one_line(st.query_params.get(name, ""), LONGEST_TEXT)


def put(**values: str | int | None) -> None:
    """Write parameters into the address at once, as one step back for the browser; None removes one. Others stay as they are."""
    now: dict[str, list[str]] = {name: st.query_params.get_all(name) for name in st.query_params}
    then = {name: texts for name, texts in now.items() if values.get(name, "") is not None}
    for name, value in values.items():
        if value is not None and st.query_params.get(name) != str(value):
            then[name] = [str(value)]
    if then != now:
        st.query_params.from_dict(then)


def _write_choice(name: str, key: str, options: Sequence[str], default: str | None) -> None:
    value = st.session_state[key]
    if value in options:  # a tab that meets a restarted server sends the label that it last displayed
        put(**{name: None if value == default else value})


def _write_items(name: str, key: str, options: Sequence[str], default: Sequence[str], ordered: bool) -> None:
    chosen = [value for value in st.session_state[key] if value in options]
    values = tuple(chosen if ordered else (option for option in options if option in chosen))
    put(**{name: None if values in ((), default) else listed(values)})


def _write_flag(name: str, key: str, on: str) -> None:
    put(**{name: on if st.session_state[key] else None})


def _write_integer(name: str, key: str, default: int) -> None:
    value = int(st.session_state[key])
    put(**{name: None if value == default else value})


def _write_number(name: str, key: str, default: float) -> None:
    value = st.session_state[key]
    put(**{name: None if value is None or value == default else f"{value:.6g}"})


def _write_text(name: str, key: str, also: Mapping[str, None]) -> None:
    put(**{name: one_line(st.session_state[key], LONGEST_TEXT) or None, **also})


def _within(text: str, low: int, high: int) -> int | None:
    if not _DIGITS.fullmatch(text):
        return None
    value = int(text)
    return value if low <= value <= high else None


def _valid(name: str, text: str, value: T | None) -> T | None:
    """`value` as read from `text`; a text without a value is reported and removed."""
    if value is None and text:
        refuse({name: text})
    return value


def refuse(texts: Mapping[str, str], why: str = "which does not exist here") -> None:
    """Say that these parameters, name → text, were ignored, and `why`; remove them from the address."""
    for name in texts:
        st.query_params.pop(name, None)
    first = ", ".join(f"{name} = “{shorten(text, LONGEST)}”" for name, text in list(texts.items())[:MOST_REFUSED])
    more = f" and {len(texts) - MOST_REFUSED} more" if len(texts) > MOST_REFUSED else ""
    were = "It was" if len(texts) == 1 else "They were"
    st.toast(f"The address asks for {plain(first)}{more}, {why}. {were} ignored.", icon=":material/link_off:")
