"""``python -m tests.evil_networks MARK FOLDER``: saves real networks of Keras, two of which carry code.

plain.keras; lambda.keras, a Lambda layer of which makes the folder MARK; registered.keras, with a layer of its own.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import keras
from keras import layers as kl


@keras.saving.register_keras_serializable("evil")
class Evil(kl.Layer):  # type: ignore[misc]
    """A layer that no other process knows."""

    def call(self, x: Any) -> Any:
        return x


def save(path: Path, *layers: kl.Layer) -> None:
    """A network of three classes with these layers in the middle."""
    x = inputs = keras.Input((64, 64, 3), dtype="uint8")
    x = kl.Flatten()(kl.Rescaling(1 / 255)(x))
    for layer in layers:
        x = layer(x)
    keras.Model(inputs, kl.Dense(3, activation="softmax", dtype="float32")(x)).save(path)


if __name__ == "__main__":
    mark, folder = sys.argv[1], Path(sys.argv[2])
    save(folder / "plain.keras")
    code = kl.Lambda(lambda x, mark=mark: (__import__("os").makedirs(mark, exist_ok=True), x)[1])
    save(folder / "lambda.keras", code)
    save(folder / "registered.keras", Evil())
    if Path(mark).exists():
        Path(mark).rmdir()
