"""Receptive field: what one number of a layer of the report's network sees of the picture."""

from __future__ import annotations

from typing import Final

from dhc.models.plan import Conv2D
from dhc.teaching.facts.seeing import SeeingLayer, seeing_layers
from dhc.teaching.words import Words, common
from dhc.ui.lessons import picture
from dhc.ui.shell import address
from dhc.ui.widgets import field as widget
from dhc.ui.widgets.field import At, FieldLayer

KEY: Final = "dhc_lesson_receptive-field_"
FIRST: Final = 6  # the layer that is shown first: its numbers see a part that can be recognised
LAYER, UNIT = "layer", "unit"  # in the address


def draw(words: Words) -> None:
    """The picture, and the layer's map beside it."""
    pixels = picture.choose(words)
    layers = [FieldLayer(_text(words, layer), layer.field.spans) for layer in seeing_layers()]
    texts = {name: words(name) for name in ("picture", "map", "layer", "help")}
    texts["spoken"] = words.labels["spoken"]  # the browser fills it
    texts |= {name: common(words.language, f"window_{name}") for name in ("play", "pause")}
    widget.field(pixels, layers, key=KEY + "figure", at=_at(layers), words=texts)


def _at(layers: list[FieldLayer]) -> At:
    """What was just come to, else what the address says, else the middle of a layer."""
    moved = widget.gesture(KEY + "figure", layers)
    if moved is not None:
        layer, row, column = moved
        address.put(**{LAYER: None if layer == FIRST else layer, UNIT: f"{row},{column}"})
    number = address.integer(LAYER, low=0, high=len(layers) - 1)
    layer = FIRST if number is None else number
    units = len(layers[layer].spans)
    row, column = address.pair(UNIT, below=units) or (units // 2, units // 2)
    return layer, row, column


def _text(words: Words, layer: SeeingLayer) -> str:
    kind = "convolution" if isinstance(layer.layer, Conv2D) else "pooling"
    name = words(kind, number=layer.number)
    side = len(layer.field.spans)
    return words("sees", name=name, side=side, size=layer.field.size, step=layer.field.step)
