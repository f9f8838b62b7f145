"""Detectors of the coach that look at a network's layers, and at a loss that explodes.

Each looks at the epochs after which the layers were looked at, and most ask that what they find lasts: a single odd look says nothing.
Their numbers lie between what sane and spoilt trainings showed; docs/choosing.md has both.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import numpy as np

from dhc.analysis.case import MOST, Case, Detection
from dhc.analysis.layers import LayerTable

NORM = (
    "norm"  # with which the names of normalising layers begin: what is said here of weights holds for sums of products
)
USUAL = 1e-3  # ratio of update to weights
NAMES = 3  # of layers that a sentence names


def dead_units(case: Case, *, share: float = 0.9, looks: int = 2) -> Detection | None:
    """In a ReLU layer `share` of the units or more are dead, from some look on to the last one, `looks` times or more."""
    table = case.layers
    if table is None:
        return None
    dead = table.figures["dead_share"]
    since = {place: start for place in range(len(dead)) if (start := _lasting(dead[place] >= share, looks)) is not None}
    if not since:
        return None
    first = min(since.values())
    worst = max(since, key=lambda place: dead[place, -1])
    return Detection(
        (table.epochs[first],),
        f"{_listed(table, list(since))}: up to {dead[worst, -1]:.0%} of the units are 0 on every picture looked at, "
        f"from epoch {table.epochs[first]} on",
    )


def vanishing_gradients(case: Case, *, ratio: float = 1e-3, looks: int = 2) -> Detection | None:
    """The first layer's gradient norm is at most `ratio` of the last one's, at the last `looks` looks or more.

    Silent where a layer is dead, through which no gradient comes: that is another ailment.
    """
    table = case.layers
    if table is None or dead_units(case) is not None:
        return None
    norms = table.figures["gradient_norm"][_products(table)]
    if len(norms) < 2:
        return None
    with np.errstate(invalid="ignore", divide="ignore"):
        start = _lasting((norms[0] <= ratio * norms[-1]) & (norms[-1] > 0), looks)
    if start is None:
        return None
    return Detection(
        (table.epochs[start],),
        f"after epoch {table.epochs[-1]} the gradient norm was {norms[0, -1]:.2g} in the first layer and {norms[-1, -1]:.2g} in the last one",
    )


def exploding_gradients(case: Case, *, times: float = 10.0, norm: float = 1000.0) -> Detection | None:
    """The gradient norm over all layers is above `norm` and `times` what it was in the middle of the looks before.

    Or it is not finite where it was before.
    """
    table = case.layers
    if table is None:
        return None
    with np.errstate(over="ignore"):
        norms = np.sqrt((table.figures["gradient_norm"][_products(table)] ** 2).sum(axis=0))
    for place, epoch in enumerate(table.epochs[1:], start=1):
        before = _median(norms[:place])
        if not np.isfinite(norms[place]) and np.isfinite(norms[place - 1]):
            return Detection(
                (epoch,), f"the gradient norm over all layers was not a number any more after epoch {epoch}"
            )
        if norms[place] > max(norm, times * before):
            return Detection(
                (epoch,),
                f"the gradient norm over all layers was {norms[place]:.3g} after epoch {epoch} and {before:.3g} before",
            )
    return None


def large_updates(case: Case, *, times: float = 30.0, looks: int = 2) -> Detection | None:
    """The middle layer's update ratio is at least `times` a thousandth, `looks` times or more."""
    return _far_updates(case, looks, lambda ratio: ratio >= times * USUAL)


def small_updates(case: Case, *, times: float = 30.0, looks: int = 2) -> Detection | None:
    """The middle layer's update ratio is at most a thousandth divided by `times`, `looks` times or more.

    At a rate of half the highest or more: at the end of a schedule small steps are meant. Silent where accuracy is above 0.95.
    """
    accuracy = case.column("accuracy")
    if len(accuracy) and np.nanmax(accuracy, initial=0) > 0.95:
        return None
    return _far_updates(case, looks, lambda ratio: 0 < ratio <= USUAL / times)


