"""How one number of a network came about, as a person reads it: what was multiplied with what, and the sum line by line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dhc.files.messages import Message
from dhc.models.plan import Dropout
from dhc.teaching.words import Labels, filled
from dhc.text import counted
from dhc.ui.walk.stops import Stop

MOST_CHANNELS, MOST_INPUTS = 6, 24  # that are shown one by one: those that count most
MOST_TERMS = 5  # of a sum that is written out
NEAR = 1e-3  # as a share, or below 1 as it is: two ways of adding up in 32 bits may differ by so much
Grid = tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Line:
    """A line of the sum: what it is, and its numbers. tone: ``good`` or ``bad`` where it says whether two numbers are the same."""

    label: str
    text: str
    tone: str = ""


@dataclass(frozen=True)
class Channel:
    """One map of the layer before below the kernel: the numbers there, the kernel's, and the sum of their products."""

    unit: int
    patch: Grid
    kernel: Grid
    total: float


@dataclass(frozen=True)
class Input:
    """One number of the vector before, its weight, and their product."""

    unit: int
    value: float
    weight: float
    product: float


@dataclass(frozen=True)
class History:
    """How the number `value` came about.

    window: top, left, height and width of what the layer looked at in the maps before it, () where it looked at one number
    channels, inputs: those that count most, of a convolution and of a dense layer; count: of all of them
    patch: what pooling chose from; total: the sum, with the bias; source: the map that a vector's number comes from, -1 where it
    is the unit's own; skip: the stop whose number is added to that of the layer before, -1 for none
    """

    value: float
    lines: tuple[Line, ...]
    window: tuple[int, ...] = ()
    channels: tuple[Channel, ...] = ()
    inputs: tuple[Input, ...] = ()
    patch: Grid = ()
    count: int = 0
    bias: float = 0.0
    total: float = 0.0
    source: int = -1
    skip: int = -1


class Writer:
    """Writes numbers and lines in one language."""

    def __init__(self, words: Labels) -> None:
        self.words = words

    def number(self, value: float, decimals: int = 3) -> str:
        """``−0.250``, in Romanian ``−0,250``."""
        text = filled(f"{{x:.{decimals}f}}", self.words.language, {"x": value})
        return text if text.strip("−0.,") else text.lstrip("−")

    def product(self, first: float, second: float) -> str:
        """``0.500·(−0.250)``."""
        return "·".join(f"({self.number(x)})" if x < 0 else self.number(x) for x in (first, second))

    def sum(self, values: Sequence[float]) -> str:
        """``0.500 − 0.250``."""
        first, *others = values or (0.0,)
        signs = (f" {'−' if x < 0 else '+'} {self.number(abs(x))}" for x in others)
        return self.number(first) + "".join(signs)

    def line(self, label: str, text: str, **values: float | str) -> Line:
        """A line whose label is one of the words."""
        return Line(self.words(label, **values), text)

    def check(self, value: float, ours: float) -> Line:
        """Whether what was added up is what the network has there."""
        same = abs(value - ours) <= NEAR * max(1.0, abs(value))
        text = self.words("same" if same else "differs", value=self.number(value), ours=self.number(ours))
        return Line(self.words("check"), text, "good" if same else "bad")


