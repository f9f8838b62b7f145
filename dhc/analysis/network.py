"""A network layer by layer: what each is called, what it makes of a picture, what it costs, what it sees. No Keras."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dhc.models import plan as p
from dhc.models.receptive import Field, fields

SIDE, CLASSES = 64, 96  # pixels of a picture; classes of the competition, where nothing says how many there are
# What a layer is called, as `dhc.training.probe` calls those that it watches: by kind and place, since Keras's own names count on.
KINDS: Mapping[type, str] = {
    p.Rescaling: "rescale",
    p.Resizing: "resize",
    p.Conv2D: "conv",
    p.Dense: "dense",
    p.ReLU: "relu",
    p.PReLU: "prelu",
    p.Add: "add",
    p.BatchNormalization: "norm",
    p.MaxPooling2D: "pool",
    p.Dropout: "dropout",
    p.Flatten: "flatten",
    p.GlobalAveragePooling2D: "average",
}
NUMBERED = ("conv", "dense", "relu", "prelu", "norm", "pool", "dropout")  # of the others a network has one at most
UNITS = (p.Conv2D, p.Dense)  # layers whose units learn to see something
FLOPS = (
    "Floating-point operations of one picture's way through the layer, forwards: a multiply–add counts 2. "
    "Those of normalisation, activation and pooling are few and count 0."
)
FIELD = (
    f"The receptive field: the side of the square of the picture that one unit in the middle sees, {SIDE} pixels at most, and how far apart "
    "two neighbouring units look. At the border a part of the square lies outside, and what pooling leaves over there is not seen."
)


@dataclass(frozen=True)
class NetworkLayer:
    """One layer of the network that is judged, augmentation left out.

    place        from 0, among those layers; the saved network has them in the same order
    name, words  ``conv 3``; what it does, with its settings
    shape        of its output for one picture, without the batch
    parameters   weights, moving statistics too; flops: see FLOPS
    field        what one unit sees
    """

    place: int
    name: str
    words: str
    layer: p.Layer
    shape: p.Shape
    parameters: int
    flops: int
    field: Field

    @property
    def kind(self) -> str:
        """The word of its name that says what it is."""
        return KINDS[type(self.layer)]

    @property
    def has_maps(self) -> bool:
        """Whether its output is feature maps, (height, width, channels), and no vector."""
        return len(self.shape) == 3

    @property
    def has_units(self) -> bool:
        """Whether it has units that learn to see something: convolutions and dense layers."""
        return isinstance(self.layer, UNITS)

    @property
    def skipped(self) -> int | None:
        """The place of the layer whose output it adds, where it ends a skip."""
        return self.place - self.layer.back if isinstance(self.layer, p.Add) else None

    @property
    def seen(self) -> int:
        """The side of the square that one unit sees, capped at the picture's."""
        return self.field.seen(SIDE)

    def record(self) -> dict[str, Any]:
        """The layer as JSON has it."""
        return {
            "layer": self.name,
            "kind": type(self.layer).__name__,
            "does": self.words,
            "shape": list(self.shape),
            "parameters": self.parameters,
            "flops": self.flops,
            "field": self.seen,
            "field_uncapped": self.field.size,
            "step": self.field.step if self.has_maps else None,
        }


def judged(plan: p.Plan) -> p.Plan:
    """The layers of a plan that act where a network answers: without augmentation, which passes pictures through."""
    return tuple(layer for layer in plan if not isinstance(layer, p.RANDOM))


def network_layers(plan: p.Plan) -> tuple[NetworkLayer, ...]:
    """The layers of a plan's network. Raises ValueError as `measure` does."""
    rows = p.measure(judged(plan), (SIDE, SIDE, 3))
    counts: Counter[str] = Counter()
    layers: list[NetworkLayer] = []
    for place, (row, field) in enumerate(zip(rows, fields(rows, SIDE), strict=True)):
        kind = KINDS[type(row.layer)]
        counts[kind] += 1
        name = f"{kind} {counts[kind]}" if kind in NUMBERED or counts[kind] > 1 else kind
        words = (
            f"{words_of(row.layer)} {layers[-row.layer.back].name}"
            if isinstance(row.layer, p.Add)
            else words_of(row.layer)
        )
        layers.append(NetworkLayer(place, name, words, row.layer, row.shape, row.parameters, row.flops, field))
    return tuple(layers)


def words_of(layer: p.Layer) -> str:
    """What a layer does, in a few words."""
    match layer:
        case p.Conv2D(filters, kernel, strides, padding, activation):
            step = f", every {strides} pixels" if strides > 1 else ""
            edge = ", unpadded" if padding == "valid" else ""
            fixed = ", whitening, fixed" if layer.whitened else ""
            return f"{filters:,} filters of {kernel}×{kernel}{step}{edge}{fixed}{_then(activation)}"
        case p.Dense(units, activation):
            return f"{units:,} units{_then(activation)}"
        case p.ReLU(slope):
            return f"below 0 times {slope:g}" if slope else "below 0 to 0"
        case p.PReLU():
            return "below 0 times a slope that each map or unit learns"
        case p.Add():
            return "a skip: added to it, the output of"
        case p.MaxPooling2D(pool, strides):
            return f"largest of {pool}×{pool}, every {strides or pool} pixels"
        case p.BatchNormalization(momentum):
            return f"each channel to mean 0, spread 1 (momentum {momentum:g})"
        case p.Dropout(rate):
            return f"{rate:.0%} set to 0 while training"
        case p.Resizing(side):
            return f"pictures of {side}×{side}"
        case p.Rescaling(scale):
            return f"bytes times {scale:.4g}"
        case p.Flatten():
            return "maps to one vector"
        case _:
            return "the mean of each map"


def _then(activation: p.Activation) -> str:
    return "" if activation == "linear" else f", {activation}"


def shape_text(shape: Sequence[int]) -> str:
    """``31×31×128`` of maps, ``4,069`` of a vector."""
    return "×".join(f"{side:,}" for side in shape)


def field_text(layer: NetworkLayer) -> str:
    """``24×24, every 4``; ``64×64, all`` where a unit sees the whole picture; of a vector's only the square."""
    square = f"{layer.seen}×{layer.seen}"
    if layer.seen == SIDE:
        return f"{square}, all"
    return f"{square}, every {layer.field.step:g}" if layer.has_maps else square
