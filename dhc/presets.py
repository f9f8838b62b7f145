"""Named starting points for a run: what the report ran, what its author meant, and a demo for a laptop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from dhc.config import ConfigError, RunConfig


@dataclass(frozen=True)
class Preset:
    """A name's settings: what differs from RunConfig's defaults, and why one would take it."""

    title: str
    help: str
    changes: Mapping[str, Any]

    def config(self) -> RunConfig:
        """The whole config."""
        return RunConfig().with_values(self.changes)


PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "quick": Preset(
            "Quick demo",
            "A narrow VGG16 on few classes, with light dropout: minutes on a laptop's CPU, with mistakes worth looking at.",
            {
                "data.classes": 12,
                "model.width": 0.25,
                "model.conv_dropout": 0.1,
                "model.dense_dropout": 0.3,
                "model.bn_momentum": 0.9,
                "schedule.factor": 0.5,
                "schedule.patience": 3,
                "fit.epochs": 14,
            },
        ),
        "report": Preset(
            "As the report ran it",
            "The report's final model and settings. Its RandomRotation(3) meant ±3 full turns, hence any angle, on 1×1 feature maps.",
            {"augment.where": "features", "augment.rotation": 180.0},
        ),
        "report-meant": Preset(
            "As its author meant it",
            "The report's final model with augmentation on the input pictures: both flips and a rotation of up to 3 degrees.",
            {},
        ),
    }
)
DEFAULT = "quick"


def preset_config(name: str) -> RunConfig:
    """A preset's config. Raises ConfigError naming the presets that there are."""
    if name not in PRESETS:
        raise ConfigError(f"there is no preset {name!r}; the presets are {', '.join(PRESETS)}")
    return PRESETS[name].config()
