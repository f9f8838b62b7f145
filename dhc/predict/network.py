"""A saved network and its probabilities. Imports Keras."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np

from dhc.errors import RunError
from dhc.predict.archive import check_archive
from dhc.runs import rundir
from dhc.text import one_line


def load_network(run_dir: Path) -> keras.Model:
    """The run's best network. Raises RunError where its file has parts that none of ours has."""
    path = run_dir / rundir.BEST
    try:
        check_archive(path)
    except RunError as error:
        raise RunError(f"{rundir.BEST} of run {run_dir.name} cannot be used: {error}") from None
    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # Keras raises whatever its parts raise on a damaged or hostile file
        gist = one_line(str(error), 200)
        raise RunError(
            f"{rundir.BEST} of run {run_dir.name} cannot be loaded ({type(error).__name__}: {gist})"
        ) from error


def probabilities(model: keras.Model, x: np.ndarray, batch_size: int = 128) -> np.ndarray:
    """The softmax of (N, 64, 64, 3) uint8 pictures: (N, K) float32, rows sum to 1."""
    return np.asarray(model.predict(x, batch_size=batch_size, verbose=0), np.float32)
