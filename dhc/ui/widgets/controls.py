"""Controls that several screens draw alike: a few values side by side, a class, pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from dhc.text import signed_points


def segments(
    label: str, titles: Mapping[Any, str], *, help: str | None = None, bare: bool = False, **binding: Any
) -> Any:
    """Draw the keys of ``titles`` under their titles; returns the chosen one, never None.

    binding: the widget's ``key``, ``on_change`` and ``args``, for instance from ``address.bound_choice``. ``bare`` leaves
    out the label above the buttons.
    """
    return st.segmented_control(
        label,
        format_func=titles.__getitem__,
        required=True,
        help=help,
        label_visibility="collapsed" if bare else "visible",
        **{"options": list(titles)} | binding,
    )


def class_box(label: str, classes: int, *, name: Callable[[int], str], key: str, on_change: Callable[[], None]) -> None:
    """A box with the classes 0 to `classes` - 1 under their names, or any of them: None."""
    st.selectbox(
        label, range(classes), index=None, key=key, placeholder="any class", format_func=name, on_change=on_change
    )


def pager(pages: int, page: int, *, key: str, turn: Callable[[int], None]) -> None:
    """Buttons for the pages 1 to `pages`, with `page` open; nothing for a single page.

    `turn` is called with the number of another one.
    """
    if pages < 2:
        return
    # A page that changed elsewhere (another pager, a filter, the address) must show here too, and a pagination takes its
    # value only when it is new: so it is a new one for each page.
    own_key = f"{key}_{pages}_{page}"
    st.pagination(pages, default=page, key=own_key, on_change=lambda: turn(st.session_state[own_key]))


def points_delta(share: float) -> dict[str, Any]:
    """Keyword arguments with which `st.metric` shows a difference of accuracies; it takes only a hyphen for a minus."""
    text = signed_points(share)
    arrow, color = {"+": ("up", "green"), "−": ("down", "red")}.get(text[0], ("off", "gray"))
    return {"delta": f"{text} points", "delta_arrow": arrow, "delta_color": color}
