"""The keys of the screens: one table, from which the browser takes what to do and `?` and docs/keys.md what to say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final
from urllib.parse import parse_qsl

import streamlit as st

from dhc.ui.shell import address, glossary
from dhc.ui.widgets.keyboard import keyboard

KEY: Final = "dhc-keys"


@dataclass(frozen=True)
class Key:
    """A key, what it does, and where.

    shown: as on a keyboard. code: the browser's name of it, for a key of every page. target: CSS selector of what such a key
    clicks. once: one of these counts in a blink. Keys without code belong to the widget that has the focus, which obeys
    them itself.
    """

    shown: str
    effect: str
    place: str
    code: str = ""
    target: str = ""
    once: bool = False


EVERYWHERE: Final = "every page"
PRESENT: Final = "Present"
REVIEW: Final = "Review"
LESSONS: Final = "Lessons, the story"
KEYS: Final = (
    Key("?", "Show these keys", EVERYWHERE, "?", f".st-key-{KEY} button"),
    Key("g", "Open the glossary", EVERYWHERE, "g", f".st-key-{glossary.KEY} button"),
    Key("p", "Present: one figure fills the window; again: leave", EVERYWHERE, "p", ".st-key-dhc-present button"),
    Key("Esc", "Leave Present", PRESENT, "Escape", ":root.dhc-present .st-key-dhc-present button"),
    Key("→", "The next figure of the page", PRESENT, "ArrowRight", ":root.dhc-present .dhc-stage-next"),
    Key("←", "The figure before", PRESENT, "ArrowLeft", ":root.dhc-present .dhc-stage-before"),
    Key("k", "Keep: the label is right", REVIEW, "k", ".st-key-dhc-review-keep button", once=True),
    Key(
        "o",
        "The other label, which the network proposes",
        REVIEW,
        "o",
        ".st-key-dhc-review-relabel .stButton button",  # not that of the box beside it
        once=True,
    ),
    Key("x", "Leave the picture out", REVIEW, "x", ".st-key-dhc-review-leave-out button", once=True),
    Key("u", "Unsure", REVIEW, "u", ".st-key-dhc-review-unsure button", once=True),
    Key("z", "Take back the last mark", REVIEW, "z", ".st-key-dhc-review-undo button"),
    Key("→", "The next picture", REVIEW, "ArrowRight", ".st-key-dhc-review-next button"),
    Key("←", "The picture before", REVIEW, "ArrowLeft", ".st-key-dhc-review-back button"),
    Key("n", "The next lesson, the next step of the story", LESSONS, "n", ".dhc-course-next"),
    Key("b", "Back: the lesson before", LESSONS, "b", ".dhc-course-previous"),
    Key("c", "Contents: all lessons", LESSONS, "c", ".dhc-course-contents"),
    Key("← →", "The picture before, the next", "a large picture"),
    Key("Esc", "Close", "a large picture, a menu"),
    Key("← → ↑ ↓", "Go from picture to picture", "a grid of pictures"),
    Key("Home, End", "The first picture, the last", "a grid of pictures"),
    Key("Enter, Space", "Open the picture", "a grid of pictures"),
    Key("Ctrl+V", "Paste a picture that was copied", "Predict"),
    Key("← → ↑ ↓", "Go to the next layer, map or place", "Walk"),
    Key("Page Up, Page Down", "The layer or the map before, the next", "Walk, near"),
    Key("Enter, Esc", "Go closer, go back", "Walk"),
    Key("← → ↑ ↓", "Go from cell to cell", "the table of runs"),
    Key("Space", "Select the run, or no longer", "the table of runs"),
    Key("Enter", "Open the run", "the table of runs"),
    Key("Esc, Tab", "Leave the table", "the table of runs"),
)


def rows() -> Iterator[str]:
    """The table in Markdown, line by line."""
    yield "| key | what it does | where |"
    yield "|---|---|---|"
    for key in KEYS:
        yield f"| **{key.shown}** | {key.effect} | {key.place} |"


def listen() -> str | None:
    """Let the browser listen for the keys of every page; not while someone types, nor in a table or a dialog.

    It also takes a click on a link in our texts, which would open another tab: to a term of the glossary, which opens, or to
    another page, such as ``lessons?lesson=dropout``, which is returned.
    """
    link = keyboard(
        _targets(), key="dhc-keyboard", parameter=glossary.TERM, once=[key.code for key in KEYS if key.once]
    )
    if link is None or not link.startswith("?"):
        return link
    address.put(**{glossary.TERM: dict(parse_qsl(link[1:])).get(glossary.TERM)})
    return None


@cache
def _targets() -> dict[str, str]:
    """What each key clicks: the first that is there of those that it is for, in the order of the page."""
    targets: dict[str, list[str]] = {}
    for key in KEYS:
        if key.code:
            targets.setdefault(key.code, []).append(key.target)
    return {code: ", ".join(of_key) for code, of_key in targets.items()}


def menu() -> None:
    """The button that lists the keys."""
    help_text = "Keys (?)"
    with st.popover("", icon=":material/keyboard:", type="tertiary", help=help_text, key=KEY):
        st.markdown(_text())


@cache
def _text() -> str:
    return "\n".join(rows())
