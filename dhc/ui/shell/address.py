"""What stands in a page's address, so that a view can be sent to someone: read with distrust, written explicitly.

Anything may stand there; what does not fit is said once, taken out, and counts as not there. A default is never written,
so addresses stay short.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import TypeVar

import streamlit as st

from dhc.text import shorten
from dhc.ui.shell.markdown import plain

T = TypeVar("T")
LONGEST = 40  # characters of a foreign value that are quoted

_DIGITS = re.compile(r"[0-9]{1,9}", re.ASCII)
_DECIMAL = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?", re.ASCII)


def integer(name: str, *, low: int, high: int) -> int | None:
    """The parameter `name` as a number from `low` to `high`, both included; None where it is anything else."""
    text = st.query_params.get(name, "")
    return _said(name, text, _within(text, low, high))


def pair(name: str, *, below: int) -> tuple[int, int] | None:
    """The parameter `name`, written "3,17", as two numbers from 0 to below - 1; None where it is anything else."""
    text = st.query_params.get(name, "")
    first, _, second = text.partition(",")
    i, j = _within(first, 0, below - 1), _within(second, 0, below - 1)
    return _said(name, text, None if i is None or j is None else (i, j))


def number(name: str, default: float, *, low: float, high: float) -> float:
    """The parameter `name` as a finite number from `low` to `high`; `default` where it is anything else."""
    text = st.query_params.get(name, "")
    value = float(text) if _DECIMAL.fullmatch(text) else math.nan
    found = _said(name, text, value if low <= value <= high else None)
    return default if found is None else found


def choice(name: str, options: Sequence[str], default: str) -> str:
    """The parameter `name` where it is one of `options`, else `default`."""
    text = st.query_params.get(name, "")
    return _said(name, text, text if text in options else None) or default


def put(**values: str | int | None) -> None:
    """Write parameters into the address, at once; None takes one out. Others stay as they are."""
    for name, value in values.items():
        if value is None:
            st.query_params.pop(name, None)
        elif st.query_params.get(name) != str(value):
            st.query_params[name] = str(value)


def _within(text: str, low: int, high: int) -> int | None:
    if not _DIGITS.fullmatch(text):
        return None
    value = int(text)
    return value if low <= value <= high else None


def _said(name: str, text: str, found: T | None) -> T | None:
    """What was found in `text`; where that is nothing although there is a text, it is said and leaves the address."""
    if found is None and text:
        st.query_params.pop(name, None)
        asked = plain(f"{name} = “{shorten(text, LONGEST)}”")
        st.toast(f"The address asks for {asked}, which is not to be had here: passed over.", icon=":material/link_off:")
    return found
