"""Flatten and dense: two small maps unrolled, every product into one unit, and what a whole layer learns."""

from __future__ import annotations

from typing import Any, Final

import streamlit as st

from dhc.lessons import dense as d
from dhc.teaching.words import Words
from dhc.ui.lessons.numerals import bracketed, grid, product_sum, short
from dhc.ui.shell import address
from dhc.ui.widgets.board import Board, Place, Step, board, moved
from dhc.ui.widgets.controls import segments

KEY: Final = "dhc_lesson_dense_"
UNITS: Final = tuple(str(number + 1) for number in range(d.WEIGHTS.shape[1]))
ROWS: Final = {"inputs": 0.8, "weights": 2.6, "products": 4.4}  # tops, in cells
COUNT: Final = 6.0  # times the type: how high the count below the board is
LEFT: Final = 3.6  # of the rows
MOST_SIDE, MOST_MAPS, MOST_UNITS = 64, 2_048, 10_000


def draw(words: Words) -> None:
    """The board for one unit, and a count for a layer of any size."""
    unit = segments(
        words("unit"),
        {name: words("unit_name", number=int(name)) for name in UNITS},
        bare=True,
        **address.bound_choice("unit", UNITS, UNITS[0], key=KEY + "unit"),
    )
    steps = _steps(words, int(unit) - 1)
    place = moved(KEY + "board", len(steps))
    if place is not None:
        address.put(step=place + 1 if place else None)
    shown = (address.integer("step", low=1, high=len(steps)) or 1) - 1
    labels = {label: words(label) for label in ("alt", "before", "next")}
    board(_board(words, int(unit) - 1, steps), key=KEY + "board", step=shown, words=labels)
    _draw_count(words)


def _board(words: Words, unit: int, steps: list[Step]) -> Board:
    language = words.language
    inputs, taken = d.flatten(d.MAPS), d.products(d.flatten(d.MAPS), d.WEIGHTS, unit)
    total = d.dense(inputs, d.WEIGHTS, d.BIASES)[unit]
    maps = [
        grid(f"map{c}", words("map", number=c + 1), 0.3, 0.7 + 2.9 * c, d.MAPS[:, :, c], language)
        for c in range(d.MAPS.shape[2])
    ]
    rows = zip(ROWS.items(), (inputs, d.WEIGHTS[:, unit], taken), strict=True)
    ends = {"sum": taken.sum(), "bias": d.BIASES[unit], "output": max(total, 0.0)}
    return Board(
        16.8,
        5.8,
        [
            *maps,
            *(grid(name, words(name), LEFT, top, values, language) for (name, top), values in rows),
            *(
                grid(name, words(name), LEFT + 8.8 + 1.6 * k, ROWS["products"], value, language)
                for k, (name, value) in enumerate(ends.items())
            ),
        ],
        steps,
        [("×", LEFT - 0.4, 3.1), ("=", LEFT - 0.4, 4.9), ("+", LEFT + 10.1, 4.9), ("→", LEFT + 11.7, 4.9)],
        is_open=True,
        below=COUNT,
    )


def _steps(words: Words, unit: int) -> list[Step]:
    inputs, language = d.flatten(d.MAPS), words.language
    taken = d.products(inputs, d.WEIGHTS, unit)
    return [_product(words, unit, k) for k in range(len(inputs))] + [
        Step(
            words("adding"),
            " + ".join(bracketed(value, language) if k else short(value, language) for k, value in enumerate(taken))
            + f" = {short(taken.sum(), language)}",
            [Place("products", 0, k) for k in range(len(inputs))],
            [Place("sum")],
        ),
        Step(
            words("ending"),
            f"{short(taken.sum(), language)} + {bracketed(d.BIASES[unit], language)} = "
            f"{short(taken.sum() + d.BIASES[unit], language)}",
            [Place("sum"), Place("bias")],
            [Place("output")],
        ),
    ]


def _product(words: Words, unit: int, k: int) -> Step:
    _, width, maps = d.MAPS.shape
    row, column, channel = k // (width * maps), k // maps % width, k % maps
    inputs, weight = d.flatten(d.MAPS), d.WEIGHTS[k, unit]
    text = product_sum([(inputs[k], weight)], words.language)
    return Step(
        words("place", map=channel + 1, row=row + 1, column=column + 1, number=k + 1),
        f"{text} = {short(inputs[k] * weight, words.language)}",
        [Place(f"map{channel}", row, column), Place("weights", 0, k)],
        [Place("inputs", 0, k), Place("products", 0, k)],
    )


def _draw_count(words: Words) -> None:
    """What a layer learns whose maps and units a person chooses."""
    sizes = (("side", 2, MOST_SIDE), ("maps", 2, MOST_MAPS), ("units", 2, MOST_UNITS))
    with st.container(horizontal=True, vertical_alignment="center"):
        side, maps, units = (
            int(st.number_input(words(name), step=1.0, format="%d", width=120, **_bound(name, default, most)))
            for name, default, most in sizes
        )
        learnt = d.parameters(side * side * maps, units)
        st.markdown(words("count", side=side, maps=maps, units=units, bias=1, parameters=learnt))


def _bound(name: str, default: int, most: int) -> dict[str, Any]:
    return address.bound_number(name, low=1, high=most, default=default, key=KEY + name)
