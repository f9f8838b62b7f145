"""The lessons' words: every language says the same, with the same numbers, and each number is computed."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator
from typing import Any

import pytest

from dhc.teaching.catalogue import COURSE, GROUPS, LESSONS, Lesson
from dhc.teaching.words import LANGUAGES, TEXTS, file_of, filled, words
from dhc.ui.lessons.question import number
from dhc.ui.lessons.registry import FIGURES

NAMES = re.compile(r"VGG16|\bF1\b|https?://\S+")  # names with digits, which are no numbers
LESSON = pytest.mark.parametrize("lesson", COURSE, ids=lambda lesson: lesson.name)


def texts(value: Any, place: str = "") -> Iterator[tuple[str, str]]:
    """(Where it stands, text) of every text in a file."""
    if isinstance(value, str):
        yield place, value
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in items:
        yield from texts(part, f"{place}.{name}")


def braces(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_no_sentence_is_missing_in_any_language() -> None:
    first, *others = ({place: braces(text) for place, text in texts(file_of(language))} for language in LANGUAGES)
    for other in others:
        assert other == first


def test_no_text_is_empty_and_no_language_copies_another() -> None:
    by_language = {language: dict(texts(file_of(language))) for language in LANGUAGES}
    assert all(text.strip() for said in by_language.values() for text in said.values())
    english, romanian = by_language["en"], by_language["ro"]
    same = [place for place, text in english.items() if romanian[place] == text and len(text.split()) > 3]
    assert same == []


def test_no_number_is_typed_in() -> None:
    typed = {
        place: text
        for language in LANGUAGES
        for place, text in texts(file_of(language))
        if re.search(r"\d", NAMES.sub("", re.sub(r"\{[^}]*\}", "", text)))
    }
    assert typed == {}, "compute it in dhc/teaching/facts, or let the figure fill it in"


def test_every_lesson_has_words_a_figure_and_a_group() -> None:
    assert set(LESSONS) == set(FIGURES)
    assert len(LESSONS) == len(COURSE)
    assert [lesson.group for lesson in COURSE] == sorted((lesson.group for lesson in COURSE), key=GROUPS.index)


@LESSON
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_lessons_numbers_are_all_computed(lesson: Lesson, language: str) -> None:
    said, facts = words(language, lesson.name), lesson.facts()
    filled_words = said.with_facts(facts)
    used = set().union(*(braces(getattr(said, name)) for name in TEXTS), *map(braces, said.options))
    assert used == set(facts.values)
    assert 0 <= facts.answer < len(said.options) if said.options else facts.is_right(facts.answer)
    assert "{" not in filled_words.idea


def test_romanian_writes_a_decimal_comma() -> None:
    assert filled("{x:.1f}", "ro", {"x": 3.5}) == "3,5"
    assert filled("{x:,}", "ro", {"x": 35_514_947}) == "35.514.947"
    assert filled("{x:.1f} {y}", "en", {"x": 3.5, "y": "a.b"}) == "3.5 a.b"


def test_a_negative_number_has_a_true_minus() -> None:
    assert filled("{a:g} {b:+.3f} {c}", "en", {"a": -1.0, "b": -0.25, "c": "a-b"}) == "−1 −0.250 a-b"
    assert filled("{a:+.1f}", "ro", {"a": -0.5}) == "−0,5"


def test_an_answer_may_be_written_in_per_cent() -> None:
    assert [number("33%", of=1 / 3), number("0,33", of=1 / 3)] == [0.33, 0.33]  # a share
    assert [number("99 %", of=99), number("99", of=99)] == [99, 99]  # asked for in per cent
    assert number("−1.5") == -1.5
    assert [number(text) for text in ("1/2", "3 / 4", "-1/2", "1/0", "1/2/3")] == [0.5, 0.75, -0.5, None, None]
    assert [number(text, of=50, in_percent=True) for text in ("50", "50 %", "0,5", "1/2")] == [50] * 4
    assert [number(text) for text in ("", "%", "one", "inf")] == [None] * 4
