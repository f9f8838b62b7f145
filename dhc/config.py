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
from pydantic_core import ErrorDetails

from dhc.errors import ConfigError
from dhc.knobs import COMMON, MISSION, RARE, ConfigField, describe, knob

__all__ = [
    "COMMON",
    "MISSION",
    "RARE",
    "ConfigField",
    "RunConfig",
    "differences",
    "explain",
    "fields",
    "find_field",
    "in_use",
    "read_assignment",
]

MOST_ERRORS = 5  # that one sentence names
NETWORKS = ("vgg16", "cnn7", "cnn5", "cnn3-dropout", "cnn3", "cnn3-linear")
A_NETWORK = {"model.name": NETWORKS}
WITH_DROPOUT = {"model.name": ("vgg16", "cnn7", "cnn5", "cnn3-dropout")}
WITH_FEATURES = ("vgg16", "cnn7")  # networks in which the report's code augments feature maps
AUGMENTED = {**A_NETWORK, "augment.where": ("input", "features")}
ON_INPUT = {**A_NETWORK, "augment.where": ("input",)}


def _schedule(*names: str) -> dict[str, tuple[str, ...]]:
    return {**A_NETWORK, "schedule.name": names}


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

    name: Literal["vgg16", "cnn7", "cnn5", "cnn3-dropout", "cnn3", "cnn3-linear", "knn"] = knob(
        "vgg16",
        "Network",
        "The network to train, from the report's first to its last; knn looks for the nearest training pictures instead.",
        rank=COMMON,
    )
    conv_dropout: float = knob(
        0.6,
        "Dropout after each conv group",
        "Share of the feature values set to zero while training, after each group of convolutions.",
        rank=MISSION,
        ge=0,
        lt=1,
        step=0.05,
        when=WITH_DROPOUT,
    )
    dense_dropout: float = knob(
        0.7,
        "Dropout before the output",
        "Share of the last hidden layer's values set to zero while training.",
        rank=MISSION,
        ge=0,
        lt=1,
        step=0.05,
        when={"model.name": ("vgg16", "cnn7")},
    )
    width: float = knob(
        1.0,
        "Width multiplier",
        "Multiplies the number of filters and units of every hidden layer; 1.0 is the report's. Cost falls with its square. Filters "
        "are rounded to multiples of 16 (at least 8), which processors multiply fastest.",
        rank=COMMON,
        gt=0,
        le=2,
        step=0.125,
        when=A_NETWORK,
    )
    head: Literal["flatten", "gap"] = knob(
        "flatten",
        "Head",
        "How feature maps become a vector: Flatten (the report's) or GlobalAveragePooling2D.",
        when={"model.name": ("vgg16",)},
    )
    bn_momentum: float = knob(
        0.99,
        "Batch normalisation momentum",
        "How slowly the averages that val is judged with follow the training batches; lower it when an epoch has few batches.",
        ge=0,
        lt=1,
        step=0.01,
        when={"model.name": tuple(name for name in NETWORKS if name != "cnn3-linear")},
    )
    activation: Literal["relu", "leaky_relu"] = knob(
        "relu",
        "Activation",
        "Activation of every hidden layer; the report found leaky_relu worse.",
        when=A_NETWORK,
    )


class KnnConfig(Section):
    """Nearest neighbours instead of a network."""

    metric: Literal["euclidean", "manhattan", "cosine"] = knob(
        "euclidean",
        "Metric",
        "How far apart two pictures are, pixel by pixel.",
        rank=COMMON,
        when={"model.name": ("knn",)},
    )
    k: int = knob(
        5,
        "Neighbours k",
        "How many of the nearest training pictures vote on the class.",
        rank=COMMON,
        ge=1,
        le=1000,
        when={"model.name": ("knn",)},
    )


class AugmentConfig(Section):
    """Random changes of the training pictures that keep their class."""

    where: Literal["off", "input", "features"] = knob(
        "input",
        "Where",
        "On the input pictures, or where the report's code has them: between the convolutions, on feature maps.",
        rank=COMMON,
        when=A_NETWORK,
    )
    flip: Literal["none", "horizontal", "vertical", "horizontal_and_vertical"] = knob(
        "horizontal_and_vertical", "Random flip", "Mirror each picture at random.", rank=COMMON, when=AUGMENTED
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
        when=AUGMENTED,
    )
    zoom: float = knob(
        0.0,
        "Random zoom",
        "Largest change of scale: 0.2 draws each picture at 0.8 to 1.2 of its size.",
        ge=0,
        le=0.9,
        step=0.05,
        when=ON_INPUT,
    )
    translation: float = knob(
        0.0,
        "Random translation",
        "Largest shift along each axis, as a share of the side.",
        ge=0,
        le=0.9,
        step=0.05,
        when=ON_INPUT,
    )
    erasing: float = knob(
        0.0,
        "Random erasing",
        "Probability that a rectangle of 2 to 33 % of a picture is overwritten with noise (Zhong et al., 2020).",
        ge=0,
        le=1,
        step=0.05,
        when=ON_INPUT,
    )


