"""Pasting pictures: what is pasted anywhere on a page goes to its file uploader, which takes only what is dropped or chosen."""

from __future__ import annotations

from dhc.ui.widgets import assets


def paste_into(selector: str, *, key: str) -> None:
    """Hand files that are pasted on the page to the file input below the CSS selector; to none while that is ""."""
    assets.component("paste", isolate_styles=False)(key=key, data={"target": selector})
