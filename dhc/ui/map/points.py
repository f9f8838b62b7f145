"""The map's pictures as points: how each is drawn by class, rightness, confidence or split, and what the legend says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from dhc.figures import palette, theme
from dhc.text import NAME_LENGTH, clean, short_names, shorten
from dhc.ui.widgets.scatter import Entry, Name, Points, Shape, Style, Tip

COLOURS = {"class": "Class", "right": "Right or wrong", "confidence": "Confidence", "split": "Split"}
BINS = 10  # of confidence
NAME_ON_MAP = 22  # letters
GOLDEN = 137.508  # degrees between two hues in a row: the next classes of a list are far apart on the wheel
VAL_RADIUS, TRAIN_RADIUS = 3.4, 2.6
OTHERS = "other classes"
WRONG: Shape = "cross"


@dataclass(frozen=True, eq=False)
class Colouring:
    """Of each picture its entry in the legend; of each entry its name, colour and mark."""

    entries: np.ndarray
    labels: tuple[str, ...]
    colors: tuple[str, ...]
    shapes: tuple[Shape, ...]


def points(
    table: pd.DataFrame, places: np.ndarray, classes: tuple[str, ...], colour: str, chosen: Sequence[int] = ()
) -> Points:
    """The pictures of `table` (rows of `Mapped.table`) at their places (N, 2), coloured.

    Of chosen classes, if any, the pictures have their colour and lie on top; the others are grey.
    """
    colouring = _colouring(table, classes, colour, chosen)
    style, styles = _styles(table, colouring, both=table["val"].nunique() > 1)
    counts = np.bincount(colouring.entries, minlength=len(colouring.labels))
    of_class, picked = colour == "class", {classes[c] for c in chosen}
    legend = [
        Entry(label, color, int(count), shape, chosen=of_class and label in picked)
        for label, color, shape, count in zip(colouring.labels, colouring.colors, colouring.shapes, counts, strict=True)
    ]
    names = _names(table, places, classes, colouring) if of_class else []
    return Points(places[:, 0], places[:, 1], style, styles, legend, names, _tips(table, classes))


def class_colours(count: int) -> list[str]:
    """A colour for each class: ten that every eye tells apart; of more, hues far from those before, as light as each other."""
    if count <= len(palette.TEN):
        return palette.distinct(count)
    return [f"oklch({(0.62, 0.68, 0.56)[i % 3]} 0.16 {i * GOLDEN % 360:.0f})" for i in range(count)]


def _colouring(table: pd.DataFrame, classes: tuple[str, ...], colour: str, chosen: Sequence[int]) -> Colouring:
    if colour == "class":
        colors = class_colours(len(classes))
        if chosen:  # few, as a rule: colours easy to tell apart
            of_chosen = dict(zip(chosen, class_colours(len(chosen)), strict=True))
            colors = [of_chosen.get(place, theme.MUTED) for place in range(len(classes))]
        return Colouring(table["true"].to_numpy(), classes, tuple(colors), _dots(len(classes)))
    plain = _plain(table, colour)
    if not chosen:
        return plain
    grey = len(plain.labels)
    entries = np.where(np.isin(table["true"], list(chosen)), plain.entries, grey)
    return Colouring(entries, (*plain.labels, OTHERS), (*plain.colors, theme.MUTED), (*plain.shapes, "dot"))


def _plain(table: pd.DataFrame, colour: str) -> Colouring:
    if colour == "right":
        wrong = (~table["correct"]).to_numpy().astype(np.int64)
        return Colouring(wrong, ("right", "wrong"), (theme.BEST, theme.SELECTED), ("dot", WRONG))
    if colour == "split":
        train = (~table["val"]).to_numpy().astype(np.int64)
        return Colouring(train, ("val", "train"), (theme.VAL, theme.TRAIN), ("dot", "ring"))
    bins = np.minimum((table["confidence"].to_numpy() * BINS).astype(np.int64), BINS - 1)
    labels = tuple(f"{100 * i // BINS}–{100 * (i + 1) // BINS}% sure" for i in range(BINS))
    return Colouring(bins, labels, tuple(palette.ramp(BINS)), _dots(BINS))


def _dots(count: int) -> tuple[Shape, ...]:
    dot: Shape = "dot"
    return (dot,) * count


def _styles(table: pd.DataFrame, colouring: Colouring, *, both: bool) -> tuple[np.ndarray, list[Style]]:
    """Of each picture the number of its style, and the styles: where both splits are shown, training pictures are small rings."""
    train = (~table["val"]).to_numpy().astype(np.int64) if both else np.zeros(len(table), np.int64)
    codes, style = np.unique(colouring.entries * 2 + train, return_inverse=True)
    return style, [_style(colouring, int(code) // 2, is_train=bool(code % 2)) for code in codes]


def _style(colouring: Colouring, entry: int, *, is_train: bool) -> Style:
    color, shape = colouring.colors[entry], colouring.shapes[entry]
    layer = 0 if color == theme.MUTED else 1 + 2 * (shape == WRONG) + (not is_train)
    mark: Shape = "ring" if is_train and shape == "dot" else shape
    return Style(color, entry, mark, TRAIN_RADIUS if is_train else VAL_RADIUS, layer)


def _names(table: pd.DataFrame, places: np.ndarray, classes: tuple[str, ...], colouring: Colouring) -> list[Name]:
    """The class names, each in the middle of its pictures, those of the most pictures first."""
    short = short_names(classes, NAME_ON_MAP)
    true, names = table["true"].to_numpy(), []
    for place in np.argsort(-np.bincount(true, minlength=len(classes)), kind="stable"):
        rows = true == place
        if rows.any() and colouring.colors[place] != theme.MUTED:
            x, y = np.median(places[rows], axis=0)
            names.append(Name(short[place], float(x), float(y), int(place)))
    return names


def _tips(table: pd.DataFrame, classes: tuple[str, ...]) -> list[Tip]:
    """What is said of a picture at the pointer: its class, its answer, how sure, its split."""
    names = [shorten(clean(name), NAME_LENGTH) for name in classes]
    correct = table["correct"].to_numpy()
    answers = ["recognised", *(f"taken for {name}" for name in names)]
    sure = [f"{percent}% sure" for percent in range(101)]
    return [
        Tip(names, table["true"].to_numpy()),
        Tip(answers, np.where(correct, 0, table["predicted"].to_numpy() + 1)),
        Tip(sure, (table["confidence"].to_numpy() * 100).round().astype(np.int64)),
        Tip(["val", "train"], (~table["val"]).to_numpy().astype(np.int64)),
    ]
