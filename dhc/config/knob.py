"""What a hyperparameter is: title, help, unit, bounds and kind, read from one `knob(...)`."""

from __future__ import annotations

import math
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field
from pydantic.fields import FieldInfo

from dhc.errors import ConfigError

Kind = Literal["int", "float", "bool", "text", "choice"]
MISSION, COMMON, RARE = 1, 2, 3  # how prominently a form shows a field


def knob(
    default: Any,
    title: str,
    *,
    short: str = "",
    unit: str = "",
    takes: str = "text",
    rank: int = RARE,
    step: float | None = None,
    log: bool = False,
    zero: str = "",
    when: Mapping[str, tuple[str, ...]] | None = None,
    **bounds: Any,
) -> Any:
    """One field of a section; what it means is the text below it.

    title   how a form calls it
    short   how a run's name calls it, in a word or two; without it, the title in small letters
    unit    of a number, in words
    takes   what a text may be, in words
    rank    how prominently a form shows it
    step    by which a form's buttons change a number
    log     whether useful values lie decades apart (a form then shows scientific notation)
    zero    what 0 means, in a word that tables show instead of it
    when    the choices elsewhere under which it has an effect, e.g. ``{"schedule.name": ("plateau",)}``; without it, always
    bounds  pydantic's: ge, gt, le, lt, pattern, …
    """
    extra: dict[str, Any] = {
        "short": short or title.lower(),
        "unit": unit,
        "takes": takes,
        "rank": rank,
        "step": step,
        "log": log,
        "zero": zero,
        "when": when or {},
    }
    return Field(default=default, title=title, json_schema_extra=extra, **bounds)


@dataclass(frozen=True)
class ConfigField:
    """One hyperparameter as a form or a table sees it: its `knob` and what its type says."""

    section: str
    key: str
    title: str
    help: str
    kind: Kind
    choices: tuple[str, ...]
    low: float | None
    high: float | None
    low_open: bool
    high_open: bool
    default: Any
    short: str
    unit: str
    takes: str
    rank: int
    step: float | None
    log: bool
    zero: str
    when: Mapping[str, tuple[str, ...]]

    @property
    def name(self) -> str:
        """Dotted name, as ``--set`` takes it."""
        return f"{self.section}.{self.key}"

    @property
    def label(self) -> str:
        """The title as a form shows it, with a unit where there is one: ``Patience (epochs)``."""
        return f"{self.title} ({self.unit})" if self.unit else self.title

    @property
    def bounds(self) -> str:
        """What the field takes, in words, e.g. ``0 ≤ x < 1`` or ``relu | leaky_relu``."""
        if self.kind == "choice":
            return " | ".join(self.choices)
        if self.kind in ("bool", "text"):
            return "true | false" if self.kind == "bool" else self.takes
        form = ".0f" if self.kind == "int" else "g"
        low = "" if self.low is None else f"{self.low:{form}} {'<' if self.low_open else '≤'} "
        high = "" if self.high is None else f" {'<' if self.high_open else '≤'} {self.high:{form}}"
        return f"{low}{'n' if self.kind == 'int' else 'x'}{high}"

    def parse(self, value: Any) -> Any:
        """Read a text as this field's type (values that are no texts pass through to validation)."""
        if not isinstance(value, str) or self.kind in ("text", "choice"):
            return value
        readers: dict[str, Any] = {"int": int, "float": float, "bool": _read_bool}
        try:
            return readers[self.kind](value.strip())
        except ValueError:
            raise ConfigError(self.refusal(value)) from None

    def check(self, value: Any) -> Any:
        """The value as this field's type; raises ConfigError for one outside the bounds or choices."""
        typed = self.parse(value)
        if not self._accepts(typed):
            raise ConfigError(self.refusal(value))
        return typed

    def refusal(self, value: Any) -> str:
        """The sentence that refuses a value, and says what the field takes."""
        return f"{self.name} cannot be {quoted(value)}: it takes {self.bounds}"

    def _accepts(self, value: Any) -> bool:
        if self.kind == "choice":
            return value in self.choices
        if self.kind in ("bool", "text"):
            return isinstance(value, bool if self.kind == "bool" else str)
        if not isinstance(value, (int, float)):
            return False
        if isinstance(value, float) and not (math.isfinite(value) and (self.kind == "float" or value.is_integer())):
            return False
        above = self.low is None or value > self.low or (value == self.low and not self.low_open)
        return above and (self.high is None or value < self.high or (value == self.high and not self.high_open))


def quoted(value: Any, limit: int = 80) -> str:
    """A value that anyone may have written, as Python has it, short enough for a sentence."""
    if isinstance(value, int) and value.bit_length() > 10 * limit:  # Python itself refuses to write a very long one
        return f"a number of {value.bit_length() * math.log10(2):,.0f} digits"
    try:
        text = repr(value)
    except ValueError:  # such a number within
        text = "what it is"
    return text if len(text) <= limit else f"{text[:limit]}…"


def _read_bool(text: str) -> bool:
    words = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
    if text.lower() not in words:
        raise ValueError(text)
    return words[text.lower()]


def describe(section: str, key: str, info: FieldInfo, words: str) -> ConfigField:
    """One field of a section, with the text below it, as a form or a table sees it."""
    kind, choices = _kind(info.annotation)
    low, low_open = _bound(info, "ge", "gt")
    high, high_open = _bound(info, "le", "lt")
    return ConfigField(
        section=section,
        key=key,
        title=info.title or key,
        help=words,
        kind=kind,
        choices=choices,
        low=low,
        high=high,
        low_open=low_open,
        high_open=high_open,
        default=info.default,
        **typing.cast("dict[str, Any]", info.json_schema_extra),
    )


def _kind(annotation: Any) -> tuple[Kind, tuple[str, ...]]:
    if typing.get_origin(annotation) is Annotated:
        annotation = typing.get_args(annotation)[0]
    if typing.get_origin(annotation) is Literal:
        return "choice", tuple(str(choice) for choice in typing.get_args(annotation))
    kinds: dict[Any, Literal["int", "float", "bool", "text"]] = {int: "int", float: "float", bool: "bool", str: "text"}
    assert annotation in kinds, annotation
    return kinds[annotation], ()


def _bound(info: FieldInfo, closed: str, open_: str) -> tuple[float | None, bool]:
    for item in info.metadata:
        for name in (closed, open_):
            if getattr(item, name, None) is not None:
                return float(getattr(item, name)), name == open_
    return None, False
