"""Detectors of the curve coach: the epochs and figures of a run's curves at which one fires.

Detectors are pure and silent where they cannot know. Their keyword arguments are what a rule in ``coach.toml`` may set.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from dhc.analysis.ailments import AILMENTS
from dhc.analysis.case import MOST, Case, Detection
from dhc.text import rate_text


def overfitting(case: Case, *, epochs: int = 4, smooth: int = 3) -> Detection | None:
    """val_loss rises `epochs` times in a row or more while loss falls.

    val_loss is the mean of the last `smooth` epochs. The detection begins at the lowest val_loss among those whose mean
    the rise starts from.
    """
    raw, loss, at = case.column("val_loss"), case.column("loss"), case.epochs
    val = _trailing(raw, smooth)
    rising = np.diff(val, prepend=np.nan) > 0  # of an epoch over the one before; NaN does not rise
    for start in range(len(at) - epochs):
        end = start
        while end + 1 < len(at) and rising[end + 1]:
            end += 1
        if end - start >= epochs and loss[end] < loss[start]:
            low = start - smooth + 1 + int(raw[start - smooth + 1 : start + 1].argmin())
            mean = f" (mean of {smooth} epochs)" if smooth > 1 else ""
            return Detection(
                (at[low],),
                f"val_loss{mean} rose {end - start} epochs in a row up to epoch {at[end]}, "
                f"{val[start]:.2f} to {val[end]:.2f}, while loss fell from {loss[start]:.2f} to {loss[end]:.2f}",
            )
    return None


def rate_drops(case: Case, *, most: int = 24) -> Detection | None:
    """The schedule lowered the learning rate, at most `most` times: one of more is a smooth one."""
    changes = case.history.lr_changes
    if not 1 <= len(changes) <= most:
        return None
    at = [int(epoch) - 1 for epoch in changes["epoch"]]  # the epoch at whose end it fell
    rates = [float(changes["old"].iloc[0]), *(float(rate) for rate in changes["new"])]
    some = rates if len(rates) <= MOST else [*rates[: MOST - 1], rates[-1]]
    steps = " → ".join(rate_text(rate) for rate in some)
    times = "once" if len(at) == 1 else f"{len(at)} times"
    return Detection(
        tuple(at), f"the learning rate fell {times}, first after epoch {at[0]}: {steps}{_since(case, at[0])}"
    )


def plateau(case: Case, *, epochs: int = 10, gain: float = 0.005) -> Detection | None:
    """val_accuracy, once above chance, gains at most `gain` on its best in `epochs` epochs.

    Silent under cosine, whose rate falls without waiting for anything.
    """
    if case.config.schedule.name == "cosine":
        return None
    val, at = np.nan_to_num(case.column("val_accuracy"), nan=0.0), case.epochs
    best = np.maximum.accumulate(val) if len(val) else val
    floor = 1.5 / case.classes if case.classes else 0.0
    for i in range(len(at) - epochs):
        if best[i] > floor and best[i + epochs] <= best[i] + gain:
            return Detection(
                (at[i],),
                f"in the {epochs} epochs after epoch {at[i]} the best val_accuracy "
                f"went from {best[i]:.3f} to {best[i + epochs]:.3f} only",
            )
    return None


def divergence(case: Case, *, times: float = 2.0) -> Detection | None:
    """loss is not a number, or has grown to `times` its lowest value and beyond its first one.

    Not a number: in an epoch or in a batch.
    """
    loss, at, batches = case.column("loss"), case.epochs, case.history.batches
    lowest = np.minimum.accumulate(np.where(np.isfinite(loss), loss, np.inf)) if len(loss) else loss
    for i, epoch in enumerate(at):
        if not np.isfinite(loss[i]):
            return Detection((epoch,), f"loss is not a number in epoch {epoch}")
        if i and loss[i] > max(times * lowest[i - 1], loss[0]):
            return Detection(
                (epoch,), f"loss was {loss[i]:.2f} in epoch {epoch} after {lowest[i - 1]:.2f} at its lowest"
            )
    broken = batches.loc[~np.isfinite(batches["loss"].to_numpy(dtype=np.float64)), "epoch"]
    if len(broken):
        return Detection((int(broken.iloc[0]),), f"loss became not a number within epoch {int(broken.iloc[0])}")
    return None


def dead_start(case: Case, *, epochs: int = 3, times: float = 1.5) -> Detection | None:
    """accuracy and val_accuracy stay within `times` chance (1 / classes) for `epochs` epochs."""
    higher = np.fmax(case.column("accuracy"), case.column("val_accuracy"))
    return _at_chance(case, higher, "accuracy and val_accuracy", epochs, times)


def val_asleep(case: Case, *, epochs: int = 2, times: float = 1.5) -> Detection | None:
    """val_accuracy stays at chance for the first `epochs` epochs, accuracy above twice as much."""
    accuracy = case.column("accuracy")
    if case.classes is None or not len(accuracy) or not np.all(accuracy[:epochs] > 2 * times / case.classes):
        return None
    detection = _at_chance(case, case.column("val_accuracy"), "val_accuracy", epochs, times)
    if detection is None:
        return None
    highest = accuracy[: detection.epochs[0]].max()
    return Detection(detection.epochs, f"{detection.sentence}, while accuracy reached {highest:.3f}")


def unstable(case: Case, *, fall: float = 0.05, times: int = 3) -> Detection | None:
    """val_accuracy falls by `fall` or more from one epoch to the next, `times` times or more."""
    val, at = case.column("val_accuracy"), case.epochs
    falls = [i + 1 for i in range(len(at) - 1) if val[i] - val[i + 1] >= fall]
    if len(falls) < times:
        return None
    worst = max(falls, key=lambda i: val[i - 1] - val[i])
    return Detection(
        tuple(at[i] for i in falls[:MOST]),
        f"val_accuracy fell by {fall:g} or more {len(falls)} times, most in epoch {at[worst]}: "
        f"{val[worst - 1]:.3f} to {val[worst]:.3f}",
    )


def still_learning(case: Case, *, epochs: int = 3, gain: float = 0.01, noise: float = 1.5) -> Detection | None:
    """The run is complete, and its last `epochs` still raised val_accuracy by `gain` on average.

    A line through them and the `epochs` before must rise by more than `noise` times its standard error, and the last one must not
    lie below their mean: where one epoch is high and the next one low, nothing is known of the one after.
    """
    val, at = case.column("val_accuracy"), case.epochs
    if not case.complete or len(val) < 2 * epochs or not np.isfinite(val[-2 * epochs :]).all():
        return None
    before, last = float(val[-2 * epochs : -epochs].mean()), float(val[-epochs:].mean())
    has_turned = int(val.argmax()) < len(val) - epochs or val[-1] < last
    if last - before < gain or has_turned or not _rises(val[-2 * epochs :], noise):
        return None
    return Detection(
        (at[-1],), f"mean val_accuracy of the last {epochs} epochs was {last:.3f}, of the {epochs} before {before:.3f}"
    )


def rate_too_low(case: Case, *, share: float = 0.1, epochs: int = 10, gain: float = 0.005) -> Detection | None:
    """The run is complete, and its last `epochs` gained at most `gain` at a low learning rate.

    Low: at most `share` of its highest. Silent where accuracy is above 0.95, since there was nothing left to learn from
    these pictures, and where they were mixed, since accuracy does not tell.
    """
    rate, val, at = case.column("learning_rate"), case.column("val_accuracy"), case.epochs
    if not case.complete or len(at) <= epochs or not np.isfinite([*rate, *val]).all():
        return None
    top, progress = float(rate.max()), float(val[-epochs:].max() - val[:-epochs].max())
    # A share that is met exactly, 1e-4 of 1e-3, is met in float32, too.
    has_learned = case.mixes or case.column("accuracy")[-1] > 0.95
    if rate[-epochs:].max() > share * top * (1 + 1e-6) or progress > gain or has_learned:
        return None
    return Detection(
        (at[-epochs],),
        f"from epoch {at[-epochs]} on the learning rate was {rate_text(rate[-epochs:].max())} or less, "
        f"{share:.0%} of its highest, and val_accuracy did not get better by more than {gain:g}",
    )


DETECTORS: Mapping[str, Callable[..., Detection | None]] = MappingProxyType(
    {
        "overfitting": overfitting,
        "rate_drops": rate_drops,
        "plateau": plateau,
        "divergence": divergence,
        "dead_start": dead_start,
        "val_asleep": val_asleep,
        "unstable": unstable,
        "still_learning": still_learning,
        "rate_too_low": rate_too_low,
        **AILMENTS,
    }
)


def _trailing(values: np.ndarray, width: int) -> np.ndarray:
    """The mean of each value and the `width` - 1 before it: (E,); NaN where there are fewer."""
    if len(values) < width:
        return np.full(len(values), np.nan)
    means = np.convolve(values, np.ones(width) / width, mode="valid")
    return np.concatenate([np.full(width - 1, np.nan), means])


def _rises(values: np.ndarray, noise: float) -> bool:
    """Whether the least-squares line through the values (N,) rises by more than `noise` times its standard error."""
    x = np.arange(len(values)) - (len(values) - 1) / 2
    slope = float(x @ values) / float(x @ x)
    rest = values - values.mean() - slope * x
    error = float(np.sqrt(rest @ rest / max(1, len(values) - 2) / (x @ x)))
    return slope > noise * error


def _since(case: Case, epoch: int) -> str:
    """What the best val_accuracy was up to `epoch`, and what it was afterwards."""
    val = case.column("val_accuracy")
    before = [v for v, at in zip(val, case.epochs, strict=True) if at <= epoch and np.isfinite(v)]
    after = [v for v, at in zip(val, case.epochs, strict=True) if at > epoch and np.isfinite(v)]
    if not before or not after:
        return ""
    return f"; best val_accuracy before the first fall {max(before):.3f}, after it {max(after):.3f}"


def _at_chance(case: Case, values: np.ndarray, name: str, epochs: int, times: float) -> Detection | None:
    """The first epochs whose values stay within `times` chance, if there are `epochs` or more."""
    if case.classes is None or case.classes < 2:
        return None
    above = np.flatnonzero(~(values <= times / case.classes))
    count = int(above[0]) if len(above) else len(values)
    if count < epochs:
        return None
    chance = 1 / case.classes
    return Detection(
        (case.epochs[count - 1],),
        f"in the first {count} epochs {name} did not get above {np.nanmax(values[:count]):.3f}; "
        f"chance is 1 in {case.classes}, {chance:.3f}",
    )
