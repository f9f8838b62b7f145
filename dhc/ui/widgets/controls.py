"""Controls that several screens draw alike: a few values side by side, and the pages of a long list."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st


def segments(
    label: str,
    titles: Mapping[Any, str],
    *,
    key: str,
    on_change: Callable[..., None],
    args: tuple[Any, ...] = (),
    help: str | None = None,
    bare: bool = False,
) -> None:
    """Draw the keys of ``titles`` under their titles; the chosen one stands in the session state under ``key``.

    ``on_change(*args)`` is called when another one is chosen. ``bare`` leaves out the label above the buttons.
    """
    st.segmented_control(
        label,
        list(titles),
        key=key,
        format_func=titles.__getitem__,
        required=True,
        on_change=on_change,
        args=args,
        help=help,
        label_visibility="collapsed" if bare else "visible",
    )


def pager(pages: int, page: int, *, key: str, turn: Callable[[int], None]) -> None:
    """Buttons for the pages 1 to `pages` with `page` open; `turn` is called with another one. Draws nothing for a single page."""
    if pages < 2:
        return
    # A page that changed elsewhere (another pager, a filter, the address) must show here too, and a pagination takes its
    # value only when it is new: so it is a new one for each page.
    own_key = f"{key}_{pages}_{page}"
    st.pagination(pages, default=page, key=own_key, on_change=lambda: turn(st.session_state[own_key]))
