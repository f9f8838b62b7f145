"""What every kind of run leaves behind of its answers and of its circumstances. No Keras."""

from __future__ import annotations

import contextlib
import importlib.metadata
import math
import platform
import socket
import subprocess
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from dhc.data.about import noted_recipe
from dhc.data.content import content_fingerprint
from dhc.data.select import RunData
from dhc.runs.contract import Environment
from dhc.training.pictures import prints


def cross_entropy(y: np.ndarray, probabilities: np.ndarray) -> float:
    """Mean cross-entropy, in nats, of (N,) int labels under (N, K) probabilities.

    Probabilities are clipped as Keras does, at 1e-7; NaN where one of a true class is not finite.
    """
    of_truth = probabilities[np.arange(len(y)), y].astype(np.float64)
    return float(-np.log(np.clip(of_truth, 1e-7, 1 - 1e-7)).mean()) if np.isfinite(of_truth).all() else math.nan


def environment(
    packages: Iterable[str], *, device: str, seed: int, data: RunData, backend: str | None, precision: str
) -> Environment:
    """The circumstances of a training: enough to say later what produced the figures."""
    split_prints = prints(data)
    return Environment(
        backend=backend,
        versions=versions(packages),
        device=device,
        precision=precision,
        host=socket.gethostname(),
        system=platform.platform(),
        commit=commit(),
        seed=seed,
        data_fingerprint=content_fingerprint(data.dataset, split_prints),
        data_classes=len(data.dataset.classes),
        data_prints=split_prints,
        data_review={split: obeyed.digest for split, obeyed in data.reviews.items() if obeyed.digest},
        data_recipe=dict(noted_recipe(data.dataset.root)),
    )


def versions(packages: Iterable[str]) -> dict[str, str]:
    """Versions of Python and of those packages that are installed."""
    installed = {"python": platform.python_version()}
    for name in packages:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            installed[name] = importlib.metadata.version(name)
    return installed


def commit() -> str | None:
    """The git commit of this code, with ``+`` for later changes; None outside a checkout."""
    try:
        head, changes = _git("rev-parse", "--short=12", "HEAD"), _git("status", "--porcelain", "-uno")
    except (OSError, subprocess.SubprocessError):
        return None
    return head.stdout.strip() + ("+" if changes.stdout.strip() else "") if head.returncode == 0 else None


def _git(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["git", "-C", str(Path(__file__).resolve().parent), *arguments]
    return subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace", timeout=5, check=False)
