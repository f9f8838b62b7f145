"""The report's ladder: each step's network, settings, reported accuracy and lesson."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from dhc.config import AugmentConfig, ModelConfig, RunConfig
from dhc.errors import ConfigError
from dhc.models.cnn import cnn3, cnn3_dropout, cnn3_linear, cnn5, cnn7
from dhc.models.plan import Plan, with_first_whitened
from dhc.models.skip import cnn9_skip
from dhc.models.vgg import vgg16

NETWORKS: Mapping[str, Callable[[ModelConfig, AugmentConfig, int], Plan]] = MappingProxyType(
    {
        "vgg16": vgg16,
        "cnn9-skip": cnn9_skip,
        "cnn7": cnn7,
        "cnn5": cnn5,
        "cnn3-dropout": cnn3_dropout,
        "cnn3": cnn3,
        "cnn3-linear": cnn3_linear,
    }
)


@dataclass(frozen=True)
class Rung:
    """One step of the report's ladder.

    marks      the settings by which a run is recognised as this step, whatever else it was given
    changes    the other settings that the report used (``full``), as changes to RunConfig's defaults
    quick      changes upon those that make the step affordable on a laptop's CPU
    reported   accuracy on the competition's test set as its author gives it, lowest and highest; None where there is none
    """

    title: str
    marks: Mapping[str, Any]
    reported: tuple[float, float] | None
    lesson: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    quick: Mapping[str, Any] = field(default_factory=dict)

    def config(self, scale: str = "full") -> RunConfig:
        """The step's settings at a scale, ``full`` or ``quick``; raises ConfigError for another."""
        if scale not in SCALES:
            raise ConfigError(f"there is no scale {scale!r}; the scales are {', '.join(SCALES)}")
        return RunConfig().with_values({**self.changes, **self.marks, **(self.quick if scale == "quick" else {})})

    def is_step_of(self, config: RunConfig) -> bool:
        """Whether a run with this config is a run of this step; one that learns nonsense is none."""
        return not config.data.shuffle_labels and all(config.get(name) == value for name, value in self.marks.items())

    @property
    def reported_text(self) -> str:
        """``0.16`` or ``0.80–0.84``; empty where the report has nothing."""
        figures = dict.fromkeys(f"{v:.2f}" if round(v, 2) == v else f"{v:.3f}" for v in self.reported or ())
        return "–".join(figures)