def idle_layer(case: Case, *, share: float = 0.01, looks: int = 2) -> Detection | None:
    """A layer's update ratio is at most `share` of the middle one of those that move, at the last `looks` looks or more."""
    table = case.layers
    if table is None:
        return None
    rows = _products(table)
    ratios = table.figures["update_ratio"][rows]
    moving = np.where(ratios > 0, ratios, np.nan)
    middle = np.array([_median(column) for column in moving.T])
    idle = {
        row: start
        for row, own in zip(rows, ratios, strict=True)
        if (start := _lasting(own <= share * middle, looks)) is not None
    }
    if not idle:
        return None
    first = min(idle.values())
    return Detection(
        (table.epochs[first],),
        f"{_listed(table, list(idle))}: an update ratio of at most {np.nanmax(table.figures['update_ratio'][list(idle), -1]):.2g}, "
        f"while the middle layer of those that move had {middle[-1]:.2g}",
    )


def exploding_loss(case: Case, *, times: float = 2.5) -> Detection | None:
    """An epoch's loss is above `times` that of a guess, the logarithm of the number of classes."""
    if case.classes is None or case.classes < 2:
        return None
    guess, loss = math.log(case.classes), case.column("loss")
    at = [epoch for epoch, value in zip(case.epochs, loss, strict=True) if value > times * guess]
    if not at:
        return None
    highest = float(np.nanmax(loss))
    return Detection(tuple(at[:MOST]), f"loss was {highest:.3g} at its highest, and a mere guess has {guess:.2f}")


AILMENTS: Mapping[str, Callable[..., Detection | None]] = MappingProxyType(
    {
        "dead_units": dead_units,
        "vanishing_gradients": vanishing_gradients,
        "exploding_gradients": exploding_gradients,
        "large_updates": large_updates,
        "small_updates": small_updates,
        "idle_layer": idle_layer,
        "exploding_loss": exploding_loss,
    }
)


def _far_updates(case: Case, looks: int, is_far: Callable[[float], bool]) -> Detection | None:
    """The looks at which the middle layer's update ratio is far off, at a rate of half the highest one or more."""
    table = case.layers
    if table is None:
        return None
    rates = dict(zip(case.epochs, case.column("learning_rate"), strict=True))
    top = max((rate for rate in rates.values() if np.isfinite(rate)), default=0.0)
    ratios = {
        epoch: _median(column)
        for epoch, column in zip(table.epochs, table.figures["update_ratio"][_products(table)].T, strict=True)
        if rates.get(epoch, 0.0) >= top / 2
    }
    at = [epoch for epoch, ratio in ratios.items() if is_far(ratio)]
    if len(at) < looks or 2 * len(at) < len(ratios):
        return None
    return Detection(
        tuple(at[:MOST]),
        f"the middle layer's update ratio was {ratios[at[0]]:.2g} in epoch {at[0]} and {ratios[at[-1]]:.2g} in epoch {at[-1]}; "
        f"about {USUAL:g} is usual",
    )


def _products(table: LayerTable) -> list[int]:
    """Places of the layers that multiply: all but the normalising ones."""
    return [place for place, name in enumerate(table.names) if not name.startswith(NORM)]


def _lasting(signs: np.ndarray, looks: int) -> int | None:
    """Where the run of true signs (E,) begins that lasts to the last one, if it has `looks` or more."""
    count = len(signs) if signs.all() else int(np.argmin(signs[::-1]))
    return len(signs) - count if count >= looks else None


def _median(values: np.ndarray) -> float:
    finite = values[np.isfinite(values)]
    return float(np.median(finite)) if len(finite) else math.nan


def _listed(table: LayerTable, places: Sequence[int]) -> str:
    names = [table.names[place] for place in places]
    more = f" and {len(names) - NAMES} more" if len(names) > NAMES else ""
    return ", ".join(names[:NAMES]) + more
