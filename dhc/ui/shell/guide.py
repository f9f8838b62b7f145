"""The guide to a tuning tool: its section of docs/tuning.md, behind a question mark.

Commands name the same sections (`dhc.cli.common.guide`).
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Final

import streamlit as st

PAGE: Final = Path(__file__).parents[3] / "docs" / "tuning.md"
_HEADING: Final = re.compile(r"^## (.+)$", re.MULTILINE)


@cache
def sections() -> dict[str, str]:
    """Anchor of each section, as links have it, and its Markdown, the heading included; empty where the app came without its docs."""
    if not PAGE.is_file():
        return {}
    _, *parts = _HEADING.split(PAGE.read_text(encoding="utf-8"))
    titles, texts = parts[::2], parts[1::2]
    return {_anchor(title): f"##### {title}\n\n{text.strip()}" for title, text in zip(titles, texts, strict=True)}


def draw(anchor: str) -> None:
    """The button that opens a section, such as ``read-the-sweep``; nothing where there is none of that name."""
    text = sections().get(anchor)
    if text is None:
        return
    popover = st.popover(
        "",
        icon=":material/help:",
        type="tertiary",
        help="What this shows and what it does not say",
        key=f"dhc_guide_{anchor}",
        on_change="rerun",
    )
    if popover.open:
        with popover:
            st.markdown(text)


def _anchor(title: str) -> str:
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")
