"""What training makes of a picture: draws by the very layers of a config's augmentation."""

from __future__ import annotations

import numpy as np

from dhc.config import RunConfig
from dhc.files.messages import Message
from dhc.machine.keras_import import import_keras
from dhc.models.augment import on_input
from dhc.models.beforehand import Beforehand

MOST = 64  # draws of one question


def augment(question: Message) -> Message:
    """Draws of the picture ``x``, (64, 64, 3) uint8: an array ``x``, (draws, 64, 64, 3) uint8.

    ``settings`` are those of the section ``augment`` by their keys, ``seed`` decides the draws. Raises ConfigError.
    """
    picture, count = question.arrays["x"], int(question.values["draws"])
    assert picture.shape == (64, 64, 3)
    assert picture.dtype == np.uint8
    assert 1 <= count <= MOST
    settings = {f"augment.{key}": value for key, value in question.values["settings"].items()}
    config = RunConfig().with_values(settings)
    return Message({}, {"x": draws(config, picture, count, int(question.values["seed"]))})


def draws(config: RunConfig, picture: np.ndarray, count: int, seed: int) -> np.ndarray:
    """(count, 64, 64, 3) uint8: the picture as so many epochs of training would see it, by the config's layers."""
    batch = np.repeat(picture[None], count, axis=0)
    beforehand, row = Beforehand(config.augment, 1, seed), np.zeros(1, int)
    draw = np.random.default_rng(seed)
    batch = np.concatenate([beforehand.alone(x[None], row, epoch, draw) for epoch, x in enumerate(batch)])
    plan = on_input(config.augment)
    if not plan:
        return batch
    import_keras()  # seconds, and only a process of its own may have it
    from dhc.models.build import build

    values = np.asarray(build(plan, seed=seed, fast=True)(batch, training=True))
    pictures: np.ndarray = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return pictures
