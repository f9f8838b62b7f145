"""The callbacks of a training: their order is a contract, and what they become is what a resume takes up."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import archives
import numpy as np
import pytest

from dhc.config import RunConfig
from dhc.data.select import load_for_run
from dhc.runs import rundir
from dhc.runs.rundir import RunWriter

pytestmark = pytest.mark.slow
EPOCH = 1
# As written by the release before the observers had `state` and `restore`; folders of that time must go on.
RECORD = {
    "epoch": EPOCH,
    "seconds": 10.35,
    "best": 1 / 3,
    "best_epoch": 1,
    "speeds": [291.9],
    "curve": [0.333333],
    "rate": 0.0010000000474974513,
    "counters": [
        {"best": 1 / 3, "wait": 1, "cooldown_counter": 0},
        {"best": 1 / 3, "wait": 2, "best_epoch": 0},
    ],
}


@pytest.fixture
def config(tiny_config: RunConfig) -> RunConfig:
    return tiny_config.with_values({"fit.early_stopping": 4, "fit.epochs": 5})


@pytest.fixture
def build(tmp_path: Path) -> Iterator[Callable[[RunConfig], Any]]:
    """`observers` of a config, writing into a folder of their own."""
    from dhc.training.dynamics import Answers
    from dhc.training.observers import observers

    def build(config: RunConfig) -> Any:
        data = load_for_run(config.data, seed=0)
        return observers(config, data, writer, lambda: False, Answers(len(data.train.ids)))

    with RunWriter(rundir.create(tmp_path, "vgg16")) as writer:
        yield build


def kinds(watching: Any) -> list[str]:
    return [type(callback).__name__ for callback in watching.callbacks]


def test_the_order_is_the_one_that_the_docstring_promises(build: Callable[[RunConfig], Any], config: RunConfig) -> None:
    from dhc.training.observers import observers

    watching = build(config)
    rundir.write_json(watching.best._folder / rundir.REQUEST, {"rule": "median", "group": "a"})
    by_plateau, by_timetable = kinds(build(config)), kinds(build(config.with_values({"schedule.name": "cosine"})))
    promise = re.findall(r"`(\w+)`", (observers.__doc__ or "").partition("1.")[2])
    promise = list(dict.fromkeys(promise))  # each where it is named first
    assert by_plateau == promise
    assert by_timetable == [
        "StopOnRequest",
        "Changes",
        "LearningRateScheduler",
        *(kind for kind in promise if kind not in ("StopOnRequest", "Changes", "Plateau")),
    ]


def test_a_state_in_the_layout_of_an_earlier_release_is_taken_up_and_written_alike(
    build: Callable[[RunConfig], Any], config: RunConfig
) -> None:
    from dhc.models.build import compiled_model
    from dhc.runs.predictions import save_predictions
    from dhc.runs.states import STATE
    from dhc.training.resume import state_variables
    from dhc.training.state import newest

    watching, data = build(config), load_for_run(config.data, seed=0)
    model = compiled_model(config, len(data.classes), precision="float32", steps=1)
    values = [np.full(variable.shape, 0.25, variable.dtype) for variable in state_variables(model)]
    run = watching.best._folder
    place = run / rundir.RESUME / f"epoch-{EPOCH:05d}"
    place.mkdir(parents=True)
    arrays = {f"v{number}": value for number, value in enumerate(values)}
    np.savez(place / STATE, told=np.array(json.dumps(RECORD)), **arrays)
    best = archives.network()
    (place / rundir.BEST).write_bytes(best)
    count, classes = len(data.val.ids), len(data.classes)
    probabilities = np.full((count, classes), 1 / classes, np.float32)
    assert data.val.y is not None
    save_predictions(
        place,
        ids=data.val.ids,
        y_true=data.val.y,
        y_pred=[np.zeros(count), np.ones(count)],  # an epoch that no state was saved after does not count
        best_epoch=1,
        probabilities=probabilities,
        classes=data.classes,
    )
    watching.resume.restore(model)
    assert watching.resume.first_epoch == EPOCH
    assert (run / rundir.BEST).read_bytes() == best
    for variable, value in zip(state_variables(model), values, strict=True):
        np.testing.assert_array_equal(np.asarray(variable), value)
    by_kind = dict(zip(kinds(watching), watching.callbacks, strict=True))
    assert [row.tolist() for row in by_kind["Validation"].predictions] == [[0] * count]
    np.testing.assert_array_equal(watching.best._probabilities, probabilities)
    for kind in ("Plateau", "EarlyStopping"):
        by_kind[kind].on_train_begin()  # from here on Keras's own start no longer overwrites them
    watching.resume.set_model(model)
    watching.resume.on_train_begin()
    watching.resume._save(EPOCH)
    state = newest(run / rundir.RESUME, 5, [(value.shape, value.dtype.name) for value in values])
    assert state is not None
    record = state.record.model_dump(exclude_unset=True)
    assert record.pop("pictures").keys() == {"train", "val"}, "which earlier releases did not note"
    assert record.pop("next_rate") == pytest.approx(0.25), "which they did not note either"
    assert record["rate"] == np.float32(RECORD["rate"]), "shorter, and the same in float32"
    assert {**record, "seconds": RECORD["seconds"], "rate": RECORD["rate"]} == RECORD
    assert record["seconds"] > RECORD["seconds"]
    assert len(state.values) == len(values)
