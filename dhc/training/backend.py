"""What Keras leaves to its backends: which GPUs they see, and their versions. Imports Keras."""

from __future__ import annotations

import keras

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