SCALES: Mapping[str, str] = MappingProxyType(
    {
        "quick": "Narrow networks and few epochs, for a CPU",
        "full": "As the report ran it: full width, up to 250 epochs, for a GPU",
    }
)
PLAIN = {"augment.where": "off", "schedule.name": "constant"}  # what the report's first networks did without
# As the report's code has it: on feature maps, and RandomRotation(3), which Keras takes as any angle.
ON_FEATURES = {"augment.where": "features", "augment.rotation": 180.0}
# A VGG16 that learns something within minutes.
LAPTOP = {
    "model.width": 0.25,
    "model.conv_dropout": 0.1,
    "model.dense_dropout": 0.3,
    "model.bn_momentum": 0.9,
    "fit.epochs": 20,
}
RUNGS: Mapping[str, Rung] = MappingProxyType(
    {
        "knn": Rung(
            "k nearest neighbours",
            {"model.name": "knn"},
            (0.16, 0.16),
            "Pixels are a poor measure of likeness: the same thing, shifted or turned, lies far away.",
        ),
        "cnn3-linear": Rung(
            "3 conv, 1 dense",
            {"model.name": "cnn3-linear"},
            (0.42, 0.42),
            "Learned filters see edges and colours wherever they stand; one layer on top of them already beats all distances.",
            {**PLAIN, "fit.epochs": 30},
            {"fit.epochs": 8},
        ),
        "cnn3": Rung(
            "3 conv, 3 dense",
            {"model.name": "cnn3"},
            (0.50, 0.50),
            "Pooling and batch normalisation, few filters first and more later: better, but it learns the training pictures by heart.",
            {**PLAIN, "fit.epochs": 30},
            {"fit.epochs": 12},
        ),
        "cnn3-dropout": Rung(
            "3 conv, 3 dense, dropout 0.3",
            {"model.name": "cnn3-dropout"},
            (0.55, 0.55),
            "Dropout makes learning by heart harder: training accuracy falls, val accuracy rises.",
            {**PLAIN, "model.conv_dropout": 0.3, "fit.epochs": 60},
            {"fit.epochs": 24},
        ),
        "cnn5": Rung(
            "5 conv, 3 dense",
            {"model.name": "cnn5"},
            (0.67, 0.67),
            "Twice the resolution and more convolutions: later layers see larger parts and combine what earlier ones found.",
            {**PLAIN, "model.conv_dropout": 0.3, "fit.epochs": 60},
            {"fit.epochs": 12, "model.width": 0.5, "model.bn_momentum": 0.9},
        ),
        "cnn7": Rung(
            "7 conv, augmentation",
            {"model.name": "cnn7"},
            (0.80, 0.84),
            "Augmentation shows each picture in many versions, and smaller kernels leave room for more layers.",
            {
                **ON_FEATURES,
                "augment.flip": "vertical",
                "schedule.name": "constant",
                "model.conv_dropout": 0.3,
                "model.dense_dropout": 0.3,
                "fit.epochs": 100,
            },
            {
                "model.width": 0.5,
                "model.bn_momentum": 0.9,
                "model.conv_dropout": 0.1,
                "augment.rotation": 3.0,  # what its author meant; any angle takes many more epochs
                "fit.epochs": 20,
            },
        ),
        "vgg16-exp": Rung(
            "VGG16, exponential decay",
            {"model.name": "vgg16", "schedule.name": "exponential"},
            (0.80, 0.88),
            "Depth. With a learning rate that shrinks from the first epoch on it learns much early and then hardly anything.",
            ON_FEATURES,
            {**LAPTOP, "schedule.decay_rate": 0.8},
        ),
        "vgg16-warmup": Rung(
            "VGG16, warm-up and exponential decay",
            {"model.name": "vgg16", "schedule.name": "warmup"},
            (0.86, 0.87),
            "Small steps first, while the weights are still random; then large ones, then ever smaller ones.",
            ON_FEATURES,
            {**LAPTOP, "schedule.decay_rate": 0.85, "schedule.warmup_epochs": 1},
        ),
        "vgg16": Rung(
            "VGG16, ReduceLROnPlateau (final model)",
            {"model.name": "vgg16", "schedule.name": "plateau"},
            (0.888, 0.888),
            "The learning rate drops only when val_accuracy has stopped getting better: patience instead of a timetable.",
            ON_FEATURES,
            {**LAPTOP, "schedule.factor": 0.5, "schedule.patience": 2, "fit.epochs": 30},  # waiting takes epochs
        ),
        "tuned": Rung(
            "VGG16, our own recipe",
            {"model.name": "vgg16", "schedule.name": "cosine"},
            None,
            "The same network, trained with what is known today: first weights that pass pictures on, Muon, warm-up and cosine, augmentation "
            "on the input, CutMix, little dropout.",
            {
                "model.initialization": "dirac",
                "model.first_conv": "whitened",
                "model.conv_dropout": 0.0,
                "model.dense_dropout": 0.2,
                "augment.rotation": 15.0,
                "augment.zoom": 0.15,
                "augment.translation": 0.1,
                "model.bn_momentum": 0.9,
                "augment.flip": "horizontal",
                "augment.cutmix": 1.0,
                "optimizer.name": "muon",
                "optimizer.learning_rate": 2e-3,
                "optimizer.weight_decay": 0.05,
                "optimizer.ema_momentum": 0.95,
                "schedule.warmup_epochs": 1,
                "schedule.min_lr": 1e-6,
                "fit.batch_size": 64,
                "fit.label_smoothing": 0.1,
                "fit.epochs": 60,
            },
            {"model.width": 0.25, "augment.cutmix": 0.0, "fit.epochs": 20},  # it would hold back so short a run
        ),
        "cnn9-skip": Rung(
            "9 conv, one skip (the runner-up)",
            {"model.name": "cnn9-skip"},
            (0.941, 0.941),
            "The competition's second of 146, rebuilt from the few facts that were published, the rest guessed: nine convolutions, one skip, "
            "PReLU, AdamW with weight decay 0.03, and strong augmentation instead of dropout.",
            {
                "model.activation": "prelu",
                "model.dense_dropout": 0.2,  # a guess, as is the next
                "model.bn_momentum": 0.9,
                "augment.rotation": 15.0,
                "augment.zoom": 0.25,
                "augment.shear": 0.15,  # the amount is a guess
                "augment.translation": 0.25,
                "augment.erasing": 0.5,  # the probability is a guess
                "optimizer.name": "adamw",
                "optimizer.weight_decay": 0.03,
                "schedule.name": "cosine",
                "schedule.warmup_epochs": 0,
                "schedule.min_lr": 0.0,
                "fit.batch_size": 64,
                "fit.early_stopping": 30,
            },
            {"model.width": 0.25, "fit.epochs": 20},
        ),
    }
)


def plan_of(config: RunConfig, classes: int) -> Plan:
    """The layers of a config's network with `classes` outputs; none for knn."""
    if not config.trains_network:
        return ()
    plan = NETWORKS[config.model.name](config.model, config.augment, classes)
    return with_first_whitened(plan) if config.model.first_conv == "whitened" else plan


@lru_cache(maxsize=4096)
def rung_of(config: RunConfig) -> str | None:
    """The name of the step that a config is a run of; None for settings that are none of them."""
    return next((name for name, rung in RUNGS.items() if rung.is_step_of(config)), None)
