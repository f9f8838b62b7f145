"""Lessons on paper: a hand-out, or a sheet of their questions, as one HTML file that loads nothing from outside."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Final, Literal

from dhc.teaching.catalogue import Lesson
from dhc.teaching.fact import Facts
from dhc.teaching.words import Words, common, filled, labels, words

HERE: Final = Path(__file__).parent
Kind = Literal["hand_out", "questions", "questions_answers"]
CSP: Final = "default-src 'none'; style-src 'unsafe-inline'"


@dataclass(frozen=True)
class Item:
    """A lesson on paper: what it says with its numbers, and the right answer as text."""

    words: Words
    answer: str


def handout(lessons: Sequence[Lesson], language: str, kind: Kind, title: str = "") -> bytes:
    """The lessons' own text as HTML, UTF-8: all of it, or questions alone, or questions and then their answers.

    `title` is the class's name, shown letter for letter.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # only here, so that the server starts without it
    from markupsafe import Markup

    world = Environment(loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined)
    world.trim_blocks = world.lstrip_blocks = True
    world.filters["marked"] = lambda text: Markup(marked(text))  # noqa: S704
    text = labels(language, "teach")
    page = world.get_template("handout.html")
    items = [_item(lesson, language) for lesson in lessons]
    html = page.render(
        items=items,
        kind=kind,
        title=title,
        language=language,
        csp=CSP,
        said=text,
        report=common(language, "report"),
        question=common(language, "question"),
    )
    return html.encode()


def marked(text: str) -> str:
    """Markdown as our lessons use it (paragraphs, bold, italics, code, links as their text) as escaped HTML."""
    safe = escape(text.strip(), quote=False)
    for pattern, tag in ((r"\*\*(.+?)\*\*", "strong"), (r"\*(.+?)\*", "em"), (r"`(.+?)`", "code")):
        safe = re.sub(pattern, rf"<{tag}>\1</{tag}>", safe, flags=re.DOTALL)
    safe = re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", safe)
    return "".join(f"<p>{part.strip()}</p>" for part in re.split(r"\n\s*\n", safe))


def _item(lesson: Lesson, language: str) -> Item:
    facts = lesson.facts()
    said = words(language, lesson.name).with_facts(facts)
    return Item(said, answer_text(facts, said))


def answer_text(facts: Facts, said: Words, answer: float | None = None) -> str:
    """An answer, at first the right one, as a person reads it: the option, or the number in the language's own way."""
    value = facts.answer if answer is None else answer
    if said.options:
        return said.options[int(value)] if 0 <= value < len(said.options) else "–"
    return filled("{value:.6g}", said.language, {"value": float(value)})
