"""The weights of the network that a kept state holds: found among all that training goes on from. No Keras.

A state is a list of variables without names: those of the training network layer by layer, what its random layers draw by among them, then
the optimizer's. Where weights are averaged, the averages come first of the optimizer's that are shaped like them, and are the network.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dhc.analysis.network import SIDE, judged
from dhc.config import RunConfig
from dhc.files.archive import DamagedError
from dhc.models import plan as p
from dhc.models.ladder import plan_of
from dhc.runs.states import Record, Spec, read_variables, state_place

OTHER = "holds the variables of another network than the run's settings describe"
Shape = tuple[int, ...]


def kept_weights(folder: Path, epoch: int, config: RunConfig, classes: int) -> list[np.ndarray]:
    """The weights of the config's network as it was judged after the epoch, in Keras's order. Raises DamagedError, OSError."""
    plan = judged(plan_of(config, classes))

    def fit(specs: Sequence[Spec], record: Record) -> list[int]:
        return wanted(specs, plan, averaged=config.optimizer.ema_momentum > 0)

    _, values = read_variables(state_place(folder, epoch), config.fit.epochs, fit)
    return [np.asarray(value, np.float32) for value in values]


def wanted(specs: Sequence[Spec], plan: p.Plan, *, averaged: bool) -> list[int]:
    """Which of a state's variables are the weights of the plan's network, in order. Raises DamagedError."""
    shapes = weight_shapes(plan)
    numbers = [number for number, (_, dtype) in enumerate(specs) if dtype.startswith("float")][: len(shapes)]
    if [specs[number][0] for number in numbers] != [shape for shape, _ in shapes]:
        raise DamagedError(OTHER)
    if averaged:
        trained = [place for place, (_, is_trained) in enumerate(shapes) if is_trained]
        first = _run_of([shapes[place][0] for place in trained], [shape for shape, _ in specs], numbers[-1] + 1)
        for offset, place in enumerate(trained):
            numbers[place] = first + offset
    return numbers


def weight_shapes(plan: p.Plan) -> list[tuple[Shape, bool]]:
    """The shape of each weight of a network, layer by layer as Keras has them, and whether training changes it by gradients."""
    shapes: list[tuple[Shape, bool]] = []
    before: Shape = (SIDE, SIDE, 3)
    for row in p.measure(plan, before):
        match row.layer:
            case p.Conv2D(filters, kernel):
                shapes += [((kernel, kernel, before[2], filters), not row.layer.whitened), ((filters,), True)]
            case p.Dense(units):
                shapes += [((before[0], units), True), ((units,), True)]
            case p.PReLU():
                shapes.append(((*(1 for _ in before[:-1]), before[-1]), True))
            case p.BatchNormalization():
                shapes += [((before[-1],), number < 2) for number in range(4)]
        before = row.shape
    return shapes


def _run_of(shapes: Sequence[Shape], among: Sequence[Shape], start: int) -> int:
    """Where those shapes stand one after the other for the first time, from `start` on. Raises DamagedError."""
    for first in range(start, len(among) - len(shapes) + 1):
        if list(among[first : first + len(shapes)]) == list(shapes):
            return first
    raise DamagedError(OTHER)
