"""RunConfig and its fields: reading, changing, comparing, and refusing in one sentence."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from pydantic import ValidationError, model_validator
from pydantic_core import ErrorDetails

from dhc.config.knob import ConfigField, describe, quoted
from dhc.config.sections import (
    WITH_FEATURES,
    AugmentConfig,
    DataConfig,
    DeviceConfig,
    FitConfig,
    KnnConfig,
    ModelConfig,
    OptimizerConfig,
    ScheduleConfig,
    Section,
)
from dhc.config.words import words_below
from dhc.errors import ConfigError

MOST_ERRORS = 5  # that one sentence names
Conditions = tuple[
    tuple[str, str, tuple[str, ...]], ...
]  # section and key of another setting, with the values that it must have

Places = tuple[tuple[str, str, str], ...]  # a setting's dotted name, its section and key


class RunConfig(Section):
    """Everything a run is asked to do; written to ``config.json`` beside its results."""

    schema_version: Literal[1] = 1
    data: DataConfig = DataConfig()
    model: ModelConfig = ModelConfig()
    knn: KnnConfig = KnnConfig()
    augment: AugmentConfig = AugmentConfig()
    optimizer: OptimizerConfig = OptimizerConfig()
    schedule: ScheduleConfig = ScheduleConfig()
    fit: FitConfig = FitConfig()
    device: DeviceConfig = DeviceConfig()

    @model_validator(mode="after")
    def _fits_together(self) -> RunConfig:
        if "\0" in self.data.path:
            raise ValueError("data.path holds a NUL character, which no path can")
        if self.uses("schedule.min_lr") and self.schedule.min_lr > self.optimizer.learning_rate:
            raise ValueError(
                f"schedule.min_lr ({self.schedule.min_lr:g}) is above optimizer.learning_rate "
                f"({self.optimizer.learning_rate:g}): lower the one or raise the other"
            )
        if self.optimizer.sam and self.trains_network and self.device.backend != "tensorflow":
            raise ValueError(
                f"optimizer.sam works with the backend tensorflow alone, not with {self.device.backend}: set device.backend to "
                "tensorflow, or optimizer.sam to 0"
            )
        if self.optimizer.lookahead and self.trains_network and not self.optimizer.ema_momentum:
            raise ValueError(
                "optimizer.lookahead goes back to an average that is not kept: set optimizer.ema_momentum above 0, such as "
                "0.5, or optimizer.lookahead to 0"
            )
        if self.augment.where == "features" and self.trains_network and self.model.name not in WITH_FEATURES:
            raise ValueError(
                f"augment.where cannot be 'features' with {self.model.name}, which has no such place in the report: "
                f"choose input or off"
            )
        return self

    @property
    def trains_network(self) -> bool:
        """Whether it trains a network; else it looks for each picture's nearest training pictures."""
        return self.model.name != "knn"

    def uses(self, name: str) -> bool:
        """Whether the setting of that dotted name has an effect, given the other ones."""
        return self._meets(_conditions(name))

    def _meets(self, conditions: Conditions) -> bool:
        return not conditions or all(
            str(getattr(getattr(self, section), key)) in good for section, key, good in conditions
        )

    def effective_settings(self) -> dict[str, Any]:
        """Each setting that has an effect by dotted name, in field order."""
        values = {section: vars(getattr(self, section)) for section in _sections()}
        return {name: values[section][key] for name, section, key in self._in_effect()}

    def names_in_effect(self) -> tuple[str, ...]:
        """The dotted names of those settings."""
        return tuple([name for name, _, _ in self._in_effect()])

    def _in_effect(self) -> Places:
        return _in_effect(tuple([str(getattr(getattr(self, section), key)) for section, key in _switches()]))

    def get(self, name: str) -> Any:
        """Value of a dotted name, e.g. ``get("fit.epochs")``."""
        section, _, key = name.partition(".")
        return getattr(getattr(self, section), key)

    def with_values(self, changes: Mapping[str, Any]) -> RunConfig:
        """A copy with dotted names replaced; texts are read as the field's type.

        Raises ConfigError, which names what is good.
        """
        values = self.model_dump()
        for name, value in changes.items():
            field = find_field(name)
            values[field.section][field.key] = field.parse(value)
        try:
            return RunConfig.model_validate(values)
        except ValidationError as error:
            raise ConfigError(_explain(error)) from None

    def to_json(self) -> str:
        """The config as indented JSON text, readable back by `from_json`."""
        return self.model_dump_json(indent=2)

    @classmethod
    def from_json(cls, text: str | bytes) -> RunConfig:
        """Read a config from JSON; raises ConfigError in one sentence for anything that is not one."""
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            raise ConfigError(_explain(error)) from None


