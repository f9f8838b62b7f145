"""Keys of a page, each clicking what is named for it; and links that stay on the page."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from dhc.ui.widgets import assets


def keyboard(targets: Mapping[str, str], *, key: str, parameter: str, once: Collection[str] = ()) -> str | None:
    """Listen on the whole page: a key clicks the first element of its CSS selector, if there is one.

    ``targets`` goes from the browser's name of a key, such as ``"p"`` or ``"Escape"``, to a selector. Of those in ``once`` one
    counts in a blink, so that no second press answers for what nobody has seen. Keys with Ctrl, Alt or Meta are left alone,
    and so are those that a text field, a list, a slider, a table, a dialog or a menu has a use for.
    Returns the address of a link to ``?<parameter>=…`` or to another of our pages, ``lessons?lesson=…``, if one was clicked in
    THIS run: the browser leaves it to us.
    """
    renderer = assets.component("keyboard", isolate_styles=False)
    result = renderer(
        key=key, data={"targets": dict(targets), "once": list(once), "parameter": parameter}, on_link_change=_rerun
    )
    value = result.get("link")
    return value if isinstance(value, str) and value else None


def _rerun() -> None:
    """Registered so that a click starts a rerun; the page reads the returned value."""
