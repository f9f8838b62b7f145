"""The few things that Keras leaves to its backends: which GPUs they see, and versions. Imports Keras."""

from __future__ import annotations

import importlib.metadata
import platform
import socket
import subprocess
from pathlib import Path
from typing import Any

import keras


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


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that decide on a result."""
    found = {"python": platform.python_version()}
    for name in ("keras", keras.backend.backend(), "numpy", "opencv-python-headless", "dhc"):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def environment_record(device: str, seed: int, fingerprint: str) -> dict[str, Any]:
    """What ``environment.json`` holds: enough to say later what produced the figures."""
    return {
        "backend": keras.backend.backend(),
        "versions": versions(),
        "device": device,
        "precision": keras.config.dtype_policy().name,
        "host": socket.gethostname(),
        "system": platform.platform(),
        "commit": commit(),
        "seed": seed,
        "data_fingerprint": fingerprint,
    }


def commit() -> str | None:
    """The git commit of this code, with ``+`` when files were changed since; None outside a checkout."""
    here = Path(__file__).resolve().parent
    try:
        head = subprocess.run(
            ["git", "-C", str(here), "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, timeout=5
        )
        dirty = subprocess.run(
            ["git", "-C", str(here), "status", "--porcelain", "-uno"], capture_output=True, text=True, timeout=5
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return head.stdout.strip() + ("+" if dirty.stdout.strip() else "") if head.returncode == 0 else None
