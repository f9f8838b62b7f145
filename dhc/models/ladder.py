"""The registry: network name → its plan, what the report measured with it, and the lesson that it teaches."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from dhc.config import AugmentConfig, ModelConfig, RunConfig
from dhc.models.plan import Plan
from dhc.models.vgg import vgg16


@dataclass(frozen=True)
class Rung:
    """One network of the report's ladder."""

    title: str
    plan: Callable[[ModelConfig, AugmentConfig, int], Plan]
    reported: str
    lesson: str


RUNGS: Mapping[str, Rung] = MappingProxyType(
    {
        "vgg16": Rung(
            "VGG16 (final model)",
            vgg16,
            "0.888 test, 0.89 val",
            "Depth, batch normalisation, augmentation, a patient learning rate and heavy dropout together.",
        ),
    }
)


def plan_of(config: RunConfig, classes: int) -> Plan:
    """The layers that a config asks for, for `classes` output classes."""
    return RUNGS[config.model.name].plan(config.model, config.augment, classes)
