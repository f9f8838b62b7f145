"""A network looked at through a few fixed pictures: activations and gradients, layer by layer. Imports Keras.

Nothing of the model is called or changed: its weights are read, and its layers are computed anew from them in float32, without dropout and
augmentation. So no random stream moves, no moving average does, and neither 16 bits nor loss scaling colours a figure.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import layers as kl
from keras import ops

from dhc.models import chain
from dhc.models.affine import RandomAffine

SAMPLE = 16_384  # values of a layer that its histogram is drawn from
CERTAIN = 0.99  # a largest probability above which an answer counts as saturated
RANDOM = (
    RandomAffine,
    kl.Dropout,
    *(kl.RandomFlip, kl.RandomRotation, kl.RandomZoom, kl.RandomShear, kl.RandomTranslation, kl.RandomErasing),
)
WEIGHTED = (kl.Conv2D, kl.Dense, kl.BatchNormalization, kl.PReLU)  # layers that compute with weights
KINDS = ((kl.Conv2D, "conv"), (kl.Dense, "dense"), (kl.BatchNormalization, "norm"))
Weights = list[list[Any]]  # by layer of the model: its weights as float32 tensors, in Keras's order


@dataclass(frozen=True, eq=False)
class Look:
    """What one look shows, by watched layer: (L,) float64 arrays, NaN where a layer has no such figure.

    gradient_norm   of the loss by all trainable weights of the layer, batch normalisation as in training
    dead_share      0 to 1 of a ReLU layer's units or channels that are 0 on every picture, at every place
    mean, std       of the activations
    mean_largest    of the softmax's largest probability; share_certain: of pictures where it is above CERTAIN
    weights, activations   L samples each, of at most SAMPLE values or a few more
    """

    gradient_norm: np.ndarray
    dead_share: np.ndarray
    mean: np.ndarray
    std: np.ndarray
    mean_largest: float
    share_certain: float
    weights: list[np.ndarray]
    activations: list[np.ndarray]


class Probe:
    """Looks at a model through x (B, 64, 64, 3) uint8 with labels y (B,); gradients on the first `few` of them.

    `names` are those of the watched layers, in their order: the ones that have weights.
    """

    def __init__(self, model: keras.Model, x: np.ndarray, y: np.ndarray, few: int) -> None:
        self._layers: list[keras.Layer] = model.layers
        self._watched = [number for number, layer in enumerate(self._layers) if _kind(layer)]
        self._x, self._y = np.asarray(x), np.asarray(y, np.int32)
        self._few = few
        self._look = _compiled(self._tensors)
        self.names = _names([self._layers[number] for number in self._watched])

    def kernels(self) -> list[Any]:
        """The weights of each watched layer that its input is multiplied with."""
        return [self._layers[number].weights[0] for number in self._watched]

    def learns(self) -> list[bool]:
        """Whether training changes those weights."""
        return [kernel.trainable for kernel in self.kernels()]

    def look(self) -> Look:
        """The figures of the model as it stands."""
        of_layers = [layer.weights if isinstance(layer, WEIGHTED) else [] for layer in self._layers]
        weights = [[ops.cast(weight, "float32") for weight in some] for some in of_layers]
        figures, samples, probabilities = self._look(weights, self._x, self._y)
        columns = np.array([[_number(value) for value in row] for row in figures], np.float64)
        largest = ops.convert_to_numpy(probabilities).max(axis=1)
        gradient_norm, dead_share, mean, std = columns.T
        return Look(
            gradient_norm=gradient_norm,
            dead_share=dead_share,
            mean=mean,
            std=std,
            mean_largest=float(largest.mean()),
            share_certain=float((largest > CERTAIN).mean()),
            weights=[ops.convert_to_numpy(pair[0]) for pair in samples],
            activations=[ops.convert_to_numpy(pair[1]) for pair in samples],
        )

    def _tensors(self, weights: Weights, x: Any, y: Any) -> tuple[list[list[Any]], list[list[Any]], Any]:
        """By watched layer its figures and samples, and the probabilities (B, K)."""
        gradients = _gradients(lambda some, x, y: self._loss(some, weights, x, y), self._trained(weights))(
            x[: self._few], y[: self._few]
        )
        figures: list[list[Any]] = []
        samples: list[list[Any]] = []

        def output(place: int, taken: Any) -> Any:
            return _output(self._layers[place], weights[place], taken, batch_statistics=False)

        for place, out in enumerate(chain.outputs(self._layers, ops.convert_to_tensor(x), output), start=1):
            if place in self._watched:
                learning = zip(gradients[len(figures)], self._layers[place].weights, strict=False)
                norm = ops.sqrt(sum(ops.sum(ops.square(slope)) for slope, weight in learning if weight.trainable))
                figures.append([norm, _dead_share(self._layers[place], out), ops.mean(out), ops.std(out)])
                samples.append([_sample(weights[place][0]), _sample(out)])
        return figures, samples, out

    def _trained(self, weights: Weights) -> Weights:
        """Of each watched layer the weights that training changes: the first two, where there are two."""
        return [weights[number][:2] for number in self._watched]

    def _loss(self, trained: Weights, weights: Weights, x: Any, y: Any) -> Any:
        """Mean cross-entropy from logits, which no rounding of a probability to 0 or 1 flattens."""
        values = list(weights)
        for number, some in zip(self._watched, trained, strict=True):
            values[number] = [*some, *weights[number][2:]]
        last = len(self._layers) - 1

        def output(place: int, taken: Any) -> Any:
            return _output(self._layers[place], values[place], taken, batch_statistics=True, logits=place == last)

        *_, out = chain.outputs(self._layers, ops.convert_to_tensor(x), output)
        losses = keras.losses.sparse_categorical_crossentropy(ops.convert_to_tensor(y), out, from_logits=True)
        return ops.mean(losses)


def _kind(layer: keras.Layer) -> str:
    """What a watched layer is called; "" for the others."""
    return next((name for kind, name in KINDS if isinstance(layer, kind)), "")


def _names(layers: Sequence[keras.Layer]) -> list[str]:
    """conv 1, norm 1, conv 2, …, dense 1: by place, since Keras's own names count on from network to network."""
    counts: Counter[str] = Counter()
    names = []
    for kind in map(_kind, layers):
        counts[kind] += 1
        names.append(f"{kind} {counts[kind]}")
    return names


