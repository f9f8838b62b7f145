"""The curve coach: rules that a teacher can edit (``coach.toml``) → marks on a run's curves.

Each mark has its lesson and, where the rule has one for this run, a change to try.
"""

from __future__ import annotations

import inspect
import math
import re
import tomllib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from dhc.analysis.case import Case, Detection
from dhc.analysis.detectors import DETECTORS
from dhc.analysis.differences import value_text
from dhc.config import ConfigField, RunConfig, fields, find_field
from dhc.errors import ConfigError, RulesError

RULES = Path(__file__).with_name("coach.toml")
EXPRESSION = re.compile(r"(multiply|add|set) (\S+)")


class Rule(BaseModel):
    """One rule as the file holds it; ``coach.toml`` explains each part."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(min_length=1, max_length=60)
    title: str = Field(min_length=1, max_length=80)
    look_for: str
    numbers: dict[str, float] = Field(default={}, alias="with")
    lesson: str = Field(max_length=600)
    source: str = Field(default="", max_length=200, pattern=r"^$|^.+, https://[^\s()\[\]<>]+$")
    tries: tuple[dict[str, str], ...] = Field(default=(), alias="try")

    @field_validator("look_for")
    @classmethod
    def _is_a_detector(cls, name: str) -> str:
        if name not in DETECTORS:
            raise ValueError(f"there is no {name!r}; there are {', '.join(DETECTORS)}")
        return name

    @field_validator("tries")
    @classmethod
    def _are_changes(cls, tries: tuple[dict[str, str], ...]) -> tuple[dict[str, str], ...]:
        for name, expression in (pair for changes in tries for pair in changes.items()):
            _check(name, expression)
        return tries

    @model_validator(mode="after")
    def _fit_the_detector(self) -> Rule:
        takes = inspect.signature(DETECTORS[self.look_for]).parameters
        for name, value in self.numbers.items():
            if name not in takes or name == "case":
                raise ValueError(f"{self.look_for} takes {', '.join(list(takes)[1:])}, not {name!r}")
            whole = takes[name].annotation == "int"
            if not 0 < value <= 1_000_000 or (whole and value != int(value)):
                raise ValueError(f"{name} must be {'a whole number' if whole else 'a number'} above 0, not {value:g}")
        return self

    @property
    def arguments(self) -> Mapping[str, int | float]:
        """The numbers as its detector takes them: whole ones as int."""
        return {name: int(value) if value == int(value) else value for name, value in self.numbers.items()}


@dataclass(frozen=True)
class Change:
    """One setting of the suggested run."""

    name: str
    before: Any
    after: Any

    @property
    def text(self) -> str:
        """conv_dropout 0.6 → 0.4; augment off → input."""
        section, _, key = self.name.partition(".")
        title = section if key in ("name", "where") else key
        return f"{title} {value_text(self.before, self.name)} → {value_text(self.after, self.name)}"


@dataclass(frozen=True)
class Mark:
    """What a rule found in a run's curves.

    number            counts the run's marks from 1, in the order of their first epoch
    epochs            1-based, where the mark stands on the curve
    sentence          the figures that made the rule fire, without a full stop
    source            who says so, and where: "Karpathy, https://…"; "" for none
    changes, config   the change to try and the whole config with it; () and None where the rule has none for this run
    """

    number: int
    rule: str
    title: str
    epochs: tuple[int, ...]
    sentence: str
    lesson: str
    source: str = ""
    changes: tuple[Change, ...] = ()
    config: RunConfig | None = None

    @property
    def suggestion(self) -> str:
        """The change in words, "" for none."""
        return ", ".join(change.text for change in self.changes)


def read_rules(text: str) -> tuple[Rule, ...]:
    """The rules in a file's text. Raises RulesError in one sentence."""
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # of a number of 5,000 digits and of 1,000 brackets, too
        raise RulesError(f"{RULES.name} is not readable as TOML: {error}") from None
    tables = document.pop("rule", [])
    if document or not isinstance(tables, list):
        others = ", ".join(sorted(document)) or "rule"
        raise RulesError(f"{RULES.name} may only hold [[rule]] tables, not {others}")
    rules = tuple(_rule(number, table) for number, table in enumerate(tables, start=1))
    counts = Counter(rule.id for rule in rules)
    for rule_id, count in counts.items():
        if count > 1:
            raise RulesError(f"{RULES.name} has two rules of the id {rule_id!r}: give one of them another")
    return rules