class OptimizerConfig(Section):
    """How weights follow the gradient."""

    name: Literal["adam", "adamw", "sgd"] = knob(
        "adam",
        "Optimizer",
        "adam: as in the report; adamw: Adam with decoupled weight decay; sgd: with Nesterov momentum 0.9.",
        rank=COMMON,
        when=A_NETWORK,
    )
    learning_rate: float = knob(
        1e-3,
        "Initial learning rate",
        "Step size at the start; with a warm-up, the highest one.",
        rank=COMMON,
        gt=0,
        le=10,
        log=True,
        when=A_NETWORK,
    )
    weight_decay: float = knob(
        0.004,
        "Weight decay",
        "AdamW shrinks each weight matrix by this share of the learning rate at every step; biases and batch normalisation are spared.",
        ge=0,
        le=1,
        log=True,
        when={**A_NETWORK, "optimizer.name": ("adamw",)},
    )
    ema_momentum: float = knob(
        0.0,
        "Weight averaging",
        "Val is judged with a running average of the weights, ema_momentum of it kept at each step; 0 is off.",
        ge=0,
        lt=1,
        step=0.001,
        when=A_NETWORK,
    )


class ScheduleConfig(Section):
    """How the learning rate changes from epoch to epoch."""

    name: Literal["plateau", "exponential", "warmup", "cosine", "constant"] = knob(
        "plateau",
        "Schedule",
        "plateau: ReduceLROnPlateau, as in the report's final model; exponential: decay_rate at each epoch; warmup: rises for "
        "warmup_epochs, then exponential; cosine: rises likewise, then half a cosine down to min_lr; constant: never changed.",
        rank=COMMON,
        when=A_NETWORK,
    )
    factor: float = knob(
        0.8,
        "LR factor",
        "ReduceLROnPlateau multiplies the learning rate by this at each drop.",
        rank=MISSION,
        gt=0,
        lt=1,
        step=0.05,
        when=_schedule("plateau"),
    )
    patience: int = knob(
        22,
        "Patience",
        "Epochs without a better monitored value before the learning rate drops.",
        unit="epochs",
        rank=MISSION,
        ge=1,
        le=10_000,
        when=_schedule("plateau"),
    )
    monitor: Literal["val_accuracy", "val_loss"] = knob(
        "val_accuracy", "Monitor", "What ReduceLROnPlateau wants to get better.", when=_schedule("plateau")
    )
    min_delta: float = knob(
        1e-4,
        "Least improvement",
        "Only a monitored value better than the best one by more than this ends the wait of ReduceLROnPlateau.",
        ge=0,
        le=10,
        log=True,
        when=_schedule("plateau"),
    )
    decay_rate: float = knob(
        0.98,
        "Decay rate",
        "The learning rate is multiplied by this after each epoch.",
        rank=COMMON,
        gt=0,
        lt=1,
        step=0.01,
        when=_schedule("exponential", "warmup"),
    )
    warmup_epochs: int = knob(
        5,
        "Warm-up",
        "Epochs in which the learning rate rises evenly to its highest.",
        unit="epochs",
        rank=COMMON,
        ge=0,
        le=10_000,
        when=_schedule("warmup", "cosine"),
    )
    min_lr: float = knob(
        1e-4,
        "Minimum learning rate",
        "The schedule never goes below this.",
        rank=COMMON,
        ge=0,
        le=10,
        log=True,
        when=_schedule("plateau", "exponential", "warmup", "cosine"),
    )


