"""The map of a run's pictures after each of the epochs whose states were kept. Keras only in `network`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from dhc.analysis.embedding import Progress, perplexity_of, still_maps
from dhc.config import RunConfig
from dhc.data.select import RunData
from dhc.errors import RunError
from dhc.predict.answers import load_as_trained
from dhc.predict.features import SAMPLE, ask_in_batches, asker
from dhc.runs.config_file import require_config
from dhc.runs.epoch_maps import MOST_EPOCHS, MOST_PICTURES, EpochMaps
from dhc.runs.features import Features
from dhc.runs.states import kept_epochs


def chosen_epochs(kept: Sequence[int], most: int = MOST_EPOCHS) -> tuple[int, ...]:
    """At most so many of rising epochs, the first and the last among them, the others as evenly as they lie."""
    if len(kept) <= most:
        return tuple(kept)
    wanted = np.linspace(kept[0], kept[-1], most)
    return tuple(sorted({min(kept, key=lambda epoch: (abs(epoch - place), epoch)) for place in wanted.tolist()}))


def mapped_rows(val: int, train: int, seed: int) -> np.ndarray:
    """The rows of at most MOST_PICTURES of a run's map, (M,) int64, rising: half of val, half of train, as far as there are.

    The same ones for a seed.
    """
    of_val = min(val, max(MOST_PICTURES // 2, MOST_PICTURES - train))
    rng = np.random.default_rng([seed, SAMPLE, 1])
    rows = [
        rng.choice(val, of_val, replace=False),
        val + rng.choice(train, min(train, MOST_PICTURES - of_val), replace=False),
    ]
    return np.sort(np.concatenate(rows))


def maps_of_epochs(folder: Path, features: Features, progress: Progress = lambda done, total: None) -> EpochMaps | None:
    """The maps of a run's kept epochs, of pictures that its `features` are of; None where fewer than two can be used.

    A state that cannot be used is left out, and said on standard error. Raises RunError and DataError as `features_of_run` does.
    """
    kept = chosen_epochs(kept_epochs(folder))
    if len(kept) < 2:
        return None
    config = require_config(folder)
    rows = mapped_rows(len(features.val), len(features.train), config.fit.seed)
    x = _pictures(load_as_trained(folder, config), features, rows)
    classes = features.train_probabilities.shape[1]
    epochs = [epoch for epoch in kept if _is_usable(folder, epoch, config, classes)]
    if len(epochs) < 2:
        return None
    answers: dict[int, np.ndarray] = {}

    def values_after(epoch: int) -> np.ndarray:
        values, answers[epoch] = ask_in_batches(asker(folder, config, classes, epoch), x)
        return values

    places, shares = still_maps([partial(values_after, epoch) for epoch in epochs], progress)
    chances = np.stack([answers[epoch] for epoch in epochs])
    return EpochMaps(
        epochs=np.array(epochs, np.int64),
        rows=rows,
        places=places,
        shares=shares,
        predicted=chances.argmax(axis=2),
        confidence=chances.max(axis=2),
        perplexity=perplexity_of(len(rows)),
        best_epoch=features.best_epoch,
        stamp=features.stamp,
    )


def _is_usable(folder: Path, epoch: int, config: RunConfig, classes: int) -> bool:
    try:
        asker(folder, config, classes, epoch)
    except RunError as error:
        print(f"left out of the maps by epoch: {error}", file=sys.stderr)
        return False
    return True


def _pictures(data: RunData, features: Features, rows: np.ndarray) -> np.ndarray:
    """The pixels, (M, 64, 64, 3) uint8, of the pictures in some rows of the map."""
    count = len(features.val)
    train = features.train_rows[rows[rows >= count] - count]
    return np.concatenate([data.val.x[rows[rows < count]], data.train.x[train]])
