"""What a network looks at: maps of which parts of a picture speak for a class. Imports Keras.

Each takes a model of ours, pictures (B, 64, 64, 3) uint8 and the class of each, (B,) int; each gives (B, h, w) float32. Such a map says
where a score hangs on the picture, not why; some maps hardly change when the weights are made random (Adebayo et al., "Sanity checks
for saliency maps", 2018), so the same map of `random_twin` belongs beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from dhc.explain.parts import BATCH, above, below, convolutions, gradient

SAMPLES, NOISE = 16, 0.15  # of SmoothGrad: copies, and their noise as a share of the picture's range
PATCH, STRIDE = 12, 4  # of the occlusion map, in pixels
GREY = 127.5


def grad_cam(model: keras.Model, x: np.ndarray, classes: np.ndarray, layer: int = -1) -> np.ndarray:
    """Grad-CAM (Selvaraju et al., 2017): the layer's maps, weighed by the mean slope of the score in each; below 0 is cut.

    Of the convolution `layer`, counted from 0, the last one if not said; as large as its maps.
    """
    maps, slopes = _at(model, x, classes, layer)
    weights = slopes.mean(axis=(1, 2), keepdims=True)
    return np.asarray(np.maximum((maps * weights).sum(axis=-1), 0))


def grad_cam_pp(model: keras.Model, x: np.ndarray, classes: np.ndarray, layer: int = -1) -> np.ndarray:
    """Grad-CAM++ (Chattopadhay et al., 2018): places with a positive slope count, by how much the exponential of the score bends there."""
    maps, slopes = _at(model, x, classes, layer)
    second, third = slopes**2, slopes**3  # the factor exp(score) of each cancels in the shares
    below_line = 2 * second + third * maps.sum(axis=(1, 2), keepdims=True)
    shares = second / np.where(second == 0, 1, below_line)
    sums = shares.sum(axis=(1, 2), keepdims=True)
    shares /= np.where(sums == 0, 1, sums)
    # exp(score) only scales a picture's whole map; without it no score is too large
    weights = (np.maximum(slopes, 0) * shares).sum(axis=(1, 2), keepdims=True)
    return np.asarray(np.maximum((weights * maps).sum(axis=-1), 0))


def saliency(
    model: keras.Model, x: np.ndarray, classes: np.ndarray, *, samples: int = SAMPLES, seed: int = 0
) -> np.ndarray:
    """The steepest slope of the score in each pixel, the largest of its three colours by size (Simonyan et al., 2014).

    Of SmoothGrad (Smilkov et al., 2017) the mean size over `samples` noisy copies, so that slopes of two signs do not cancel, as
    tf-keras-vis takes it; of one the picture's own.
    """
    part, rng = above(model), np.random.default_rng(seed)
    return np.stack(
        [_saliency(part, picture, chosen, samples, rng) for picture, chosen in zip(x, classes, strict=True)]
    )


def _saliency(part: keras.Model, x: np.ndarray, chosen: int, samples: int, rng: np.random.Generator) -> np.ndarray:
    """The map of one picture, whose noisy copies go through the network together."""
    copies = np.repeat(x[None].astype(np.float32), samples, axis=0)
    if samples > 1:
        copies += rng.normal(0, NOISE * (float(x.max()) - float(x.min())), copies.shape).astype(np.float32)
    slopes = gradient(_score(part, np.full(samples, chosen)), copies)
    return np.asarray(np.abs(slopes).mean(axis=0).max(axis=-1))


def occlusion(
    model: keras.Model, x: np.ndarray, classes: np.ndarray, *, patch: int = PATCH, stride: int = STRIDE
) -> np.ndarray:
    """How much of the class's probability a grey square takes away, the mean over the squares on each pixel (Zeiler and Fergus, 2014).

    Below 0 where the answer becomes surer. No gradient is asked, so it is true of any classifier. A picture that stands twice in a row, for two
    classes, is covered once.
    """
    side = x.shape[1]
    corners = [(top, left) for top in _starts(side, patch, stride) for left in _starts(side, patch, stride)]
    loss, count = np.zeros(x.shape[:3], np.float32), np.zeros((side, side), np.float32)
    for top, left in corners:
        count[top : top + patch, left : left + patch] += 1
    before = _probabilities(model, x)
    for number, (picture, sum_of_picture, chosen) in enumerate(zip(x, loss, classes, strict=True)):
        if not number or not np.array_equal(picture, x[number - 1]):
            after = _probabilities(model, _covered(picture, corners, patch))
        for drop, (top, left) in zip(before[number, chosen] - after[:, chosen], corners, strict=True):
            sum_of_picture[top : top + patch, left : left + patch] += drop
    return loss / count


def _covered(picture: np.ndarray, corners: Sequence[tuple[int, int]], patch: int) -> np.ndarray:
    """A copy of the picture for each corner, with a grey square there."""
    copies = np.repeat(picture[None], len(corners), axis=0)
    for copy, (top, left) in zip(copies, corners, strict=True):
        copy[top : top + patch, left : left + patch] = round(GREY)
    return copies


def random_twin(model: keras.Model, seed: int = 0) -> keras.Model:
    """A network like it, with weights drawn anew: what a map says of it, it does not say of what was learned."""
    keras.utils.set_random_seed(seed)
    return keras.models.clone_model(model)


def _starts(side: int, patch: int, stride: int) -> list[int]:
    """Where squares begin, so that each pixel lies under one."""
    last = side - patch
    return sorted({*range(0, last + 1, stride), last})


def _at(model: keras.Model, x: np.ndarray, classes: np.ndarray, layer: int) -> tuple[np.ndarray, np.ndarray]:
    """The layer's maps and the slopes of the classes' scores there, both (B, h, w, C) float32."""
    name = convolutions(model)[layer]
    values = below(model, name)(x, training=False)
    maps, *passed = values if isinstance(values, list) else [values]  # Keras takes a list of one apart
    maps = np.asarray(maps, np.float32)
    return maps, gradient(_score(above(model, name), classes, passed), maps)


def _score(part: keras.Model, classes: np.ndarray, passed: Sequence[Any] = ()) -> Callable[[Any], Any]:
    """The score of each picture's class, where the values that skips lead past the point stay as they are."""
    chosen = keras.ops.one_hot(np.asarray(classes, np.int32), part.output.shape[-1])
    still = [keras.ops.cast(values, "float32") for values in passed]
    return lambda point: keras.ops.sum(part([point, *still] if still else point, training=False) * chosen, axis=-1)


def _probabilities(model: keras.Model, x: np.ndarray) -> np.ndarray:
    parts = [model(x[start : start + BATCH], training=False) for start in range(0, len(x), BATCH)]
    return np.concatenate([np.asarray(part, np.float32) for part in parts])
