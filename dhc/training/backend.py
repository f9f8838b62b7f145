"""What Keras leaves to its backends: which GPUs they see, and their versions. Imports Keras."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from dhc.data.select import RunData
from dhc.runs.contract import Environment
from dhc.training import results


def visible_gpus() -> int:
    """How many GPUs the active backend can use."""
    match keras.backend.backend():
        case "tensorflow":
            import tensorflow as tf

            return len(tf.config.list_physical_devices("GPU"))
        case "jax":
            import jax

            return sum(device.platform != "cpu" for device in jax.devices())
        case "torch":
            import torch

            return int(torch.cuda.device_count())
    return 0


def batches(x: np.ndarray, size: int) -> Any:
    """What `predict` takes for `x` (N, …), in batches of `size`, again and again.

    TensorFlow would copy the array and lay a new pipeline for each pass, which takes longer than to judge some hundred pictures.
    """
    if keras.backend.backend() != "tensorflow":
        return x
    import tensorflow as tf

    with tf.device("CPU"):
        return tf.data.Dataset.from_tensor_slices(x).batch(size).prefetch(tf.data.AUTOTUNE)


def environment_record(device: str, seed: int, data: RunData) -> Environment:
    """The circumstances of a network's training."""
    backend = keras.backend.backend()
    return results.environment(
        ("keras", backend, "numpy", "opencv-python-headless", "dhc"),
        device=device,
        seed=seed,
        data=data,
        backend=backend,
        precision=keras.config.dtype_policy().name,
    )
