"""Settings in a few words, as the names of runs have them: ``factor 0.5, dropout 0.2``."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from dhc.config.knob import MISSION, ConfigField
from dhc.config.run import RunConfig, fields, find_field
from dhc.text import setting_number

MOST_SETTINGS = 5  # in one phrase
LONGEST_VALUE = 24  # characters
NONSENSE = "data.shuffle_labels"
WITHOUT_WORD = ("model.name", "data.path")  # their values say what they are


def phrase(config: RunConfig, names: Iterable[str], most: int = MOST_SETTINGS) -> str:
    """The settings of these dotted names that have an effect, the tuner's first; "" where none has.

    What is beyond the first `most` is said to be left out: ``…``.
    """
    ordered = [field for field in _ordered(frozenset(names)) if config.uses(field.name)]
    words = [_setting(config, field.name) for field in ordered[:most]]
    return ", ".join([*words, *["…"] * (len(ordered) > most)])


def named(config: RunConfig, names: Iterable[str], most: int = MOST_SETTINGS) -> str:
    """A run's name out of these settings; where it learns shuffled labels that stands first, so that it passes for no other run."""
    if not config.data.shuffle_labels:
        return phrase(config, names, most)
    words = phrase(config, [name for name in names if name != NONSENSE], most)
    return ": ".join(filter(None, (find_field(NONSENSE).short, words)))


def brief(config: RunConfig) -> str:
    """What a run is in a few words: the network, and the settings that people tune by hand."""
    if not config.trains_network:
        return named(config, ["model.name", "knn.metric", "knn.k"])
    return named(config, _tuned(), most=6)


@functools.cache
def _tuned() -> tuple[str, ...]:
    return ("model.name", *(field.name for field in fields() if field.rank == MISSION))


@functools.lru_cache(maxsize=256)
def _ordered(names: frozenset[str]) -> tuple[ConfigField, ...]:
    """The settings of these dotted names, the tuner's first."""
    return tuple(sorted((field for field in fields() if field.name in names), key=_place))


def _place(field: ConfigField) -> tuple[bool, bool, int]:
    return field.name != "model.name", field.name != "data.path", field.rank


def _setting(config: RunConfig, name: str) -> str:
    text = value_words(config.get(name), name)
    return text if name in WITHOUT_WORD else f"{find_field(name).short} {text}"


def value_words(value: Any, name: str) -> str:
    """A value of the setting of that dotted name in a word: a folder by its name, 0 classes as ``all``."""
    if name == "data.path":
        text = Path(str(value)).name or str(value)
    elif name == "data.classes" and value == 0:
        text = "all"
    elif isinstance(value, bool):
        text = "on" if value else "off"
    else:
        text = setting_number(value) if isinstance(value, float) else str(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 1]}…"
