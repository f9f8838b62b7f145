"""RunConfig: everything that a run is asked to do, as one frozen, typed object.

The form, the command line's ``--set``, the comparison table and the docs are derived from the fields here: each carries
its title, help, unit and bounds. A new hyperparameter is one ``knob`` line below plus the code that obeys it.
Field names are Keras's where Keras has one (``patience``, ``factor``, ``min_lr``, ``learning_rate``, ``epochs``).
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from dhc.knobs import COMMON, MISSION, RARE, ConfigError, ConfigField, describe, knob

__all__ = [
    "COMMON",
    "MISSION",
    "RARE",
    "ConfigError",
    "ConfigField",
    "RunConfig",
    "differences",
    "explain",
    "fields",
    "read_assignment",
]


class Section(BaseModel):
    """A frozen group of fields that refuses names it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, validate_default=True)


class DataConfig(Section):
    """Which pictures."""

    path: str = knob(
        "data/stand-in",
        "Data folder",
        "Folder with train.csv, val.csv and their pictures.",
        rank=COMMON,
        min_length=1,
        max_length=1000,
    )
    classes: int = knob(
        0,
        "Number of classes",
        "Use only the first so many classes, in label order; 0 uses all.",
        rank=COMMON,
        ge=0,
        le=10_000,
    )
    train_fraction: float = knob(
        1.0,
        "Fraction of the training pictures",
        "Train on this share of each class's training pictures, drawn by the seed; val is never cut.",
        rank=COMMON,
        gt=0,
        le=1,
        step=0.05,
    )
    skip_bad: bool = knob(
        False,
        "Leave out unreadable pictures",
        "On: pictures that cannot be read are left out and listed in the "
        "log. Off: the run refuses to start and names them.",
    )


class ModelConfig(Section):
    """Which network."""

    name: Literal["vgg16"] = knob("vgg16", "Network", "The network to train.", rank=COMMON)
    conv_dropout: float = knob(
        0.6,
        "Dropout after each conv group",
        "Share of the feature values set to zero while training, after each of the five groups of convolutions.",
        rank=MISSION,
        ge=0,
        lt=1,
        step=0.05,
    )
    dense_dropout: float = knob(
        0.7,
        "Dropout before the output",
        "Share of the last hidden layer's values set to zero while training.",
        rank=MISSION,
        ge=0,
        lt=1,
        step=0.05,
    )
    width: float = knob(
        1.0,
        "Width multiplier",
        "Multiplies the number of filters and units of every hidden layer; 1.0 is VGG16. Cost falls with its square.",
        rank=COMMON,
        gt=0,
        le=2,
        step=0.125,
    )
    head: Literal["flatten", "gap"] = knob(
        "flatten", "Head", "How feature maps become a vector: Flatten (the report's) or GlobalAveragePooling2D."
    )
    bn_momentum: float = knob(
        0.99,
        "Batch normalisation momentum",
        "How slowly the averages that val is judged with follow the training batches; lower it when an epoch has few batches.",
        ge=0,
        lt=1,
        step=0.01,
    )
    activation: Literal["relu", "leaky_relu"] = knob(
        "relu", "Activation", "Activation of every hidden layer; the report found leaky_relu worse."
    )


class AugmentConfig(Section):
    """Random changes of the training pictures that keep their class."""

    where: Literal["off", "input", "features"] = knob(
        "input",
        "Where",
        "On the input pictures, or where the report's code has them: flip "
        "after the first conv group, rotation after the last one.",
        rank=COMMON,
    )
    flip: Literal["none", "horizontal", "vertical", "horizontal_and_vertical"] = knob(
        "horizontal_and_vertical", "Random flip", "Mirror each picture at random.", rank=COMMON
    )
    rotation: float = knob(
        3.0,
        "Random rotation",
        "Largest angle to either side; 180 is any angle.",
        unit="degrees",
        ge=0,
        le=180,
        step=1,
        rank=COMMON,
    )


class OptimizerConfig(Section):
    """How weights follow the gradient."""

    name: Literal["adam"] = knob("adam", "Optimizer", "Adam, as in the report.")
    learning_rate: float = knob(
        1e-3, "Initial learning rate", "Step size of the first epoch.", rank=COMMON, gt=0, le=10, log=True
    )


class ScheduleConfig(Section):
    """How the learning rate changes from epoch to epoch."""

    name: Literal["plateau", "constant"] = knob(
        "plateau",
        "Schedule",
        "plateau: ReduceLROnPlateau, as in the report's final model; constant: never changed.",
        rank=COMMON,
    )
    factor: float = knob(
        0.8,
        "LR factor",
        "ReduceLROnPlateau multiplies the learning rate by this at each drop.",
        rank=MISSION,
        gt=0,
        lt=1,
        step=0.05,
    )
    patience: int = knob(
        22,
        "Patience",
        "Epochs without a better val_accuracy before the learning rate drops.",
        unit="epochs",
        rank=MISSION,
        ge=1,
        le=10_000,
    )
    min_lr: float = knob(
        1e-4, "Minimum learning rate", "ReduceLROnPlateau never goes below this.", rank=COMMON, ge=0, le=10, log=True
    )


