"""Settings in the words of a form: titles instead of dotted names, ranges instead of inequalities."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import Any

from dhc.config.knob import ConfigField
from dhc.config.run import RunConfig, fields, find_field
from dhc.errors import ConfigError


def names_in(sentence: str) -> tuple[str, ...]:
    """The dotted names of the settings that a sentence mentions, each once, in its order."""
    return tuple(dict.fromkeys(_pattern().findall(sentence)))


def in_titles(sentence: str) -> str:
    """The sentence with each setting called as a form calls it: ``LR factor`` for ``schedule.factor``."""
    return _pattern().sub(lambda match: find_field(match[0]).title, sentence)


def wish(field: ConfigField) -> str:
    """What a field takes, after its title: ``Dropout after each conv group: 0 to below 1``."""
    return f"{field.title}: {_takes(field)}"


def problems(values: Mapping[str, Any]) -> dict[str, str]:
    """What is wrong with a form's values: a sentence by dotted name, at each setting that it speaks of.

    `values` are by dotted name; a setting that is left out has its default. {} where they make a config.
    """
    wrong = {name: wish(find_field(name)) for name, value in values.items() if not _is_accepted(name, value)}
    try:
        RunConfig().with_values({name: value for name, value in values.items() if name not in wrong})
    except ConfigError as error:
        sentence = str(error)
        wrong |= {name: in_titles(sentence) for name in names_in(sentence) if name not in wrong}
        assert wrong, sentence
    return wrong


def _is_accepted(name: str, value: Any) -> bool:
    """Whether a setting takes the value, whatever the other ones are."""
    try:
        find_field(name).check(value)
        if find_field(name).kind == "text":  # it has a pattern or a length, which only the config knows
            RunConfig().with_values({name: value})
    except ConfigError:
        return False
    return True


@functools.cache
def _pattern() -> re.Pattern[str]:
    names = "|".join(re.escape(field.name) for field in fields())
    return re.compile(rf"(?<![\w./\\-])(?:{names})(?![\w/\\-])")


def _takes(field: ConfigField) -> str:
    if field.kind == "choice":
        return f"one of {', '.join(field.choices)}"
    if field.kind in ("bool", "text"):
        return "on or off" if field.kind == "bool" else field.takes
    low = "" if field.low is None else f"{'above ' if field.low_open else ''}{_number(field, field.low)}"
    high = "" if field.high is None else f"{'below ' if field.high_open else ''}{_number(field, field.high)}"
    between = " to " if not field.low_open else " and " if field.high_open else " up to "
    return f"{low}{between if low and high else ''}{high}" or "a number"


def _number(field: ConfigField, bound: float) -> str:
    return f"{bound:,.0f}" if field.kind == "int" else f"{bound:g}"
