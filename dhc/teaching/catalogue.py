"""The course: its lessons in order, and what leads to each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from dhc.teaching.fact import Facts
from dhc.teaching.facts import learning, network, own, seeing

MINUTES: Final = 10  # a lesson
GROUPS: Final = ("seeing", "network", "training", "judging", "own")


@dataclass(frozen=True)
class Lesson:
    """A lesson.

    name: as addresses and the language files have it. facts: computes what its text says. What links to it: settings, by
    dotted name; terms of the glossary; marks, the ids of the coach's rules; charts, by the key that `plot` draws them with.
    needs: runs that it looks at, by their names on Teach (`dhc.ui.teach.before`).
    """

    name: str
    group: str
    facts: Callable[[], Facts]
    settings: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()
    charts: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()


COURSE: Final = (
    Lesson(
        "nearest-neighbours", "seeing", seeing.nearest_neighbours, terms=("nearest neighbours", "cosine", "similarity")
    ),
    Lesson("convolution", "seeing", seeing.convolution, terms=("convolution",)),
    Lesson(
        "feature-map",
        "seeing",
        seeing.feature_map,
        terms=("feature map", "convolution"),
        charts=("dhc_network_vector",),
    ),
    Lesson("stride", "seeing", seeing.stride, terms=("convolution",), charts=("dhc_network_drawing",)),
    Lesson("padding", "seeing", seeing.padding, terms=("convolution",)),
    Lesson("pooling", "seeing", seeing.pooling, settings=("model.head",), terms=("pooling",)),
    Lesson(
        "receptive-field", "seeing", seeing.receptive_field, terms=("receptive field",), charts=("dhc_network_drawing",)
    ),
    Lesson(
        "activation",
        "network",
        network.activation,
        settings=("model.activation",),
        terms=("activation",),
        marks=("dead-units",),
    ),
    Lesson(
        "batch-normalisation",
        "network",
        network.batch_normalisation,
        settings=("model.bn_momentum", "fit.batch_size"),
        terms=("batch normalisation", "batch"),
        marks=("val-asleep",),
    ),
    Lesson("dense", "network", network.dense, settings=("model.head",), terms=("dense layer", "head", "parameters")),
    Lesson(
        "softmax",
        "network",
        network.softmax,
        settings=("fit.label_smoothing",),
        terms=(
            *("loss", "log loss", "probability", "confidence", "temperature"),
            *("label smoothing", "saturation of the softmax"),
        ),
        charts=("loss",),
    ),
    Lesson(
        "dropout",
        "training",
        network.dropout,
        settings=("model.conv_dropout", "model.dense_dropout"),
        terms=("dropout",),
        marks=("dead-start", "overfitting"),
    ),
    Lesson(
        "augmentation",
        "training",
        learning.augmentation,
        settings=(
            *("augment.where", "augment.flip", "augment.rotation", "augment.zoom", "augment.translation"),
            "augment.erasing",
        ),
        terms=("augmentation", "random erasing"),
    ),
    Lesson(
        "backpropagation",
        "training",
        network.backpropagation,
        terms=("gradient", "vanishing and exploding gradients", "weights"),
        marks=("vanishing-gradients", "exploding-gradients", "idle-layer"),
        charts=("layers",),
    ),
    Lesson(
        "gradient-descent",
        "training",
        learning.gradient_descent,
        settings=("optimizer.name", "optimizer.learning_rate"),
        terms=("gradient", "learning rate", "momentum", "optimizer", "update ratio"),
        marks=(
            *("divergence", "rate-too-low", "unstable", "exploding-loss"),
            *("large-updates", "small-updates"),
        ),
    ),
    Lesson(
        "schedules",
        "training",
        learning.schedules,
        settings=(
            *("schedule.name", "schedule.factor", "schedule.patience", "schedule.monitor"),
            *("schedule.min_delta", "schedule.decay_rate", "schedule.warmup_epochs", "schedule.min_lr"),
        ),
        terms=(
            *("schedule", "factor", "patience", "plateau", "ReduceLROnPlateau", "minimum learning rate"),
            *("cosine", "exponential decay", "warm-up"),
        ),
        marks=("rate-drops", "plateau"),
        charts=("rate", "planned_rates", "dhc-replay", "dhc_factor_chart"),
    ),
    Lesson(
        "overfitting",
        "training",
        learning.overfitting,
        settings=("fit.epochs", "fit.early_stopping"),
        terms=("overfitting", "early stopping", "gap", "epoch"),
        marks=("overfitting", "val-asleep", "still-learning"),
        charts=("accuracy", "loss"),
    ),
    Lesson(
        "confusion",
        "judging",
        learning.confusion,
        terms=("confusion matrix", "precision", "recall", "F1", "support", "accuracy"),
        charts=("dhc_confusion_matrix", "dhc_recall_figure"),
    ),
    Lesson(
        "blow-up",
        "own",
        own.blow_up,
        settings=("optimizer.learning_rate",),
        terms=("learning rate", "learning-rate search"),
        marks=("divergence", "exploding-loss"),
        charts=("rate-search",),
        needs=("search",),
    ),
    Lesson(
        "dead-units",
        "own",
        own.dead_units,
        settings=("model.activation", "fit.watch_health"),
        terms=("dead unit",),
        marks=("dead-units",),
        charts=("layers",),
        needs=("faster",),
    ),
    Lesson(
        "forgotten",
        "own",
        own.forgotten,
        settings=("schedule.factor",),
        terms=("forgetting event",),
        marks=("rate-drops",),
        charts=("dhc_epochs", "dhc_dynamics_curve"),
        needs=("run",),
    ),
    Lesson(
        "data-map",
        "own",
        own.data_map,
        settings=("fit.watch_pictures",),
        terms=("data map", "area under the margin"),
        charts=("dhc_dynamics_map",),
        needs=("run",),
    ),
    Lesson(
        "nine-of-ten",
        "own",
        own.nine_of_ten,
        settings=("fit.label_smoothing",),
        terms=("calibration", "ECE", "temperature", "confidence"),
        charts=("dhc_sureness_reliability",),
        needs=("run",),
    ),
    Lesson(
        "another-seed",
        "own",
        own.another_seed,
        settings=("fit.seed",),
        terms=("luck", "seed", "repeat", "confidence interval"),
        charts=("dhc_noise_seeds", "dhc_noise_intervals"),
        needs=("run", "seeds"),
    ),
    Lesson(
        "other-mistakes",
        "own",
        own.other_mistakes,
        terms=("kappa", "ensemble", "flip", "McNemar's test"),
        charts=("dhc_flips_matrix", "dhc_ensemble_bars"),
        needs=("run", "faster"),
    ),
    Lesson(
        "nonsense",
        "own",
        own.nonsense,
        settings=("data.shuffle_labels",),
        terms=("overfitting",),
        marks=("overfitting",),
        needs=("shuffled",),
    ),
    Lesson(
        "between",
        "own",
        own.between,
        settings=("fit.keep_states_every", "optimizer.ema_momentum"),
        terms=("weights", "EMA"),
        needs=("run", "states", "seeds"),
    ),
    Lesson("thrown-away", "own", own.thrown_away, terms=("Grad-CAM", "receptive field", "pooling"), needs=("run",)),
)
LESSONS: Final = {lesson.name: lesson for lesson in COURSE}
