"""A saved network and its probabilities. Imports Keras."""

from __future__ import annotations

import io
from pathlib import Path

import keras
import numpy as np

from dhc.config import RunConfig
from dhc.errors import RunError
from dhc.files.archive import DamagedError
from dhc.files.read import reason
from dhc.models.build import build, network
from dhc.models.pipeline import of_pictures
from dhc.predict.archive import WEIGHTS
from dhc.predict.kept import kept_weights
from dhc.predict.saved import BATCH, saved_network
from dhc.runs import rundir
from dhc.runs.predictions import is_distribution
from dhc.runs.states import state_place
from dhc.text import one_line

REMEDY = "a copy of the run would train it anew"


def load_network(run_dir: Path, config: RunConfig, classes: int, *, exact: bool = False) -> keras.Model:
    """The run's best network, for so many classes: its saved plan built, its saved weights in it.

    An `exact` one computes in 32 bits, whatever it was trained in, and cannot be drawn anew by its own settings.

    Raises RunError where its file has parts that none of ours has, is damaged, or holds another network than one of its
    settings.
    """
    path = run_dir / rundir.BEST
    try:
        saved = saved_network(path, config, classes)
        keras.config.set_dtype_policy("float32" if exact else saved.precision)
        model = build(saved.plan, seed=config.fit.seed, name=config.model.name, empty=exact)
        _load_weights(model, saved.weights)
    except RunError as error:
        raise RunError(f"{rundir.BEST} of run {run_dir.name} cannot be used: {error}; {REMEDY}") from None
    return model


def network_of_epoch(run_dir: Path, epoch: int, config: RunConfig, classes: int) -> keras.Model:
    """The run's network as it was judged after an epoch whose state was kept. Raises RunError where that cannot serve."""
    precision, weights = weights_of_epoch(run_dir, epoch, config, classes)
    keras.config.set_dtype_policy(precision)
    model = network(config, classes)
    model.set_weights(weights)
    return model


def weights_of_epoch(run_dir: Path, epoch: int, config: RunConfig, classes: int) -> tuple[str, list[np.ndarray]]:
    """The precision of that network and its weights. Raises RunError where the state cannot serve."""
    try:
        # before all else, so that what lies beside the state unpacks to no more than a network of these settings
        saved = saved_network(state_place(run_dir, epoch) / rundir.BEST, config, classes)
        return saved.precision, kept_weights(run_dir, epoch, config, classes)
    except (DamagedError, OSError, RunError) as error:
        why = reason(error) if isinstance(error, OSError) else f"it {error}"
        why = f"of its {rundir.BEST}: {error}" if isinstance(error, RunError) else why
        raise RunError(
            f"the state of epoch {epoch:,} of run {run_dir.name} cannot be used ({why}): choose another epoch"
        ) from None


def untrained(config: RunConfig, classes: int, *, empty: bool = False) -> keras.Model:
    """The network of a config with random weights, or all zeros, in float32."""
    keras.config.set_dtype_policy("float32")
    return network(config, classes, empty=empty)


def probabilities(model: keras.Model, x: np.ndarray) -> np.ndarray:
    """The softmax of (N, 64, 64, 3) uint8 pictures: (N, K) float32, rows sum to 1.

    Raises RunError where the network's weights bring forth no probabilities.
    """
    few = len(x) <= BATCH  # they need no pipeline, which would take longer to lay than they do
    answers = model.predict_on_batch(x) if few else model.predict(of_pictures(x, BATCH), batch_size=BATCH, verbose=0)
    return require_probabilities(np.asarray(answers, np.float32))


def with_features(model: keras.Model) -> keras.Model:
    """The same network with two outputs: the values before its last layer, (B, F), and the probabilities, (B, K)."""
    return keras.Model(model.inputs, [model.layers[-1].input, model.output])


def require_probabilities(answers: np.ndarray) -> np.ndarray:
    """The answers. Raises RunError where they are no probabilities."""
    if not is_distribution(answers):
        raise RunError(f"{rundir.BEST} gives answers that are no probabilities, so its weights are damaged: {REMEDY}")
    return answers


class _Weights(io.BytesIO):
    """The bytes of an HDF5 file of weights, which Keras takes for one by what its name ends in.

    Out of the archive it would read ten times as much, since each step back there begins at the front again.
    """

    def __str__(self) -> str:
        return WEIGHTS


def _load_weights(model: keras.Model, data: bytes) -> None:
    try:
        model.load_weights(_Weights(data))
    except Exception as error:  # Keras raises all kinds for the weights of another network
        gist = one_line(str(error), 200)
        raise RunError(f"its weights do not fit its layers ({type(error).__name__}: {gist})") from error
    if not all(np.isfinite(values).all() for values in model.get_weights()):
        raise RunError("some of its weights are no finite numbers")
