"""What stands in a page's address, so that a view can be sent to someone: read with distrust, written explicitly.

Anything may stand there; what does not fit counts as not there. A default is never written, so addresses stay short.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import streamlit as st

_DIGITS = re.compile(r"[0-9]{1,9}", re.ASCII)
_DECIMAL = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?", re.ASCII)


def integer(name: str, *, low: int, high: int) -> int | None:
    """The parameter `name` as a number from `low` to `high`, both included; None where it is anything else."""
    return _within(st.query_params.get(name, ""), low, high)


def pair(name: str, *, below: int) -> tuple[int, int] | None:
    """The parameter `name`, written "3,17", as two numbers from 0 to below - 1; None where it is anything else."""
    parts = st.query_params.get(name, "").split(",")
    if len(parts) != 2:
        return None
    first, second = (_within(part, 0, below - 1) for part in parts)
    return None if first is None or second is None else (first, second)


def number(name: str, default: float, *, low: float, high: float) -> float:
    """The parameter `name` as a finite number from `low` to `high`; `default` where it is anything else."""
    text = st.query_params.get(name, "")
    if not _DECIMAL.fullmatch(text):
        return default
    value = float(text)
    return value if math.isfinite(value) and low <= value <= high else default


def choice(name: str, options: Sequence[str], default: str) -> str:
    """The parameter `name` where it is one of `options`, else `default`."""
    text = st.query_params.get(name, default)
    return text if text in options else default


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
