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
from dhc.errors import ConfigError

MOST_ERRORS = 5  # that one sentence names
Conditions = tuple[
    tuple[str, str, tuple[str, ...]], ...
]  # section and key of another setting, with the values that it must have


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
        find_field(name)
        return self._meets(_conditions()[name])

    def _meets(self, conditions: Conditions) -> bool:
        return not conditions or all(
            str(getattr(getattr(self, section), key)) in good for section, key, good in conditions
        )

    def effective_settings(self) -> dict[str, Any]:
        """Each setting that has an effect by dotted name, in field order."""
        return {name: self.get(name) for name, conditions in _conditions().items() if self._meets(conditions)}

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
        describe(section, key, info)
        for section, holder in RunConfig.model_fields.items()
        if isinstance(holder.annotation, type) and issubclass(holder.annotation, Section)
        for key, info in holder.annotation.model_fields.items()
    )


@functools.cache
def _fields_by_name() -> dict[str, ConfigField]:
    return {field.name: field for field in fields()}


@functools.cache
def _conditions() -> dict[str, Conditions]:
    """Of each setting, by its dotted name, under what it has an effect."""
    return {name: tuple(map(_condition, field.when.items())) for name, field in _fields_by_name().items()}


def _condition(item: tuple[str, tuple[str, ...]]) -> tuple[str, str, tuple[str, ...]]:
    section, _, key = item[0].partition(".")
    return section, key, item[1]


def find_field(name: str) -> ConfigField:
    """The field of a dotted name; raises ConfigError, which lists the good names."""
    every = _fields_by_name()
    if name not in every:
        raise ConfigError(f"there is no setting {quoted(name)}; the settings are {', '.join(every)}")
    return every[name]


def differences(configs: Iterable[RunConfig]) -> tuple[str, ...]:
    """Dotted names on which the configs do not all agree, in field order."""
    every = list(configs)
    sections = {field.section for field in fields()}
    distinct = {name: {getattr(config, name) for config in every} for name in sections}  # few, of a thousand configs
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
