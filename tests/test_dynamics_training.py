"""What training writes of its own pictures: the softmax of the training step, in the order of the pictures, whatever befalls the disk."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dhc.runs import rundir
from dhc.runs.dynamics import read_dynamics
from dhc.runs.rundir import RunWriter

pytestmark = pytest.mark.slow
PICTURES, BATCH, CLASSES, SEED = (
    21,
    4,
    5,
    7,
)  # a last batch of one; five whole ones, so an uneven number for two steps at once
STEEP = 60.0  # a logit so far from the others that its softmax is 0 in float32, twice over


@pytest.fixture(scope="module")
def answering() -> tuple[Any, np.ndarray, np.ndarray, np.ndarray, Any]:
    """A network that never learns, whose logits are a picture's first pixels; pictures, labels and logits; what gathers."""
    import keras

    from dhc.training.dynamics import Answers

    answers = Answers(PICTURES)
    rng = np.random.default_rng(0)
    logits = rng.integers(0, 6, (PICTURES, CLASSES)).astype(np.float32)
    logits[3] = [0, STEEP, 2 * STEEP, 0, 0]
    x = np.zeros((PICTURES, 2, 3, 1), np.uint8)
    x.reshape(PICTURES, 6)[:, :CLASSES] = logits
    y = rng.integers(0, CLASSES, PICTURES)
    y[3] = 0
    inputs = keras.Input((2, 3, 1), dtype="uint8")
    outputs = keras.layers.Flatten()(keras.layers.Rescaling(1.0)(inputs))
    outputs = keras.layers.Dense(CLASSES, kernel_initializer="zeros", activation="softmax")(outputs)
    model = keras.Model(inputs, outputs)
    model.layers[-1].set_weights([np.eye(6, CLASSES), np.zeros(CLASSES)])
    model.compile(
        optimizer=keras.optimizers.SGD(0.0),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy", answers],
        steps_per_execution=2,
    )
    return model, x, y, logits, answers


def fit(
    answering: tuple[Any, np.ndarray, np.ndarray, np.ndarray, Any], folder: Path, first: int, epochs: int, *after: Any
) -> None:
    from dhc.training.batches import Batches
    from dhc.training.dynamics import Recorder

    model, x, y, _, answers = answering
    with RunWriter(folder) as writer:
        model.fit(
            Batches(x, y, BATCH, SEED, first),
            initial_epoch=first,
            epochs=epochs,
            verbose=0,
            shuffle=False,
            callbacks=[Recorder(writer, answers, SEED), *after],
        )


def notes(folder: Path) -> list[str]:
    lines = map(json.loads, (folder / rundir.EVENTS).read_text(encoding="utf-8").splitlines())
    return [line["text"] for line in lines if line["kind"] == "note"]


def test_each_epoch_is_written_in_the_order_of_the_pictures_with_the_margin_of_the_logits(
    answering: tuple[Any, np.ndarray, np.ndarray, np.ndarray, Any], tmp_path: Path
) -> None:
    _, _, y, logits, _ = answering
    fit(answering, tmp_path, 0, 2)
    fit(answering, tmp_path, 1, 3)  # as one that was broken off in its second epoch
    dynamics = read_dynamics(tmp_path)
    assert dynamics is not None
    assert dynamics.epochs.tolist() == [1, 2, 3]
    rows = np.arange(PICTURES)
    exp = np.exp(logits.astype(np.float64))
    own, others = logits[rows, y], np.where(np.arange(CLASSES) == y[:, None], -np.inf, logits).max(axis=1)
    margin = own - others
    margin[3] = np.log(np.finfo(np.float32).tiny)  # where the softmax ends
    for epoch in range(3):
        np.testing.assert_allclose(dynamics.p[epoch], (exp[rows, y] / exp.sum(axis=1)), rtol=1e-3, atol=1e-7)
        np.testing.assert_allclose(dynamics.margin[epoch], margin, rtol=1e-3, atol=1e-5)
    assert notes(tmp_path) == []


def test_an_epoch_that_cannot_be_written_is_left_out_with_one_note_and_the_training_goes_on(
    answering: tuple[Any, np.ndarray, np.ndarray, np.ndarray, Any], tmp_path: Path
) -> None:
    import keras

    place = tmp_path / rundir.DYNAMICS
    place.write_bytes(b"not a folder")
    make_room = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: place.unlink() if epoch == 1 else None)
    fit(answering, tmp_path, 0, 4, make_room)
    (note,) = notes(tmp_path)
    assert note.startswith("what it said of the training pictures in epoch 1 could not be written: ")
    dynamics = read_dynamics(tmp_path)
    assert dynamics is not None
    assert dynamics.epochs.tolist() == [3, 4]


def test_a_long_run_keeps_every_so_many_epochs_and_says_so(
    answering: tuple[Any, np.ndarray, np.ndarray, np.ndarray, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dhc.runs import dynamics as files

    monkeypatch.setattr(files, "MOST_FILES", 2)
    fit(answering, tmp_path, 0, 5)
    dynamics = read_dynamics(tmp_path)
    assert dynamics is not None
    assert dynamics.epochs.tolist() == [1, 4]
    assert notes(tmp_path) == [
        "what it says of each training picture is kept of every 3 epochs, so that it stays small"
    ]