class FitConfig(Section):
    """How long and in what portions."""

    epochs: int = knob(
        250, "Epochs", "Passes over the training pictures.", rank=MISSION, ge=1, le=50_000, when=A_NETWORK
    )
    batch_size: int = knob(
        32,
        "Batch size",
        "Pictures per weight update.",
        unit="pictures",
        rank=COMMON,
        ge=1,
        le=8192,
        when=A_NETWORK,
    )
    seed: int = knob(
        0, "Seed", "Decides initial weights, shuffle order, dropout and augmentation.", rank=COMMON, ge=0, le=2**31 - 1
    )
    label_smoothing: float = knob(
        0.0,
        "Label smoothing",
        "Share of each training label that is spread evenly over all classes; val_loss is never smoothed.",
        ge=0,
        lt=1,
        step=0.05,
        when=A_NETWORK,
    )
    early_stopping: int = knob(
        0,
        "Early stopping patience",
        "Stop after so many epochs without a better val_accuracy; 0 trains all epochs, as the report did.",
        unit="epochs",
        ge=0,
        le=10_000,
        when=A_NETWORK,
    )
    keep_resume_state: bool = knob(
        True,
        "Keep the state to go on from",
        "Off: only the best network is kept on disk, and a run that is stopped or broken off can only start again. A finished run "
        "never keeps it.",
        when=A_NETWORK,
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
        when=A_NETWORK,
    )
    precision: Literal["auto", "float32", "mixed_bfloat16", "mixed_float16"] = knob(
        "auto",
        "Precision",
        "Keras's dtype policy. auto: mixed_bfloat16 on GPUs that have it, mixed_float16 (with loss scaling) on older ones; on a CPU "
        "mixed_bfloat16 where it has instructions for that and the network is large enough to gain, else float32.",
        rank=COMMON,
        when=A_NETWORK,
    )
    backend: Literal["tensorflow", "jax", "torch"] = knob(
        "tensorflow",
        "Backend",
        "Keras's backend; jax and torch serve where they are installed.",
        rank=COMMON,
        when=A_NETWORK,
    )
    jit: Literal["auto", "on", "off"] = knob(
        "auto",
        "XLA",
        "Compile the training step with XLA. auto: with jax and, on a GPU without random rotation, zoom or shift, with tensorflow.",
        when=A_NETWORK,
    )
    steps_per_execution: int = knob(
        0,
        "Steps per execution",
        "Batches run between two looks from Python; 0 is auto: 1 on a CPU, 8 on a GPU.",
        ge=0,
        le=1000,
        when=A_NETWORK,
    )


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
        """Whether the run trains a network; else it looks for each picture's nearest training pictures."""
        return self.model.name != "knn"

    def uses(self, name: str) -> bool:
        """Whether the setting of that dotted name has an effect, given the other ones."""
        field = find_field(name)
        return in_use(field, {other: self.get(other) for other in field.when})

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
            field = find_field(name)
            values[field.section][field.key] = field.parse(value)
        try:
            return RunConfig.model_validate(values)
        except ValidationError as error:
            raise ConfigError(explain(error)) from None


@functools.cache
def fields() -> tuple[ConfigField, ...]:
    """Every hyperparameter, in the order of the sections."""
    return tuple(
        describe(section, key, info)
        for section, holder in RunConfig.model_fields.items()
        if isinstance(holder.annotation, type) and issubclass(holder.annotation, Section)
        for key, info in holder.annotation.model_fields.items()
    )


def in_use(field: ConfigField, values: Mapping[str, Any]) -> bool:
    """Whether a field has an effect, given the values of the other ones by dotted name."""
    return all(str(values.get(other)) in good for other, good in field.when.items())


def differences(configs: Iterable[RunConfig]) -> tuple[str, ...]:
    """Dotted names on which the given configs do not all agree, in field order."""
    every = list(configs)
    sections = {f.section for f in fields()}
    distinct = {name: {getattr(config, name) for config in every} for name in sections}  # few, of a thousand configs
    return tuple(f.name for f in fields() if len({getattr(s, f.key) for s in distinct[f.section]}) > 1)


def explain(error: ValidationError) -> str:
    """A pydantic error as one sentence: which setting, what is wrong, what it takes; of very many, the first few."""
    items = error.errors()
    more = len(items) - MOST_ERRORS
    return "; ".join(map(_explained, items[:MOST_ERRORS])) + (f"; and {more:,} more" if more > 0 else "")


def _explained(item: ErrorDetails) -> str:
    name = _cut(".".join(str(part) for part in item["loc"]))
    field = _fields_by_name().get(name)
    if name == "schema_version":
        return f"it has the form {_cut(repr(item['input']))}, and this version of the dashboard reads form 1"
    if item["type"] == "extra_forbidden":
        return f"there is no setting {name!r}"
    if field is None:
        message = _cut(str(item["msg"]).removeprefix("Value error, "), 300)
        return f"{name}: {message}" if name else message
    return field.refusal(_cut(repr(item["input"])))


def _cut(text: str, limit: int = 80) -> str:
    """A text that anyone may have written, short enough for a sentence."""
    return text if len(text) <= limit else f"{text[:limit]}…"


@functools.cache
def _fields_by_name() -> dict[str, ConfigField]:
    return {f.name: f for f in fields()}


def find_field(name: str) -> ConfigField:
    """The field of a dotted name; raises ConfigError, which lists the good names."""
    every = _fields_by_name()
    if name not in every:
        raise ConfigError(f"there is no setting {name!r}; the settings are {', '.join(every)}")
    return every[name]


def read_assignment(text: str) -> tuple[str, str]:
    """``"fit.epochs=3"`` → ``("fit.epochs", "3")``; raises ConfigError when there is no ``=``."""
    name, sign, value = text.partition("=")
    if not sign:
        raise ConfigError(f"{text!r} is no setting: write NAME=VALUE, for example fit.epochs=3")
    return name.strip(), value.strip()