def marks(case: Case, rules: tuple[Rule, ...]) -> tuple[Mark, ...]:
    """What the rules find in a run's curves, by first epoch; nothing without a network."""
    if not case.config.trains_network:
        return ()
    pairs = [(rule, detection) for rule in rules if (detection := DETECTORS[rule.look_for](case, **rule.arguments))]
    pairs.sort(key=lambda pair: pair[1].epochs[0])
    return tuple(_mark(number, case.config, *pair) for number, pair in enumerate(pairs, start=1))


def _mark(number: int, config: RunConfig, rule: Rule, detection: Detection) -> Mark:
    after = suggestion(config, rule.tries)
    return Mark(
        number=number,
        rule=rule.id,
        title=rule.title,
        epochs=detection.epochs,
        sentence=detection.sentence,
        lesson=rule.lesson,
        source=rule.source,
        changes=() if after is None else changes(config, after),
        config=after,
    )


def suggestion(config: RunConfig, tries: tuple[dict[str, str], ...]) -> RunConfig | None:
    """The config with the first of the tries that changes anything in it; None where none does."""
    for expressions in tries:
        after = config
        try:
            for name, expression in expressions.items():
                if after.uses(name):
                    after = after.with_values({name: apply(expression, find_field(name), after.get(name))})
        except ConfigError:
            continue  # settings that do not go together in this run
        if after != config:
            return after
    return None


def changes(before: RunConfig, after: RunConfig) -> tuple[Change, ...]:
    """The settings in which the second config differs from the first."""
    pairs = ((field.name, before.get(field.name), after.get(field.name)) for field in fields())
    return tuple(Change(name, old, new) for name, old, new in pairs if old != new)


def apply(expression: str, field: ConfigField, value: Any) -> Any:
    """The value after ``add``, ``multiply`` or ``set``: ``"add -0.2"`` to 0.6 is 0.4.

    A number stays within the field's bounds; ``set`` reads the word as the field does.
    """
    verb, operand = _parts(expression)
    if verb == "set":
        return field.parse(operand)
    number = value * float(operand) if verb == "multiply" else value + float(operand)
    number = float(f"{_within(field, number):.6g}")  # not 0.39999999999999997
    return round(number) if field.kind == "int" else number


def _within(field: ConfigField, number: float) -> float:
    """The nearest number that the field takes, a step inside a bound that it excludes."""
    step = field.step or 1e-6
    if field.low is not None and (number < field.low or (field.low_open and number == field.low)):
        return field.low + (step if field.low_open else 0)
    if field.high is not None and (number > field.high or (field.high_open and number == field.high)):
        return field.high - (step if field.high_open else 0)
    return number


def _check(name: str, expression: str) -> None:
    """Raise ValueError for a setting that does not exist or cannot take the change."""
    verb, operand = _parts(expression)
    field = find_field(name)
    if verb == "set":
        RunConfig().with_values({name: operand})
    elif field.kind not in ("int", "float"):
        raise ValueError(f"{name} is not a number: write set and one of {field.bounds}")
    elif not _is_number(operand):
        raise ValueError(f"{expression!r} of {name} needs a number after {verb}")


def _parts(expression: str) -> tuple[str, str]:
    match = EXPRESSION.fullmatch(expression)
    if match is None:
        raise ValueError(f'{expression!r} is not a change: write "multiply 0.5", "add -0.2" or "set input"')
    return match[1], match[2]


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _rule(number: int, rule: Any) -> Rule:
    try:
        return Rule.model_validate(rule)
    except ValidationError as error:
        first = error.errors()[0]
        where = " ".join(str(part) for part in first["loc"][:1])
        name = f" ({rule['id']})" if isinstance(rule, dict) and isinstance(rule.get("id"), str) else ""
        what = str(first["msg"]).removeprefix("Value error, ")
        raise RulesError(f"{RULES.name}, rule {number}{name}{f', {where}' if where else ''}: {what}") from None
