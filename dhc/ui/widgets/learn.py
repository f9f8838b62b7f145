"""Links from what a person looks at to the lesson that explains it: settings, terms, the coach's marks, charts."""

from __future__ import annotations

import re
from functools import cache

from dhc.teaching.catalogue import COURSE, Lesson
from dhc.teaching.words import LANGUAGES, words

LANGUAGE = next(iter(LANGUAGES))  # that of the screens from which the links lead
_OF_RUN = re.compile(r"-\d{8}-\d{6}-.*")  # what follows a chart's name where it is of a run


@cache
def of_setting(name: str) -> str:
    """The lessons on a setting, such as ``schedule.patience``, as links in Markdown; "" without one."""
    return _links(tuple(lesson for lesson in COURSE if name in lesson.settings))


@cache
def of_term(name: str) -> str:
    """The lessons on a term of the glossary as links in Markdown; "" without one."""
    return _links(tuple(lesson for lesson in COURSE if name in lesson.terms))


@cache
def of_mark(rule: str) -> str:
    """The lessons on what a rule of the curve coach marks, as links in Markdown; "" without one."""
    return _links(tuple(lesson for lesson in COURSE if rule in lesson.marks))


def of_chart(key: str) -> list[tuple[str, str]]:
    """The lessons on the chart that `plot` draws under this key, each as (title, address); a run's id at its end does not count."""
    return _ways(_OF_RUN.sub("", key))


@cache
def _ways(chart: str) -> list[tuple[str, str]]:
    return [(title(lesson), address(lesson.name)) for lesson in COURSE if chart in lesson.charts]


def address(lesson: str) -> str:
    """Where a lesson is, relative to any of our pages."""
    return f"lessons?lesson={lesson}"


def title(lesson: Lesson) -> str:
    """What a lesson is called on the other screens."""
    return words(LANGUAGE, lesson.name).title


def _links(lessons: tuple[Lesson, ...]) -> str:
    links = ", ".join(f"[{title(lesson)}]({address(lesson.name)})" for lesson in lessons)
    return f"{'Lesson' if len(lessons) == 1 else 'Lessons'}: {links}" if links else ""
