"""Which part of a page fills the window while it is presented."""

from __future__ import annotations

from dhc.ui.widgets import assets


def stage(*, key: str, page: str, presented: bool, first: str, others: str, place: int) -> int | None:
    """While ``presented``, enlarge one part of ``page``, with buttons to choose another; return the place chosen in THIS run.

    The parts are what the CSS selector ``first`` finds, then ``others``, then the whole page; without a ``first`` the whole page
    comes at the beginning. ``place`` is the one to begin with, from 0. On the document's root stand the classes
    ``dhc-present`` while presented and ``dhc-large`` while a part fills the window, on that part ``data-dhc-large``.
    """
    result = assets.component("stage", isolate_styles=False)(
        key=key,
        data={"page": page, "presented": presented, "first": first, "others": others, "place": place},
        on_place_change=_rerun,
    )
    chosen = result.get("place")
    return chosen if isinstance(chosen, int) and chosen >= 0 else None


def _rerun() -> None:
    """Registered so that a choice starts a rerun; the page reads the returned value."""
