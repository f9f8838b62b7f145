"""Named starting points for a run: a laptop's demo, the report's, and each ladder step's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from dhc.config import RunConfig
from dhc.errors import ConfigError
from dhc.models.ladder import LAPTOP, RUNGS


@dataclass(frozen=True)
class Preset:
    """A name's settings: what differs from RunConfig's defaults, and why one would take it.

    title     in a word or two
    purpose   what it is for, in a few words
    help      the same in a sentence or two
    """

    title: str
    purpose: str
    help: str
    changes: Mapping[str, Any]

    def config(self) -> RunConfig:
        """The whole config."""
        return RunConfig().with_values(self.changes)


def _of_step(name: str, title: str = "", purpose: str = "", help: str = "") -> Preset:
    rung = RUNGS[name]
    return Preset(title or rung.title, purpose, help or rung.lesson, {**rung.changes, **rung.marks})


PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "quick": Preset(
            "Quick demo",
            "Minutes on a laptop.",
            "A narrow VGG16 on few classes, with light dropout: minutes on a laptop's CPU, with mistakes worth looking at.",
            {**LAPTOP, "data.classes": 12, "schedule.factor": 0.5, "schedule.patience": 2, "fit.epochs": 10},
        ),
        "report": _of_step(
            "vgg16",
            "As the report ran it",
            "Full width: for a GPU.",
            "The report's final model and settings. Its RandomRotation(3) meant ±3 full turns, hence any angle, on 1×1 feature maps.",
        ),
        "report-meant": Preset(
            "As its author meant it",
            "Augments the input.",
            "The report's final model with augmentation on the input pictures: both flips and a rotation of up to 3 degrees.",
            {},
        ),
        **{name: _of_step(name) for name in RUNGS if name not in ("vgg16", "tuned")},
        "tuned": _of_step("tuned", purpose="What is known today."),
    }
)
DEFAULT = "quick"


def preset_config(name: str) -> RunConfig:
    """A preset's config. Raises ConfigError naming the presets that there are."""
    if name not in PRESETS:
        raise ConfigError(f"there is no preset {name!r}; the presets are {', '.join(PRESETS)}")
    return PRESETS[name].config()
