"""What XLA computes slowly as Keras says it, said otherwise: for JAX alone. Imports JAX.

On a GPU a step takes as long as its maps are read and written. Said as here, XLA takes both averages of a normalisation in one pass, and the
way back through a pooling joins what comes before it.
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


def pooled(x: Any, side: int) -> Any:
    """The largest of each square of `side` places, (B, H // side, W // side, C) of (B, H, W, C); what is left over at the edges is not seen."""
    return _pooled(x, side, x.shape[1:3])


@functools.partial(jax.custom_vjp, nondiff_argnums=(1, 2))
def _pooled(x: Any, side: int, size: tuple[int, int]) -> Any:
    return functools.reduce(jnp.maximum, _places(x, side))


def _with_winners(x: Any, side: int, size: tuple[int, int]) -> tuple[Any, Any]:
    """The same, and which of its places each came from, the first of equals."""
    places = _places(x, side)
    largest = functools.reduce(jnp.maximum, places)
    winner = jnp.full(largest.shape, len(places) - 1, jnp.int8)
    for number in reversed(range(len(places) - 1)):
        winner = jnp.where(places[number] == largest, jnp.int8(number), winner)
    return largest, winner


def _slope(side: int, size: tuple[int, int], winner: Any, slope: Any) -> tuple[Any]:
    """Of each place: that of the square where it has won, else 0."""
    count, rows, columns, maps = slope.shape
    spread = (count, rows, side, columns, side, maps)
    number = jnp.arange(side * side, dtype=jnp.int8).reshape(1, 1, side, 1, side, 1)
    winners, slopes = (jnp.broadcast_to(part[:, :, None, :, None], spread) for part in (winner, slope))
    squares = jnp.where(winners == number, slopes, 0).reshape(count, rows * side, columns * side, maps)
    unseen = (size[0] - rows * side, size[1] - columns * side)
    return (jnp.pad(squares, ((0, 0), (0, unseen[0]), (0, unseen[1]), (0, 0))),)


_pooled.defvjp(_with_winners, _slope)


def _places(x: Any, side: int) -> list[Any]:
    """Each place of the squares, row by row: (B, H // side, W // side, C)."""
    height, width = (length // side * side for length in x.shape[1:3])
    return [x[:, row:height:side, column:width:side] for row in range(side) for column in range(side)]
