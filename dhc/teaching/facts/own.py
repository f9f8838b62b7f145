"""The numbers in the lessons that only one's own runs can give."""

from __future__ import annotations

from typing import Final

import numpy as np

from dhc.lessons import calibration, cartography, dead, forgetting, pooled
from dhc.models.ladder import RUNGS
from dhc.models.plan import BatchNormalization, Conv2D, Dense, MaxPooling2D
from dhc.runs.contract import RateSearch
from dhc.teaching.fact import Facts, Value
from dhc.teaching.facts import report
from dhc.text import rate_text

Values = dict[str, Value]
CONTESTS: Final = 1_000
LUCKY: Final = 0.90  # what warm-up reached once, by the report's own words (section 5), and never again
SUPERSCRIPT: Final = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
TIMES: Final = 10  # how much hotter the second run of the lesson on dead units is


def blow_up() -> Facts:
    """How a search goes, and with which rate the report began; the right option is the second."""
    search, settings = RateSearch(), report.config()
    values: Values = {"batches": search.batches, "low": _small(search.low), "high": rate_text(search.high)}
    return Facts(1, {**values, "rate": settings.optimizer.learning_rate, "factor": settings.schedule.factor})


def _small(rate: float) -> str:
    """A small learning rate as a pupil writes it, and as the lesson's axis has it: ``10⁻⁷``."""
    text = rate_text(rate)
    mantissa, found, exponent = text.partition("e")
    raised = f"10{exponent.translate(SUPERSCRIPT)}"
    return text if not found else raised if mantissa == "1" else f"{mantissa}·{raised}"


def dead_units() -> Facts:
    """The step that kills a unit, and how many layers of the report's network can have dead ones."""
    highest, bias, gradient = 1.0, 0.5, 3.0
    layers: list[Conv2D | Dense] = [*report.layers(Conv2D), *report.layers(Dense)]
    count = sum(layer.activation == "relu" for layer in layers)
    values: Values = {"highest": highest, "bias": bias, "gradient": gradient, "leak": dead.LEAK, "layers": count}
    values |= {"times": TIMES, "norms": len(report.layers(BatchNormalization))}
    return Facts(dead.deadly_rate(highest, bias, gradient), values, tolerance=0.02)


def nonsense() -> Facts:
    """What the report's network could learn by heart; the right option is the second."""
    weights, settings = report.learned(), report.config().model
    values: Values = {"weights": weights, "pictures": report.PICTURES, "times": weights / report.PICTURES}
    values |= {"low": settings.conv_dropout, "high": settings.dense_dropout}
    return Facts(1, {**values, "classes": report.CLASSES, "chance": 1 / report.CLASSES, "zero": 0})


def another_seed() -> Facts:
    """How close the report's best two rungs are; two equal networks win one half of the contests each."""
    best, before = _best_two()
    values: Values = {"contests": CONTESTS, "best": best, "before": before, "gap": 100 * abs(best - before)}
    return Facts(50, {**values, "lucky": LUCKY, "share": 0.9}, tolerance=0.01, in_percent=True)


def _best_two() -> tuple[float, float]:
    """The report's accuracies of its final model and of the rung that comes closest."""
    best, before = (RUNGS[name].reported for name in ("vgg16", "vgg16-exp"))
    assert best is not None
    assert before is not None
    return best[1], before[1]


def other_mistakes() -> Facts:
    """What two networks that err independently know together, in percent."""
    best, before = _best_two()
    share = 0.9
    wrong = 1 - share
    values: Values = {"share": share, "wrong": wrong, "both": wrong * wrong, "gap": 100 * abs(best - before)}
    return Facts(100 * (1 - wrong * wrong), values, tolerance=0.001, in_percent=True)


def forgotten() -> Facts:
    """A picture's way through some epochs, and how often it was forgotten on it."""
    rights = np.array([True, False, True, True, False, False, True, True, False])
    course = " ".join("✓" if right else "✗" for right in rights)
    settings = report.config()
    values: Values = {"course": course, "epochs": settings.fit.epochs, "monitor": settings.schedule.monitor}
    return Facts(float(forgetting.events(rights[:, None])[0]), values)


def data_map() -> Facts:
    """Four probabilities, and how much they waver."""
    low, high = 0.2, 0.8
    p = np.array([[low], [high], [low], [high]])
    values: Values = {
        "low": low,
        "high": high,
        "mean": float(cartography.confidence(p)[0]),
        "pictures": report.PICTURES,
    }
    return Facts(float(cartography.variability(p)[0]), values, tolerance=0.02)


def nine_of_ten() -> Facts:
    """Ten equally sure answers, some of them wrong, and how far confidence and accuracy lie apart."""
    confidence, count, right = 0.9, 10, 7
    bins = calibration.reliability(np.full(count, confidence), np.arange(count) < right)
    values: Values = {"confidence": confidence, "count": count, "right": right, "classes": report.CLASSES}
    values |= {"share": right / count, "smoothing": report.config().fit.label_smoothing}
    return Facts(calibration.calibration_error(bins), values, tolerance=0.02)


def between() -> Facts:
    """How many dimensions the report's network has, and two swapped filters halfway."""
    a, b = 3.0, -1.0
    middle = (a + b) / 2
    parameters = sum(size.parameters for size in report.sizes())
    return Facts(middle, {"parameters": parameters, "a": a, "b": b, "middle": middle})


def thrown_away() -> Facts:
    """What the poolings of the report's network leave, whose sides are sometimes odd; after two of them, in percent."""
    first = next(size.shape[0] for size in report.sizes() if isinstance(size.layer, Conv2D))
    *_, last = (size.shape[0] for size in report.sizes() if isinstance(size.layer, MaxPooling2D))
    poolings = len(report.layers(MaxPooling2D))
    values: Values = {"poolings": poolings, "left": pooled.left_of([(first, last)]), "first": first, "last": last}
    two = pooled.left_over(2)
    about = {**values, "quarter": pooled.left_over(1), "two": two}
    return Facts(100 * two, about, tolerance=0.05, in_percent=True)
