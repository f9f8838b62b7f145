"""The numbers in the lessons on how a network learns and how it is judged."""

from __future__ import annotations

import numpy as np

from dhc.lessons import augmentation as a
from dhc.lessons import descent as d
from dhc.lessons import schedules as s
from dhc.lessons import scores
from dhc.lessons.stopping import ending
from dhc.models.plan import RandomFlip, RandomRotation
from dhc.models.presets import preset_config
from dhc.teaching.fact import Facts, Value
from dhc.teaching.facts import report

NEAR = 0.1  # of the answer, where it is read off a slider
HALF = 0.5
MATRIX = ((10, 2, 0), (3, 2, 1), (1, 0, 1))  # counts that a lesson begins with
REPORT_CLASS, REPORT_PRECISION, REPORT_RECALL = 0, 0.86, 0.46  # the first row of the report's own table,
REPORT_EPOCHS = 30  # which judges its network after so many epochs
CLOSE = 0.02  # of the answer, where two digits are enough
SIX, NINE = 6, 9
CURVE, CURVE_PATIENCE = (0.50, 0.60, 0.58, 0.59, 0.57, 0.65), 3  # val accuracies that a question asks about


def augmentation() -> Facts:
    """Which flips make a nine of a six; where the report has its random layers."""
    made = [a.nearest_digit(flip(a.digits()[SIX])) for flip in a.FLIPS.values()]
    flip, rotation = (_side_of(kind) for kind in (RandomFlip, RandomRotation))
    turns = preset_config(
        "report-meant"
    ).augment.rotation  # the number that the report's code has, and meant as degrees
    values = {"six": SIX, "nine": NINE, "flip": flip, "rotation": rotation, "turns": turns}
    return Facts(made.index(NINE), values)


def _side_of(kind: type[RandomFlip | RandomRotation]) -> int:
    """How large the maps are that the report's layer of this kind changes."""
    return next(size.shape[0] for size in report.sizes() if isinstance(size.layer, kind))


def gradient_descent() -> Facts:
    """The largest rate of plain descent in the valley; the report's own optimizer."""
    optimizer = report.config().optimizer
    values = {
        "rate": optimizer.learning_rate,
        "weights": report.learned(),
        "kept": d.MOMENTUM,
        "curvature": d.CURVATURE,
    }
    return Facts(d.LARGEST_RATE, values | {"near": NEAR, "largest": d.LARGEST_RATE}, tolerance=NEAR)


def schedules() -> Facts:
    """The report's schedule, and how many of its drops leave less than half of the learning rate."""
    config = report.config()
    schedule, rate = config.schedule, config.optimizer.learning_rate
    drops = s.drops_until(HALF, schedule.factor)
    values = {"factor": schedule.factor, "patience": schedule.patience, "min_lr": schedule.min_lr, "rate": rate}
    left = {"drops": drops, "fewer": drops - 1, "left": schedule.factor**drops, "more": schedule.factor ** (drops - 1)}
    return Facts(drops, values | left)


def overfitting() -> Facts:
    """A curve made up for the question, and what early stopping makes of it; how long the report trains."""
    end = ending(CURVE, CURVE_PATIENCE)
    values: dict[str, Value] = {f"v{epoch}": value for epoch, value in enumerate(CURVE, start=1)}
    about: dict[str, Value] = {
        "patience": CURVE_PATIENCE,
        "last": end.last,
        "best": end.best,
        "epochs": report.config().fit.epochs,
    }
    return Facts(end.best, values | about)


def confusion() -> Facts:
    """What a network is worth that always answers with the largest class; the first row of the report's table."""
    matrix = scores.always_the_largest(np.array(MATRIX))
    macro, accuracy = scores.macro(scores.scores(matrix).recall), scores.accuracy(matrix)
    first, second, third = matrix.sum(axis=1).tolist()
    values = {
        "first": first,
        "second": second,
        "third": third,
        "classes": len(MATRIX),
        "accuracy": accuracy,
        "macro": macro,
    }
    p, r = REPORT_PRECISION, REPORT_RECALL
    row = {
        "all": report.CLASSES,
        "epochs": REPORT_EPOCHS,
        "number": REPORT_CLASS,
        "precision": p,
        "recall": r,
        "f1": 2 * p * r / (p + r),
    }
    return Facts(macro, values | row, tolerance=CLOSE)
