"""The numbers in the lessons on the way through the network and back."""

from __future__ import annotations

import math

import numpy as np

from dhc.lessons import activation as a
from dhc.lessons import backpropagation as b
from dhc.lessons import dense as d
from dhc.lessons import normalisation as n
from dhc.lessons import softmax as s
from dhc.models.plan import BatchNormalization, Conv2D, Dense, Dropout, Flatten, MaxPooling2D
from dhc.teaching.fact import Facts, Value
from dhc.teaching.facts import report

CLASSES = 5  # of the figure on softmax


def activation() -> Facts:
    """How many of the report's layers use ReLU, and what comes back through a unit that lets nothing through."""
    kinds = [layer.activation for layer in report.layers(Conv2D)] + [layer.activation for layer in report.layers(Dense)]
    values = {"relu": kinds.count("relu"), "layers": len(kinds)}
    return Facts(float(a.gradient(np.array(-1.0), 0.0)), values)


def batch_normalisation() -> Facts:
    """What two values become, and how slowly the report's averages follow."""
    layers = report.layers(BatchNormalization)
    momentum = layers[0].momentum
    two = np.array([1.0, 4.0])
    values: dict[str, Value] = {
        "layers": len(layers),
        "convolutions": len(report.layers(Conv2D)),
        "momentum": momentum,
        "new": 1 - momentum,
        "half": math.log(0.5) / math.log(momentum),
        "batch": report.config().fit.batch_size,
    }
    return Facts(round(float(n.normalise(two, two.mean(), two.var())[1])), values, tolerance=0.02)


def dense() -> Facts:
    """What the report's network flattens, and how much its two largest layers learn of all that it learns."""
    sizes = report.sizes()
    last = [size.shape for size in sizes if isinstance(size.layer, MaxPooling2D)][-1]
    inputs = next(size.shape[0] for size in sizes if isinstance(size.layer, Flatten))
    first, second = [size for size in sizes if isinstance(size.layer, Dense)][:2]
    total = report.learned()
    values = {
        "side": last[0],
        "maps": last[2],
        "inputs": inputs,
        "units": first.shape[0],
        "first": first.parameters,
        "second": second.parameters,
        "share": (first.parameters + second.parameters) / total,
        "total": total,
    }
    return Facts(d.parameters(inputs, 1), values)


def softmax() -> Facts:
    """What a network pays that gives every class the same share: in the figure, and in the report's."""
    equal = s.cross_entropy(s.softmax(np.zeros(CLASSES)), 0)
    unsure, sure = 0.1, 0.001
    values = {
        "unsure": unsure,
        "unsure_loss": -math.log(unsure),
        "sure": sure,
        "sure_loss": -math.log(sure),
        "classes": report.CLASSES,
        "report_loss": math.log(report.CLASSES),
        "count": CLASSES,
        "share": 1 / CLASSES,
        "equal": equal,
    }
    return Facts(equal, values, tolerance=0.02)


def backpropagation() -> Facts:
    """What reaches the last number of the kernel, and how many weights the report's network learns in this way."""
    gradients = b.backward(b.PICTURE, b.START, b.TARGET)
    pairs = b.kernel_products(b.PICTURE, gradients.convolved, (1, 1))
    values: dict[str, Value] = {
        "products": " + ".join(f"{pixel:g}·{slope:g}" for pixel, slope in pairs),
        "answer": f"{gradients.kernel[1, 1]:g}",
        "weights": report.learned(),
        "batch": report.config().fit.batch_size,
    }
    return Facts(float(gradients.kernel[1, 1]), values)


def dropout() -> Facts:
    """The report's two rates, and what is made up for at the higher one."""
    *among, last = report.layers(Dropout)
    units = next(size.shape[0] for size in report.sizes() if size.layer == last)
    values = {
        "rate": among[0].rate,
        "places": len(among),
        "last": last.rate,
        "units": units,
        "stay": units * (1 - last.rate),
        "left": 1 - last.rate,
        "factor": 1 / (1 - last.rate),
    }
    return Facts(1 / (1 - last.rate), values, tolerance=0.02)
