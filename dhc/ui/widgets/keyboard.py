"""Keys of a page: each clicks what is named for it."""

from __future__ import annotations

from collections.abc import Mapping

from dhc.ui.widgets import assets


def keyboard(targets: Mapping[str, str], *, key: str) -> None:
    """Listen on the whole page: a key clicks the first element of its CSS selector, if there is one.

    ``targets`` goes from the browser's name of a key, such as ``"p"`` or ``"Escape"``, to a selector. Keys with Ctrl, Alt or
    Meta are left alone, and so are those that a text field, a list, a slider, a table, a dialog or a menu has a use for.
    """
    assets.component("keyboard", isolate_styles=False)(key=key, data={"targets": dict(targets)})
