"""What several runs were asked to do, side by side: each setting's value in each run, and on which settings they differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dhc.config import ConfigField, RunConfig, differences, fields
from dhc.runs.store import RunInfo

NO_EFFECT = "–"
UNKNOWN = "?"


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
        """Whether the runs do not all agree. No effect counts as a value of its own."""
        return len({repr(value) for value in self.values}) > 1


def settings(configs: Sequence[RunConfig]) -> tuple[Row, ...]:
    """Every setting that has an effect in one of these configs at least, in the form's order; None where it has none."""
    rows = (Row(field.name, field.title, tuple(_value(config, field) for config in configs)) for field in fields())
    return tuple(row for row in rows if any(value is not None for value in row.values))


def results(runs: Sequence[RunInfo]) -> tuple[Row, ...]:
    """What came of the runs: accuracies 0 to 1, epochs, seconds of training."""
    return (
        Row("best val_accuracy", "Best val_accuracy", tuple(info.best_val_accuracy for info in runs)),
        Row("best epoch", "Best epoch", tuple(info.best_epoch for info in runs)),
        Row("gap", "Gap, accuracy − val_accuracy", tuple(info.gap for info in runs)),
        Row("epochs", "Epochs trained", tuple(info.epochs_done for info in runs)),
        Row("seconds", "Seconds of training", tuple(info.seconds for info in runs)),
    )


def circumstances(told: Sequence[Mapping[str, str]]) -> tuple[Row, ...]:
    """On which of the circumstances (`runs.environment`) the runs do not agree; None where a run does not tell."""
    names = dict.fromkeys(name for one in told for name in one)
    rows = (Row(name, name, tuple(one.get(name) for one in told)) for name in names)
    return tuple(row for row in rows if row.differs)


def differing_settings(configs: Sequence[RunConfig]) -> tuple[str, ...]:
    """Dotted names of the settings that tell these runs apart: on which those differ in which they have an effect.

    Shorter than all rows of `settings` that differ: a schedule's own settings are not named where only the schedule changed.
    """
    return tuple(
        name
        for name in differences(configs)
        if len({repr(config.get(name)) for config in configs if config.uses(name)}) > 1
    )


def setting_text(config: RunConfig | None, name: str) -> str:
    """A setting's value as text: NO_EFFECT where it has none, UNKNOWN without a config; of a data folder its name."""
    if config is None:
        return UNKNOWN
    return value_text(config.get(name) if config.uses(name) else None, name)


def value_text(value: Any, name: str = "") -> str:
    """A value as a table shows it: 0.8, 1e-07, on, 0.713; of the data folder its name alone."""
    if value is None:
        return NO_EFFECT
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, float):
        return f"{value:.4g}"
    return Path(value).name or str(value) if name == "data.path" else str(value)


def _value(config: RunConfig, field: ConfigField) -> Any:
    return config.get(field.name) if config.uses(field.name) else None