def _output(layer: keras.Layer, weights: list[Any], x: Any, *, batch_statistics: bool, logits: bool = False) -> Any:
    """What the layer makes of x in float32, outside training but for `batch_statistics`."""
    match layer:
        case kl.Rescaling():
            return ops.cast(x, "float32") * layer.scale + layer.offset  # until here they are bytes, as in training
        case kl.Conv2D():
            out = ops.conv(x, weights[0], strides=layer.strides, padding=layer.padding)
        case kl.Dense():
            out = ops.matmul(x, weights[0])
        case kl.BatchNormalization():
            return _normalised(x, weights, layer.epsilon, batch_statistics)
        case kl.PReLU():
            return ops.where(x > 0, x, weights[0] * x)
        case _ if isinstance(layer, RANDOM):
            return x
        case _:
            return layer.call(x)
    out = out + weights[1]
    return out if logits else layer.activation(out)


def _normalised(x: Any, weights: list[Any], epsilon: float, batch_statistics: bool) -> Any:
    """Batch normalisation by the batch's own mean and variance, or by the averages; one kernel where TensorFlow has it."""
    gamma, beta, *averages = weights
    if keras.backend.backend() == "tensorflow" and len(x.shape) == 4:
        import tensorflow as tf

        statistics = {} if batch_statistics else dict(zip(("mean", "variance"), averages, strict=True))
        options = {"epsilon": epsilon, "is_training": batch_statistics, **statistics}
        return tf.compat.v1.nn.fused_batch_norm(x, gamma, beta, **options)[0]
    mean, variance = ops.moments(x, axes=list(range(len(x.shape) - 1))) if batch_statistics else averages
    return (x - mean) * (gamma * ops.rsqrt(variance + epsilon)) + beta


def _dead_share(layer: keras.Layer, out: Any) -> Any:
    if getattr(layer, "activation", None) is not keras.activations.relu:
        return math.nan
    highest = ops.max(out, axis=list(range(len(out.shape) - 1)))
    return ops.mean(ops.cast(highest <= 0, "float32"))


def _sample(values: Any) -> Any:
    """Every so many-th of a tensor's values: an odd number, so that all channels, mostly 16 n, take part."""
    step = max(1, math.prod(values.shape) // SAMPLE) | 1
    return ops.reshape(values, (-1,))[::step]


def _number(value: Any) -> float:
    return value if isinstance(value, float) else float(ops.convert_to_numpy(value))


def _compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compiled on JAX, where each operation by itself would be; as it is elsewhere: tracing takes longer than one look."""
    if keras.backend.backend() == "jax":
        import jax

        return jax.jit(function)  # type: ignore[no-any-return]
    return function


def _gradients(loss: Callable[..., Any], weights: Weights) -> Callable[..., Weights]:
    """A function of (x, y) that gives the loss's gradients by the weights, in the same lists."""

    def by_backend(x: Any, y: Any) -> Weights:
        match keras.backend.backend():
            case "tensorflow":
                import tensorflow as tf

                with tf.GradientTape(watch_accessed_variables=False) as tape:
                    tape.watch(weights)
                    value = loss(weights, x, y)
                return tape.gradient(value, weights)  # type: ignore[no-any-return]
            case "jax":
                import jax

                return jax.grad(loss)(weights, x, y)  # type: ignore[no-any-return]
        import torch

        leaves = [[value.detach().requires_grad_() for value in some] for some in weights]
        flat = torch.autograd.grad(loss(leaves, x, y), [value for some in leaves for value in some])
        values = iter(flat)
        return [[next(values) for _ in some] for some in weights]

    return by_backend
