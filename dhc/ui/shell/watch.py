"""Parts of a page that update themselves, without running the page again."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import streamlit as st

from dhc.ui.shell import session, sharing
from dhc.ui.shell.states import guard

T = TypeVar("T")


def watch(
    read: Callable[[], T],
    draw: Callable[[T], object],
    *,
    every: float,
    alive: Callable[[T], bool],
    page: Callable[[T], object] | None = None,
    key: str | None = None,
) -> None:
    """Draw what `read` returns; while that is `alive`, do so again every `every` seconds.

    The whole page runs again when `alive` changes, since Streamlit sets the pace only then, and when `page` changes: what
    the rest of the page depends on, compared with ==. `key` becomes the CSS class ``st-key-<key>`` of the container.
    A read-only view has many who look, and takes its time: `sharing.TICK`. Exceptions are shown as `states.guard` shows them.
    """
    state = page or alive
    first: list[T] = [read()]
    live, before = alive(first[0]), state(first[0])

    pace = max(every, sharing.TICK) if sharing.is_read_only() else every

    @st.fragment(run_every=pace if live else None)
    def body() -> None:
        with guard(), st.container(key=key):
            if not first:  # this part runs alone; when the page runs, it has been read just now
                session.take_snapshot()
            current = first.pop() if first else read()
            if alive(current) is not live or state(current) != before:
                st.rerun(scope="app")
            draw(current)

    body()
