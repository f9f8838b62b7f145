"""The settings and results of several runs side by side, and on which settings they differ."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dhc.analysis.folders import resolved_path
from dhc.config import RunConfig, differences, fields, one_of_each
from dhc.runs.store import RunInfo
from dhc.text import setting_number

NO_EFFECT = "–"
UNKNOWN = "?"
FOLDER = "data.path"


@dataclass(frozen=True)
class Row:
    """One setting, result or circumstance of several runs.

    name     dotted name of a setting; the name alone of anything else
    title    how a person calls it
    values   one a run: a setting's value, a figure or a text; None where it has no effect or is not known
    """

    name: str
    title: str
    values: tuple[Any, ...]

    @property
    def differs(self) -> bool:
        """Whether the runs do not all agree; no effect counts as a value of its own."""
        return len({repr(value) for value in self.values}) > 1


def settings(configs: Sequence[RunConfig]) -> tuple[Row, ...]:
    """The settings that have an effect in at least one of the configs, in the form's order."""
    rows = (Row(field.name, field.title, effective_values(configs, field.name)) for field in fields())
    return tuple(row for row in rows if any(value is not None for value in row.values))


def results(runs: Sequence[RunInfo]) -> tuple[Row, ...]:
    """What the runs reached: accuracies 0 to 1, epochs, seconds of training."""
    return (
        Row("best val_accuracy", "Best val_accuracy", tuple(info.best_val_accuracy for info in runs)),
        Row("best epoch", "Best epoch", tuple(info.best_epoch for info in runs)),
        Row("gap", "Gap, accuracy − val_accuracy", tuple(info.gap for info in runs)),
        Row("epochs", "Epochs trained", tuple(info.epochs_done for info in runs)),
        Row("seconds", "Seconds of training", tuple(info.seconds for info in runs)),
    )


def circumstances(environments: Sequence[Mapping[str, str]]) -> tuple[Row, ...]:
    """The circumstances (`runs.environment`) on which runs differ; None where one has none.

    A run that says nothing at all, as one that has not begun, differs in nothing.
    """
    names = dict.fromkeys(name for environment in environments for name in environment)
    differing = [
        name for name in names if len({environment.get(name) for environment in environments if environment}) > 1
    ]
    return tuple(Row(name, name, tuple(environment.get(name) for environment in environments)) for name in differing)


def differing_settings(configs: Sequence[RunConfig]) -> tuple[str, ...]:
    """The dotted names of the settings that tell runs apart, shorter than the rows that differ.

    A setting counts if the configs in which it has an effect differ in it: where only the schedule changed, the
    settings that belong to one schedule are not named. A data folder counts as one however it was written.
    """
    values = ((name, effective_values(one_of_each(configs, name), name)) for name in differences(configs))
    return tuple(name for name, every in values if len({repr(value) for value in every if value is not None}) > 1)


def setting_text(config: RunConfig | None, name: str) -> str:
    """A setting's value as text: NO_EFFECT where it has none, UNKNOWN without a config."""
    if config is None:
        return UNKNOWN
    return value_text(effective_value(config, name), name)


def effective_value(config: RunConfig, name: str) -> Any:
    """A setting's value, None where it has no effect in this config."""
    return config.get(name) if config.uses(name) else None


def effective_values(configs: Sequence[RunConfig], name: str) -> tuple[Any, ...]:
    """A setting's value in each config; one data folder has one path, the first one written for it."""
    values = tuple(effective_value(config, name) for config in configs)
    if name != FOLDER:
        return values
    spellings: dict[str, str] = {}
    spelling = {path: spellings.setdefault(resolved_path(path), path) for path in dict.fromkeys(values)}
    return tuple(spelling[path] for path in values)


def value_text(value: Any, name: str = "") -> str:
    """A value as a table shows it: 0.8, 1e-7, on, 0.713.

    Of the setting called `name`: all instead of 0 classes, a data folder's name alone.
    """
    if value is None:
        return NO_EFFECT
    if isinstance(value, bool):
        return "on" if value else "off"
    if value == 0 and name in _zeros():
        return _zeros()[name]
    if isinstance(value, float):
        return setting_number(value)
    return Path(value).name or str(value) if name == FOLDER else str(value)


def is_number(value: Any) -> bool:
    """Whether a setting's value is a number; a switch is none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def value_rank(value: Any) -> tuple[int, float, str]:
    """A key to sort a setting's values by: None first, then numbers, then texts."""
    if value is None:
        return (0, 0.0, "")
    return (1, float(value), "") if is_number(value) else (2, 0.0, str(value))


@functools.cache
def _zeros() -> dict[str, str]:
    """The settings whose 0 has a word of its own."""
    return {field.name: field.zero for field in fields() if field.zero}
