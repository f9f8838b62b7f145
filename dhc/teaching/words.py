"""The lessons' words in each language, one file each: ``en.toml``, ``ro.toml``."""

from __future__ import annotations

import string
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from numbers import Real
from pathlib import Path
from typing import Any, Final

from dhc.teaching.fact import Facts, Value

LANGUAGES: Final = {"en": "English", "ro": "Română"}
COMMA: Final = {"ro"}  # languages that write 3,5
FOLDER: Final = Path(__file__).parent
COMMON: Final = "common"  # in the files: what every lesson's screen says


class _Numbers(string.Formatter):
    """Fills braces; numbers with a true minus and the language's decimal sign."""

    def __init__(self, language: str) -> None:
        self.language = language

    def format_field(self, value: Any, format_spec: str) -> str:
        """A value as text."""
        text = str(super().format_field(value, format_spec))
        is_number = isinstance(value, Real)  # one of NumPy, too
        if not is_number:
            return text
        text = text.replace("-", "−", 1) if text.startswith("-") else text
        return text.translate({ord("."): ",", ord(","): "."}) if self.language in COMMA else text


@dataclass(frozen=True)
class Words:
    """What a lesson says in one language.

    idea: three or four sentences in Markdown. report: where it stands in the report's network. question, and why its right
    answer is right. options: the answers to choose from, () where a number is asked for.
    """

    language: str
    title: str
    idea: str
    report: str
    question: str
    why: str
    options: tuple[str, ...]
    labels: Mapping[str, str]

    def __call__(self, label: str, /, **values: Value) -> str:
        """What stands on the lesson's screen under this name. Raises KeyError for a name or a value that is not there."""
        return filled(self.labels[label], self.language, values)

    def with_facts(self, facts: Facts) -> Words:
        """The words with the numbers in their text."""
        texts = {name: filled(getattr(self, name), self.language, facts.values) for name in TEXTS}
        options = tuple(filled(option, self.language, facts.values) for option in self.options)
        return Words(self.language, self.title, **texts, options=options, labels=self.labels)


TEXTS: Final = ("idea", "report", "question", "why")


def filled(text: str, language: str, values: Mapping[str, Value]) -> str:
    """A text with the values in its braces. Raises KeyError for one that is not there."""
    return _Numbers(language).vformat(text, (), values)


def words(language: str, lesson: str) -> Words:
    """What `lesson` says in `language`. Raises KeyError where either does not exist."""
    entry = file_of(language)[lesson]
    texts = {name: entry[name].strip() for name in TEXTS}
    options: Sequence[str] = entry.get("options", ())
    return Words(language, entry["title"], **texts, options=tuple(options), labels=entry.get("labels", {}))


@dataclass(frozen=True)
class Labels:
    """What one screen says in one language, by name."""

    language: str
    texts: Mapping[str, str]

    def __call__(self, label: str, /, **values: Value) -> str:
        """What stands under this name, with these values. Raises KeyError for a name or a value that is not there."""
        return filled(self.texts[label], self.language, values)


def labels(language: str, part: str) -> Labels:
    """What a part of the language's file that is no lesson says: ``walk``, ``story``, ``teach``. Raises KeyError without it."""
    return Labels(language, file_of(language)[part])


def common(language: str, label: str, /, **values: Value) -> str:
    """What every lesson's screen says under this name."""
    return labels(language, COMMON)(label, **values)


@cache
def file_of(language: str) -> dict[str, Any]:
    """All words of a language, by lesson. Raises KeyError for another language."""
    if language not in LANGUAGES:
        raise KeyError(language)
    return tomllib.loads((FOLDER / f"{language}.toml").read_text(encoding="utf-8"))