def history(words: Labels, stops: Sequence[Stop], stop: Stop, message: Message) -> History:
    """The history of the number that a helper's answer tells of, at `stop`."""
    write, said = Writer(words), message.values
    match stop.kind:
        case "conv":
            made = _of_convolution(write, message)
        case "dense":
            made = _of_dense(write, message)
        case "pool":
            made = _of_pooling(write, message)
        case "relu" | "prelu":
            lines = _sloped(write, said, float(said["before"]), float(said["value"]))
            made = History(float(said["value"]), tuple(lines))
        case "add":
            assert stop.skipped is not None
            both = [float(said["before"]), float(said["skipped"])]
            line = write.line(
                "added", f"{write.sum(both)} = {write.number(sum(both))}", other=stop.skipped.title(words)
            )
            check = write.check(float(said["value"]), sum(both))
            made = History(float(said["value"]), (line, check), skip=stops.index(stop.skipped))
        case "norm":
            lines = _normalised(write, said, float(said["before"]), float(said["value"]))
            made = History(float(said["value"]), tuple(lines))
        case "rescale":
            text = (
                f"{write.product(float(said['before']), float(said['scale']))} = {write.number(float(said['value']))}"
            )
            made = History(float(said["value"]), (write.line("scaled", text),))
        case "average":
            text = words("mean_of", count=int(said["count"]), value=write.number(float(said["value"])))
            made = History(float(said["value"]), (write.line("mean", text),), count=int(said["count"]))
        case "flatten":
            at = {"unit": int(said["channel"]), "row": int(said["top"]), "column": int(said["left"])}
            text = words("taken_from", **{name: counted(index) for name, index in at.items()})
            window = (at["row"], at["column"], 1, 1)
            made = History(float(said["value"]), (write.line("passes", text),), window, source=at["unit"])
        case _:
            lines = [write.line("passes", write.number(float(said["value"])))]
            if isinstance(stop.layer, Dropout):
                lines.append(_dropped(write, stop.layer.rate, float(said["value"])))
            made = History(float(said["value"]), tuple(lines))
    return History(**{**vars(made), "lines": (*made.lines, *_afterwards(write, stops, message))})


def _of_convolution(write: Writer, message: Message) -> History:
    said, patch, kernel = message.values, message.arrays["patch"], message.arrays["kernel"]
    totals: np.ndarray = np.asarray(np.sum(patch * kernel, axis=(0, 1), dtype=np.float64))
    order = np.argsort(-np.abs(totals), kind="stable")
    first = int(order[0])
    terms = [write.product(a, b) for a, b in zip(patch[..., first].flat, kernel[..., first].flat, strict=True)]
    channels = tuple(
        Channel(c, _grid(patch[..., c]), _grid(kernel[..., c]), float(totals[c]))
        for c in order[:MOST_CHANNELS].tolist()
    )
    lines = [
        write.line("strongest", f"{' + '.join(terms)} = {write.number(totals[first])}", unit=counted(first)),
        _added(write, totals[order], "channels"),
        *_activated(write, message, float(totals.sum())),
    ]
    window = (int(said["top"]), int(said["left"]), *kernel.shape[:2])
    bias, total = float(said["bias"]), float(said["sum"])
    return History(float(said["value"]), tuple(lines), window, channels, count=len(totals), bias=bias, total=total)


def _of_dense(write: Writer, message: Message) -> History:
    said, values, weights = message.values, message.arrays["inputs"], message.arrays["weights"]
    products = values.astype(np.float64) * weights
    order = np.argsort(-np.abs(products), kind="stable")
    inputs = tuple(
        Input(i, float(values[i]), float(weights[i]), float(products[i])) for i in order[:MOST_INPUTS].tolist()
    )
    first = int(order[0])
    text = f"{write.product(values[first], weights[first])} = {write.number(products[first])}"
    lines = [
        write.line("strongest_input", text, unit=counted(first)),
        _added(write, products[order], "inputs"),
        *_activated(write, message, float(products.sum())),
    ]
    bias, total = float(said["bias"]), float(said["sum"])
    return History(float(said["value"]), tuple(lines), inputs=inputs, count=len(products), bias=bias, total=total)


def _of_pooling(write: Writer, message: Message) -> History:
    said, patch = message.values, message.arrays["patch"]
    numbers = "; ".join(write.number(value) for value in patch.flat)
    lines = (
        write.line("largest", f"max({numbers}) = {write.number(float(patch.max()))}"),
        write.check(float(said["value"]), float(patch.max())),
    )
    window = (int(said["top"]), int(said["left"]), *patch.shape)
    return History(float(said["value"]), lines, window, patch=_grid(patch))


