"""Backpropagation: one small convolution forward, back and one step on, number by number on a board."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np

from dhc.lessons import backpropagation as b
from dhc.teaching.words import Words
from dhc.ui.lessons.numerals import bracketed, grid, product_sum, short
from dhc.ui.shell import address
from dhc.ui.widgets.board import Board, Grid, Place, Step, board, moved
from dhc.ui.widgets.controls import segments

KEY: Final = "dhc_lesson_backpropagation_"
RATES: Final = ("0.005", "0.01", "0.02", "0.05")
RATE: Final = "0.01"
TOP, MIDDLE, LOW = 0.7, 3.7, 6.7  # of numbers, of gradients, of what one step makes of them; in cells
SIGNS: Final = (("∗", 3.6, 1.7), ("+", 6.4, 1.7), ("=", 8.2, 1.7), ("→", 11.1, 1.7), ("Σ", 14.0, 1.7), ("→", 15.8, 1.7))
# Where each array stands: the symbol that names its gradient, and its left edge.
COLUMNS: Final = {
    "picture": ("X", 0.2),
    "kernel": ("K", 4.0),
    "bias": ("b", 6.8),
    "convolved": ("Z", 8.6),
    "active": ("A", 11.6),
    "total": ("S", 14.4),
    "loss": ("L", 16.2),
}


def draw(words: Words) -> None:
    """The rate of the step, and the board."""
    rate = segments(
        words("rate"),
        {name: words("rate_name", rate=float(name)) for name in RATES},
        bare=True,
        **address.bound_choice("rate", RATES, RATE, key=KEY + "rate"),
    )
    way = _Way(words, float(rate))
    steps = way.steps()
    loss = next(place for place, one in enumerate(steps) if one.results[0] == Place("loss"))
    gone = moved(KEY + "board", len(steps))
    if gone is not None:
        address.put(step=None if gone == loss else gone + 1)
    number = address.integer("step", low=1, high=len(steps))
    drawn = Board(17.4, 8.8, way.grids(), steps, SIGNS)
    labels = {label: words(label) for label in ("alt", "before", "next")}
    board(drawn, key=KEY + "board", step=loss if number is None else number - 1, words=labels)


class _Way:
    """All numbers of the way, with the words of its steps."""

    def __init__(self, words: Words, rate: float) -> None:
        self.words, self.rate = words, rate
        self.ahead = b.forward(b.PICTURE, b.START, b.TARGET)
        self.back = b.backward(b.PICTURE, b.START, b.TARGET)
        self.changed = b.step(b.START, self.back, rate)
        self.again = b.forward(b.PICTURE, self.changed, b.TARGET)

    def grids(self) -> list[Grid]:
        """The numbers, below them their gradients, below these what the step makes."""
        first = vars(self.ahead) | vars(b.START) | {"picture": b.PICTURE}
        new = {
            "kernel": self.changed.kernel,
            "bias": self.changed.bias,
            "total": self.again.total,
            "loss": self.again.loss,
        }
        return [
            *(self._grid(name, self.words(name), TOP, first[name]) for name in COLUMNS),
            *(
                self._grid(f"d{name}", f"∂L/∂{COLUMNS[name][0]}", MIDDLE, value)
                for name, value in vars(self.back).items()
            ),
            *(
                self._grid(f"new_{name}", self.words("new", name=COLUMNS[name][0]), LOW, value)
                for name, value in new.items()
            ),
        ]

    def _grid(self, name: str, title: str, top: float, values: Any) -> Grid:
        left = COLUMNS[name.removeprefix("new_").removeprefix("d") if name not in COLUMNS else name][1]
        lower = 0.9 if name == "dpicture" else 0.0  # below a picture that is a row higher than the rest
        return grid(name, title, left, top + lower, values, self.words.language)

    def steps(self) -> list[Step]:
        """Forward, back, and one step on."""
        return [*self._forward(), *self._backward(), *self._onward()]

    def _forward(self) -> Iterable[Step]:
        phase, kernel = self.words("forward"), places("kernel", b.START.kernel.shape)
        for i, j in np.ndindex(self.ahead.convolved.shape):
            pairs = [(b.PICTURE[i + k.row, j + k.column], b.START.kernel[k.row, k.column]) for k in kernel]
            numbers = (
                f"{self._sum(pairs)} + {self._short(b.START.bias)} = {self._short(float(self.ahead.convolved[i, j]))}"
            )
            patch = [Place("picture", i + k.row, j + k.column) for k in kernel]
            sources = [*patch, *kernel, Place("bias")]
            yield Step(self.words("convolving"), numbers, sources, [Place("convolved", i, j)], phase)
        through = ", ".join(f"{self._short(z)} → {self._short(max(z, 0))}" for z in self.ahead.convolved.flat)
        convolved, active = places("convolved", (2, 2)), places("active", (2, 2))
        yield Step(self.words("activating"), through, convolved, active, phase)
        numbers = f"{self._added(self.ahead.active)} = {self._short(self.ahead.total)}"
        yield Step(self.words("adding"), numbers, active, [Place("total")], phase)
        yield Step(
            self.words("losing", target=self._short(b.TARGET)),
            self._square(self.ahead),
            [Place("total")],
            [Place("loss")],
            phase,
        )

    def _backward(self) -> Iterable[Step]:
        phase, back = self.words("backward"), self.back
        slope = (
            f"{self._short(2)}·({self._short(self.ahead.total)} − {self._short(b.TARGET)}) = {self._short(back.total)}"
        )
        sources = [Place("total"), Place("loss")]
        yield Step(self.words("slope"), slope, sources, [Place("dtotal")], phase)
        numbers = f"{self._short(back.total)}·{self._short(1)} = {self._short(back.total)}"
        active, convolved = places("dactive", (2, 2)), places("dconvolved", (2, 2))
        yield Step(self.words("sharing"), numbers, [Place("dtotal")], active, phase)
        gates = [(slope, float(z > 0)) for slope, z in zip(back.active.flat, self.ahead.convolved.flat, strict=True)]
        numbers = ", ".join(f"{self._sum([gate])} = {self._short(gate[0] * gate[1])}" for gate in gates)
        yield Step(self.words("gating"), numbers, [*active, *places("convolved", (2, 2))], convolved, phase)
        yield from (self._kernel_step(place, phase) for place in np.ndindex(back.kernel.shape))
        numbers = f"{self._added(back.convolved)} = {self._short(back.bias)}"
        yield Step(self.words("bias_gradient"), numbers, convolved, [Place("dbias")], phase)
        yield from (self._pixel_step(place, phase) for place in np.ndindex(back.picture.shape))

    def _kernel_step(self, place: tuple[int, ...], phase: str) -> Step:
        row, column = place
        slopes = places("dconvolved", self.back.convolved.shape)
        pixels = [Place("picture", row + one.row, column + one.column) for one in slopes]
        pairs = b.kernel_products(b.PICTURE, self.back.convolved, place)
        numbers = f"{self._sum(pairs)} = {self._short(self.back.kernel[place])}"
        sentence = self.words("kernel_gradient", row=row + 1, column=column + 1)
        return Step(sentence, numbers, [*pixels, *slopes], [Place("dkernel", row, column)], phase)

    def _pixel_step(self, place: tuple[int, ...], phase: str) -> Step:
        row, column = place
        products = b.pixel_products(b.START.kernel, self.back.convolved, place)
        pairs = [(weight, slope) for weight, slope, _, _ in products]
        sources = [one for _, _, at, to in products for one in (Place("kernel", *at), Place("dconvolved", *to))]
        numbers = f"{self._sum(pairs)} = {self._short(self.back.picture[place])}"
        sentence = self.words("pixel_gradient", row=row + 1, column=column + 1)
        return Step(sentence, numbers, sources, [Place("dpicture", row, column)], phase)

    def _onward(self) -> Iterable[Step]:
        phase, rate = self.words("onward"), self._short(self.rate, 3)
        old, slopes, new = ([*map(float, one.kernel.flat), one.bias] for one in (b.START, self.back, self.changed))
        numbers = ", ".join(
            f"{self._short(before)} − {rate}·{self._short(slope)} = {self._short(after)}"
            for before, slope, after in zip(old, slopes, new, strict=True)
        )
        both = [*places("kernel", (2, 2)), Place("bias"), *places("dkernel", (2, 2)), Place("dbias")]
        yield Step(self.words("stepping"), numbers, both, [*places("new_kernel", (2, 2)), Place("new_bias")], phase)
        sources = [*places("picture", (3, 3)), *places("new_kernel", (2, 2)), Place("new_bias")]
        verdict = "lower" if self.again.loss < self.ahead.loss else "higher"
        sentence = self.words(verdict, before=self._short(self.ahead.loss), after=self._short(self.again.loss))
        yield Step(sentence, self._square(self.again), sources, [Place("new_loss"), Place("new_total")], phase)

    def _short(self, value: float, digits: int = 2) -> str:
        return short(value, self.words.language, digits)

    def _sum(self, pairs: Iterable[tuple[float, float]]) -> str:
        return product_sum(pairs, self.words.language)

    def _added(self, values: Any) -> str:
        first, *others = (float(value) for value in values.flat)
        return " + ".join([self._short(first), *(bracketed(value, self.words.language) for value in others)])

    def _square(self, ahead: b.Forward) -> str:
        difference = f"({self._short(ahead.total)} − {self._short(b.TARGET)})"
        return f"{difference}² = {self._short(ahead.loss)}"


def places(name: str, shape: Sequence[int]) -> list[Place]:
    """All cells of a grid of that shape."""
    return [Place(name, row, column) for row, column in np.ndindex(*shape)]
