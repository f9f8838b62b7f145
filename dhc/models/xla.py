"""What XLA computes slowly as Keras says it, said otherwise: for JAX alone. Imports JAX.

On a GPU a step is as long as the maps are read and written often. Written as here, XLA takes both averages of a normalisation in one pass, and
the way back through a pooling needs none of its own.
"""

from __future__ import annotations

import functools
from typing import Any

import jax
from jax import numpy as jnp


def normalized(x: Any, gamma: Any, beta: Any, epsilon: float) -> tuple[Any, Any, Any]:
    """Maps (B, H, W, C) of mean 0 and variance 1 by channel, times `gamma` plus `beta` (C,), in their dtype; mean and biased variance (C,) float32."""
    wide = x.astype(jnp.float32)
    mean = wide.mean((0, 1, 2))
    variance = jnp.maximum((wide * wide).mean((0, 1, 2)) - mean * mean, 0)
    factor = gamma * jax.lax.rsqrt(variance + epsilon)
    return (wide * factor + (beta - mean * factor)).astype(x.dtype), mean, variance


@functools.partial(jax.custom_vjp, nondiff_argnums=(1,))
def pooled(x: Any, side: int) -> Any:
    """The largest of each square of `side` places, (B, H // side, W // side, C) of (B, H, W, C); what is left over at the edges is not seen."""
    return functools.reduce(jnp.maximum, _places(x, side))


def _forth(x: Any, side: int) -> tuple[Any, Any]:
    """The same, and which of its places each came from, the first of equals; the shape rides along for the way back."""
    largest = pooled(x, side)
    places = _places(x, side)
    number = jnp.full(largest.shape, len(places) - 1, jnp.int8)
    for earlier in reversed(range(len(places) - 1)):
        number = jnp.where(places[earlier] == largest, jnp.int8(earlier), number)
    return largest, (number, jnp.zeros((0, *x.shape[1:3]), jnp.int8))


def _back(side: int, kept: Any, slope: Any) -> tuple[Any]:
    number, form = kept
    size, height, width, maps = slope.shape
    spread = (size, height, side, width, side, maps)
    here = jnp.arange(side * side, dtype=jnp.int8).reshape(1, 1, side, 1, side, 1)
    apart = [jnp.broadcast_to(part[:, :, None, :, None], spread) for part in (number, slope)]
    whole = jnp.where(apart[0] == here, apart[1], 0).reshape(size, height * side, width * side, maps)
    rest = [total - seen for total, seen in zip(form.shape[1:], whole.shape[1:3], strict=True)]
    return (jnp.pad(whole, ((0, 0), (0, rest[0]), (0, rest[1]), (0, 0))),)


pooled.defvjp(_forth, _back)


def _places(x: Any, side: int) -> list[Any]:
    """Each place of the squares, row by row: (B, H // side, W // side, C)."""
    height, width = (length // side * side for length in x.shape[1:3])
    return [x[:, row:height:side, column:width:side] for row in range(side) for column in range(side)]
