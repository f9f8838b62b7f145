"""The report's final network and settings, for the numbers that the lessons take from it."""

from __future__ import annotations

from functools import cache
from typing import Final, TypeVar

from dhc.config import RunConfig
from dhc.models.ladder import plan_of
from dhc.models.plan import BatchNormalization, LayerSize, measure
from dhc.models.presets import preset_config

CLASSES: Final = 96
PICTURES: Final = 12_000  # for training: the competition's train.csv
T = TypeVar("T")


def config() -> RunConfig:
    """Its settings, as the report ran it."""
    return preset_config("report")


@cache
def sizes() -> tuple[LayerSize, ...]:
    """Its layers in order, with their shapes and costs."""
    return measure(plan_of(config(), CLASSES))


def learned() -> int:
    """How many weights it learns: all parameters but the averages of batch normalisation, half of what that keeps."""
    return sum(size.parameters // (2 if isinstance(size.layer, BatchNormalization) else 1) for size in sizes())


def layers(kind: type[T]) -> list[T]:
    """Its layers of one kind, in order."""
    return [size.layer for size in sizes() if isinstance(size.layer, kind)]