def _added(write: Writer, ordered: np.ndarray, label: str) -> Line:
    """A sum whose largest terms are written out, the others together."""
    shown, others = ordered[:MOST_TERMS], ordered[MOST_TERMS:]
    rest = f" {'−' if others.sum() < 0 else '+'} [{write.number(abs(others.sum()))}]" if len(others) else ""
    text = f"{write.sum(shown.tolist())}{rest} = {write.number(ordered.sum())}"
    return write.line(f"{label}_rest" if len(others) else label, text, count=len(ordered), others=len(others))


def _activated(write: Writer, message: Message, products: float) -> list[Line]:
    """The bias, the activation, and whether that is what the map shows."""
    said = message.values
    bias, total, value = float(said["bias"]), products + float(said["bias"]), float(said["value"])
    lines = [write.line("bias", f"{write.sum([products, bias])} = {write.number(total)}")]
    if said["activation"] == "softmax":
        logits = message.arrays["logits"].astype(np.float64)
        share = float(np.exp(total - logits.max()) / np.exp(logits - logits.max()).sum())
        text = write.words("share_of", logit=write.number(total), share=write.number(share), count=len(logits))
        return [*lines, write.line("softmax", text), write.check(value, share)]
    if said["activation"] == "linear":
        return [*lines, write.check(value, total)]
    activated = float(said["activated"])
    inner = write.number(total)
    text = (
        f"max(0; {inner}) = {write.number(activated)}"
        if said["activation"] == "relu"
        else f"{inner} → {write.number(activated)}"
    )
    return [*lines, write.line(str(said["activation"]), text), write.check(value, activated)]


def _sloped(write: Writer, said: object, before: float, value: float) -> list[Line]:
    """What an activation that stands by itself makes of a number."""
    assert isinstance(said, dict)
    if before >= 0:
        return [write.line("above", write.number(before)), write.check(value, before)]
    ours = before * float(said["slope"])
    text = f"{write.product(float(said['slope']), before)} = {write.number(ours)}"
    return [write.line("below", text), write.check(value, ours)]


def _normalised(write: Writer, said: object, before: float, value: float) -> list[Line]:
    assert isinstance(said, dict)
    gamma, beta, mean, variance, epsilon = (
        float(said[name]) for name in ("gamma", "beta", "mean", "variance", "epsilon")
    )
    ours = gamma * (before - mean) / float(np.sqrt(variance + epsilon)) + beta
    top = write.sum([before, -mean])
    text = f"{write.number(gamma)} · ({top}) / √({write.number(variance + epsilon)}) {'−' if beta < 0 else '+'} {write.number(abs(beta))} = {write.number(ours)}"
    return [write.line("normalised", text), write.check(value, ours)]


def _dropped(write: Writer, rate: float, value: float) -> Line:
    """What dropout does with a number while it trains."""
    factor = 1 / (1 - rate) if rate < 1 else 1.0
    said = {"value": write.number(value), "result": write.number(value * factor)}
    return write.line("in_training", write.words("dropped", percent=100 * rate, factor=factor, **said))


def _afterwards(write: Writer, stops: Sequence[Stop], message: Message) -> list[Line]:
    """What the layers up to the next weights make of the number."""
    by_place = {stop.row.place: stop for stop in stops if stop.row is not None}
    lines, before = [], float(message.values["value"])
    for step in message.values["then"]:
        stop, value = by_place[int(step["layer"])], float(step["value"])
        name = stop.title(write.words)
        if stop.kind == "norm":
            lines.append(Line(name, _normalised(write, step, before, value)[0].text))
        elif stop.kind in ("relu", "prelu"):
            lines.append(Line(name, _sloped(write, step, before, value)[0].text))
        elif stop.kind == "pool":
            kept = "pool_kept" if np.isclose(before, value, atol=1e-6) else "pool_other"
            lines.append(Line(name, write.words(kept, value=write.number(value))))
        else:
            lines.append(Line(name, write.words("dropout_passes", value=write.number(value))))
        before = value
    return lines


def _grid(values: np.ndarray) -> Grid:
    return tuple(tuple(round(float(value), 6) for value in row) for row in values)