@functools.cache
def fields() -> tuple[ConfigField, ...]:
    """Every hyperparameter, in the order of the sections."""
    return tuple(
        describe(section, key, info, words_below(holder.annotation).get(key, ""))
        for section, holder in RunConfig.model_fields.items()
        if isinstance(holder.annotation, type) and issubclass(holder.annotation, Section)
        for key, info in holder.annotation.model_fields.items()
    )


@functools.cache
def _fields_by_name() -> dict[str, ConfigField]:
    return {field.name: field for field in fields()}


@functools.cache
def _conditions(name: str) -> Conditions:
    """Under what the setting of that dotted name has an effect."""
    return tuple(map(_condition, find_field(name).when.items()))


def _condition(item: tuple[str, tuple[str, ...]]) -> tuple[str, str, tuple[str, ...]]:
    section, _, key = item[0].partition(".")
    return section, key, item[1]


@functools.cache
def _switches() -> tuple[tuple[str, str], ...]:
    """Section and key of each setting on whose value it rests whether others have an effect."""
    conditions = (condition for field in fields() for condition in _conditions(field.name))
    return tuple(dict.fromkeys((section, key) for section, key, _ in conditions))


@functools.lru_cache(maxsize=256)
def _in_effect(switches: tuple[str, ...]) -> Places:
    """Name, section and key of the settings that have an effect with such values of `_switches`."""
    values = dict(zip(_switches(), switches, strict=True))
    return tuple(
        (field.name, field.section, field.key)
        for field in fields()
        if all(values[section, key] in good for section, key, good in _conditions(field.name))
    )


@functools.cache
def _sections() -> tuple[str, ...]:
    return tuple(dict.fromkeys(field.section for field in fields()))


def one_of_each(configs: Iterable[RunConfig], name: str) -> list[RunConfig]:
    """The first of the configs with each value and effect of a setting: few of thousands, which share their sections."""
    sections = dict.fromkeys((find_field(name).section, *(section for section, _, _ in _conditions(name))))
    firsts: dict[tuple[int, ...], RunConfig] = {}
    for config in configs:
        firsts.setdefault(tuple([id(getattr(config, section)) for section in sections]), config)
    return list(firsts.values())


def find_field(name: str) -> ConfigField:
    """The field of a dotted name; raises ConfigError, which lists the good names."""
    every = _fields_by_name()
    if name not in every:
        raise ConfigError(f"there is no setting {quoted(name)}; the settings are {', '.join(every)}")
    return every[name]


def differences(configs: Iterable[RunConfig]) -> tuple[str, ...]:
    """Dotted names on which the configs do not all agree, in field order."""
    every = list(configs)
    # Few, of thousands of configs, which share their sections: comparing objects first is quick.
    one_of_each = {
        name: {id(part): part for config in every for part in [getattr(config, name)]} for name in _sections()
    }
    distinct = {name: set(parts.values()) for name, parts in one_of_each.items()}
    return tuple(f.name for f in fields() if len({getattr(s, f.key) for s in distinct[f.section]}) > 1)


def read_assignment(text: str) -> tuple[str, str]:
    """``"fit.epochs=3"`` → ``("fit.epochs", "3")``; raises ConfigError when there is no ``=``."""
    name, sign, value = text.partition("=")
    if not sign:
        raise ConfigError(f"{quoted(text)} is not a setting: write NAME=VALUE, for example fit.epochs=3")
    return name.strip(), value.strip()


def _explain(error: ValidationError) -> str:
    """A pydantic error as one sentence: each setting and what it takes, the first few of many."""
    items = error.errors()
    more = len(items) - MOST_ERRORS
    return "; ".join(map(_sentence, items[:MOST_ERRORS])) + (f"; and {more:,} more" if more > 0 else "")


def _sentence(item: ErrorDetails) -> str:
    name = _cut(".".join(str(part) for part in item["loc"]))
    field = _fields_by_name().get(name)
    if name == "schema_version":
        return f"it has the form {quoted(item['input'])}, and this version of the dashboard reads form 1"
    if item["type"] == "extra_forbidden":
        return f"there is no setting {name!r}"
    if field is None:
        message = _cut(str(item["msg"]).removeprefix("Value error, "), 300)
        return f"{name}: {message}" if name else message
    if item["type"] == "string_unicode":
        return f"{name} cannot be {quoted(item['input'])}, which is no UTF-8: rename the folder"
    return field.refusal(item["input"])


def _cut(text: str, limit: int = 80) -> str:
    """A text that anyone may have written, short enough for a sentence."""
    return text if len(text) <= limit else f"{text[:limit]}…"
