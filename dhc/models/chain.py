"""A Keras model of ours as the chain of layers that its plan describes, skips and all. Imports Keras.

Each layer takes the output of the one before it; an `Add` takes that of an earlier one besides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import keras


def skips(layers: Sequence[keras.Layer]) -> Mapping[int, int]:
    """The place of each `Add` among a model's layers, and the place of the layer whose output it adds to the last one."""
    return {
        place: next(
            earlier for earlier in range(place - 1) if any(layers[earlier].output is each for each in layer.input)
        )
        for place, layer in enumerate(layers)
        if isinstance(layer, keras.layers.Add)
    }


def outputs(
    layers: Sequence[keras.Layer],
    x: Any,
    call: Callable[[int, Any], Any],
    start: int = 1,
    waiting: Mapping[int, Any] | None = None,
) -> Iterator[Any]:
    """What each of a model's layers from the place `start` on makes of `x`, the output of the one before them, in order.

    ``call(place, inputs)`` is asked for it; an `Add` takes a list of two. `waiting` has, by place, those outputs of layers before
    `start` that a later one adds. An output is held on to only for as long as that.
    """
    sources = skips(layers)
    held = {start - 1: x, **(waiting or {})}
    for place in range(start, len(layers)):
        x = call(place, [x, held[sources[place]]] if place in sources else x)
        held[place] = x
        later = _later(sources, place)
        held = {earlier: values for earlier, values in held.items() if earlier in later}
        yield x


def awaited(layers: Sequence[keras.Layer], place: int) -> tuple[int, ...]:
    """The places of the layers before `place` whose outputs layers behind it add, rising."""
    return tuple(sorted(source for source in _later(skips(layers), place) if source < place))


def _later(sources: Mapping[int, int], place: int) -> set[int]:
    """The places of the layers whose outputs are added behind `place`."""
    return {source for at, source in sources.items() if at > place}
