"""The stops of a walk: every layer that training has, augmentation too, which passes pictures through outside of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dhc.analysis.network import NetworkLayer
from dhc.models import plan as p
from dhc.models.ladder import plan_of
from dhc.teaching.words import Labels
from dhc.ui.network.subject import Subject

AUGMENT = "augment"
DOES: Mapping[type, str] = {  # in the language files, by what augmentation is left out
    p.RandomFlip: "does_flip",
    p.RandomRotation: "does_rotation",
    p.RandomZoom: "does_zoom",
    p.RandomShear: "does_shear",
    p.RandomTranslation: "does_translation",
    p.RandomErasing: "does_erasing",
}


@dataclass(frozen=True)
class Stop:
    """A layer on the way. name: as addresses have it. row: the layer of the network that answers, None for augmentation.

    skipped: the layer whose output is added here, None where there is no skip.
    """

    name: str
    layer: p.Layer
    row: NetworkLayer | None
    skipped: Stop | None = None

    @property
    def kind(self) -> str:
        """``conv``, ``norm``, ``augment`` …"""
        return AUGMENT if self.row is None else self.row.kind

    def title(self, words: Labels) -> str:
        """What it is called in the words' language."""
        kind, _, number = self.name.partition(" ")
        return f"{words(f'name_{kind}')} {number}".strip()

    def does(self, words: Labels) -> str:
        """What it does, in a sentence."""
        match self.layer:
            case p.Conv2D(filters, kernel, strides, padding, activation):
                edge = words("edge_zeros" if padding == "same" else "edge_none")
                acts = words(activation)
                return words("does_conv", filters=filters, side=kernel, step=strides, edge=edge, activation=acts)
            case p.Dense(units, activation):
                return words("does_dense", units=units, activation=words(activation))
            case p.ReLU(slope) if slope:
                return words("does_leaky", slope=slope)
            case p.Add():
                assert self.skipped is not None
                return words("does_add", other=self.skipped.title(words))
            case p.MaxPooling2D(pool, strides):
                return words("does_pool", side=pool, step=strides or pool)
            case p.Dropout(rate):
                return words("does_dropout", percent=100 * rate, factor=1 / (1 - rate) if rate < 1 else 1)
            case p.Resizing(side):
                return words("does_resize", side=side)
            case layer if isinstance(layer, p.RANDOM):
                return words("does_augment", what=words(DOES[type(self.layer)]))
            case _:
                return words(f"does_{self.kind}")


def stops_of(subject: Subject) -> tuple[Stop, ...]:
    """Every layer of the subject's settings, in order."""
    rows, augmentations = iter(subject.layers), 0
    stops: list[Stop] = []
    for layer in plan_of(subject.config, subject.classes):
        if isinstance(layer, p.RANDOM):
            augmentations += 1
            stops.append(Stop(f"{AUGMENT} {augmentations}", layer, None))
        else:
            row = next(rows)
            stops.append(Stop(row.name, layer, row, stops[-layer.back] if isinstance(layer, p.Add) else None))
    return tuple(stops)