class FitConfig(Section):
    """How long and in what portions."""

    epochs: int = knob(250, "Epochs", "Passes over the training pictures.", rank=MISSION, ge=1, le=50_000)
    batch_size: int = knob(32, "Batch size", "Pictures per weight update.", unit="pictures", rank=COMMON, ge=1, le=8192)
    seed: int = knob(
        0, "Seed", "Decides initial weights, shuffle order, dropout and augmentation.", rank=COMMON, ge=0, le=2**31 - 1
    )


class DeviceConfig(Section):
    """Where and in which number format."""

    device: str = knob(
        "auto",
        "Device",
        "auto takes the first GPU when there is one, else the CPU; or name one: cpu, gpu:0, gpu:1.",
        rank=COMMON,
        takes="auto | cpu | gpu:0 | gpu:1 | …",
        pattern=r"^(auto|cpu|gpu:\d{1,2})$",
    )
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"] = knob(
        "float32",
        "Precision",
        "Keras's dtype policy; the mixed ones are faster on recent GPUs and slower on most CPUs.",
        rank=COMMON,
    )
    backend: Literal["tensorflow", "jax", "torch"] = knob(
        "tensorflow", "Backend", "Keras's backend; jax and torch serve where they are installed.", rank=COMMON
    )


class RunConfig(Section):
    """Everything a run is asked to do; written to ``config.json`` beside its results."""

    schema_version: Literal[1] = 1
    data: DataConfig = DataConfig()
    model: ModelConfig = ModelConfig()
    augment: AugmentConfig = AugmentConfig()
    optimizer: OptimizerConfig = OptimizerConfig()
    schedule: ScheduleConfig = ScheduleConfig()
    fit: FitConfig = FitConfig()
    device: DeviceConfig = DeviceConfig()

    @model_validator(mode="after")
    def _rates_in_order(self) -> RunConfig:
        if self.schedule.name == "plateau" and self.schedule.min_lr > self.optimizer.learning_rate:
            raise ValueError(
                f"schedule.min_lr ({self.schedule.min_lr:g}) is above optimizer.learning_rate "
                f"({self.optimizer.learning_rate:g}): lower the one or raise the other"
            )
        return self

    def to_json(self) -> str:
        """The config as indented JSON text, readable back by `from_json`."""
        return self.model_dump_json(indent=2)

    @classmethod
    def from_json(cls, text: str | bytes) -> RunConfig:
        """Read a config from JSON; raises ConfigError in one sentence for anything that is not one."""
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            raise ConfigError(explain(error)) from None

    def get(self, name: str) -> Any:
        """Value of a dotted name, e.g. ``get("fit.epochs")``."""
        section, field = name.split(".")
        return getattr(getattr(self, section), field)

    def with_values(self, changes: Mapping[str, Any]) -> RunConfig:
        """A copy with dotted names replaced; texts are read as the field's type. Raises ConfigError, naming what is good."""
        values = self.model_dump()
        for name, value in changes.items():
            field = _field_of(name)
            values[field.section][field.key] = field.parse(value)
        try:
            return RunConfig.model_validate(values)
        except ValidationError as error:
            raise ConfigError(explain(error)) from None


def fields() -> tuple[ConfigField, ...]:
    """Every hyperparameter, in the order of the sections."""
    return tuple(
        describe(section, key, info)
        for section, holder in RunConfig.model_fields.items()
        if isinstance(holder.annotation, type) and issubclass(holder.annotation, Section)
        for key, info in holder.annotation.model_fields.items()
    )


def differences(configs: Iterable[RunConfig]) -> tuple[str, ...]:
    """Dotted names on which the given configs do not all agree, in field order."""
    listed = list(configs)
    return tuple(f.name for f in fields() if len({repr(c.get(f.name)) for c in listed}) > 1)


def explain(error: ValidationError) -> str:
    """A pydantic error as one sentence: which setting, what is wrong, what it takes."""
    parts = []
    for item in error.errors():
        name = ".".join(str(part) for part in item["loc"])
        known = _known().get(name)
        message = str(item["msg"]).removeprefix("Value error, ")
        if item["type"] == "extra_forbidden":
            parts.append(f"there is no setting {name!r}")
        elif known is None:
            parts.append(f"{name}: {message}" if name else message)
        else:
            parts.append(f"{name} cannot be {item['input']!r}: it takes {known.bounds}")
    return "; ".join(parts)


@functools.cache
def _known() -> dict[str, ConfigField]:
    return {f.name: f for f in fields()}


def _field_of(name: str) -> ConfigField:
    known = _known()
    if name not in known:
        raise ConfigError(f"there is no setting {name!r}; the settings are {', '.join(known)}")
    return known[name]


def read_assignment(text: str) -> tuple[str, str]:
    """``"fit.epochs=3"`` → ``("fit.epochs", "3")``; raises ConfigError when there is no ``=``."""
    name, sign, value = text.partition("=")
    if not sign:
        raise ConfigError(f"{text!r} is no setting: write NAME=VALUE, for example fit.epochs=3")
    return name.strip(), value.strip()
