"""A course's contents, or the line from one lesson to the next; what a person has done stands in their browser's storage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from dhc.ui.widgets import assets


@dataclass(frozen=True)
class Card:
    """A lesson among the contents: its Material icon, its number as text, where its link leads, relative to the server's root."""

    name: str
    icon: str
    number: str
    title: str
    line: str
    href: str


@dataclass(frozen=True)
class Way:
    """Where a link leads, and what it says."""

    href: str
    title: str


@dataclass(frozen=True)
class Place:
    """Where a person is in a course.

    current: the name of the lesson. text: ``Lesson 3 of 28``. contents: the address of all lessons. is_done: whether its
    question was answered right just now. keeps: whether the browser is to remember that, and the lesson.
    """

    current: str
    text: str
    contents: str
    previous: Way | None = None
    next: Way | None = None
    is_done: bool = False
    keeps: bool = True


def contents(
    groups: Mapping[str, Sequence[Card]],
    course: Sequence[str],
    *,
    key: str,
    name: str,
    lang: str,
    words: Mapping[str, str],
) -> None:
    """Draw the cards of each group, with what is done of the lessons `course`, and which to go on with.

    words: ``begin`` and ``go_on``, with {title}; ``progress``, with {done} and {count}; ``done``, ``clear``, ``sure``.
    """
    parts = [{"title": title, "lessons": [asdict(card) for card in cards]} for title, cards in groups.items()]
    _draw(key, shape="cards", name=name, lang=lang, course=list(course), groups=parts, words=dict(words))


def rail(place: Place, course: Sequence[str], *, key: str, name: str, lang: str, words: Mapping[str, str]) -> None:
    """Draw the line with the ways to the contents, back and on. words: ``contents``, ``done``."""
    about = {name: value for name, value in asdict(place).items() if name not in ("text", "is_done")}
    data = {**about, "place": place.text, "done": place.is_done}
    _draw(key, shape="rail", name=name, lang=lang, course=list(course), words=dict(words), **data)


def _draw(key: str, **data: Any) -> None:
    width: Any = "content" if data["shape"] == "rail" else "stretch"
    assets.component("course", isolate_styles=False)(key=key, data=data, width=width)
