"""The warm helper process for real: started, asked, killed, hung, idle, left alone; and once with Keras."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from dhc.config import RunConfig
from dhc.errors import UserError
from dhc.jobs.warm import HelperError, Warm
from dhc.models.presets import preset_config

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
PICTURE = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)


@pytest.fixture(scope="module")
def helper() -> Iterator[Warm]:
    warm = Warm()
    yield warm
    warm.close()


def within(seconds: float, holds: Callable[[], bool]) -> bool:
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:
        time.sleep(0.02)
    return holds()


def test_it_is_started_by_the_first_question_stays_for_the_next_and_is_started_anew_where_it_was_killed() -> None:
    helper = Warm()
    assert helper.pid is None
    first, second = helper.ask("state").values, helper.ask("state").values
    assert first == second == {"pid": helper.pid, "keras": False}
    before = first["pid"]
    os.kill(before, signal.SIGKILL)
    assert helper.ask("state").values["pid"] != before
    assert within(10, lambda: not psutil.pid_exists(before)), "no zombie stays"
    helper.close()


def test_what_breaks_in_it_is_handed_on_and_it_lives(helper: Warm) -> None:
    before = helper.ask("state").values["pid"]
    with pytest.raises(HelperError, match="KeyError: 'no such question'"):
        helper.ask("no such question")
    with pytest.raises(UserError, match=r"augment\.rotation cannot be 999: it takes 0 ≤ x ≤ 180"):
        helper.ask("augment", {"x": PICTURE}, settings={"rotation": 999}, seed=0, draws=2)
    assert helper.ask("state").values["pid"] == helper.pid == before


def test_one_that_cannot_be_started_is_one_sentence() -> None:
    with pytest.raises(UserError, match="ended twice while it answered"):
        Warm("dhc.nowhere").ask("state")


def test_several_threads_get_their_own_answers(helper: Warm) -> None:
    answers: dict[int, np.ndarray] = {}

    def ask(value: int) -> None:
        x = np.full((64, 64, 3), value, np.uint8)
        answers[value] = helper.ask("augment", {"x": x}, settings={"where": "off"}, seed=0, draws=3).arrays["x"]

    threads = [threading.Thread(target=ask, args=(value,)) for value in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {value: set(x.ravel().tolist()) for value, x in answers.items()} == {value: {value} for value in range(4)}


@pytest.mark.parametrize("pictures", [1, 300], ids=["a small question", "one that no pipe holds"])
def test_one_that_is_frozen_is_ended_and_the_next_question_is_answered(pictures: int) -> None:
    helper = Warm(answer=1)
    frozen = helper.ask("state").values["pid"]
    os.kill(frozen, signal.SIGSTOP)
    with pytest.raises(UserError, match="did not answer within 1 s and was ended"):
        helper.ask("state", {"x": np.repeat(PICTURE[None], pictures, axis=0)})
    assert helper.ask("state").values["pid"] != frozen
    helper.close()


@pytest.mark.parametrize("limit", [{"idle": 0.3}, {"memory": 1}], ids=["idle", "too much memory"])
def test_it_ends_when_it_is_idle_or_takes_too_much_and_the_next_question_starts_another(limit: dict[str, Any]) -> None:
    helper = Warm(**limit)
    first = helper.ask("state").values["pid"]
    assert within(10, lambda: helper.pid is None)
    assert helper.ask("state").values["pid"] != first
    helper.close()


def test_it_ends_with_the_process_that_started_it_however_that_ends() -> None:
    code = "import sys, time; from dhc.jobs.warm import Warm; w = Warm(); print(w.ask('state').values['pid'], flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=ROOT) as server:
        assert server.stdout is not None
        pid = int(server.stdout.readline())
        process = psutil.Process(pid)
        assert process.is_running()
        server.kill()
    assert within(10, lambda: not process.is_running() or process.status() == psutil.STATUS_ZOMBIE)


def test_the_draws_are_those_of_the_layers_that_train(helper: Warm) -> None:
    """Held against the first layers of the network that such a run trains, which has the same seed."""
    changes = {"augment.alternate": False, "augment.erasing": 0.5, "model.width": 0.1, "fit.seed": 3}
    config = preset_config("tuned").with_values(changes)
    settings = config.augment.model_dump()
    x = helper.ask("augment", {"x": PICTURE}, settings=settings, seed=3, draws=12).arrays["x"]
    assert (x.shape, x.dtype) == ((12, 64, 64, 3), np.uint8)
    assert len({draw.tobytes() for draw in x}) == 12
    same = helper.ask("augment", {"x": PICTURE}, settings=settings, seed=3, draws=12).arrays["x"]
    other = helper.ask("augment", {"x": PICTURE}, settings=settings, seed=4, draws=12).arrays["x"]
    assert np.array_equal(x, same)
    assert not np.array_equal(x, other)
    assert np.array_equal(x, training_draws(config))
    flips = helper.ask("augment", {"x": PICTURE}, settings={"flip": "horizontal", "rotation": 0}, seed=0, draws=40)
    assert {draw.tobytes() for draw in flips.arrays["x"]} == {PICTURE.tobytes(), PICTURE[:, ::-1].tobytes()}
    turns = {"flip": "horizontal", "rotation": 0, "alternate": True}
    first, second, *more = helper.ask("augment", {"x": PICTURE}, settings=turns, seed=0, draws=6).arrays["x"]
    assert {first.tobytes(), second.tobytes()} == {PICTURE.tobytes(), PICTURE[:, ::-1].tobytes()}
    np.testing.assert_array_equal(more, [first, second] * 2)


def training_draws(config: RunConfig) -> np.ndarray:
    """What the random layers of the config's own training model make of a batch of the picture."""
    import keras

    from dhc.models.build import compiled_model

    with keras.device("cpu"):  # as the helper
        out: Any = np.repeat(PICTURE[None], 12, axis=0)
        for layer in compiled_model(config, 3).layers[1:]:
            if not type(layer).__name__.startswith("Random"):
                break
            out = layer(out, training=True)
    return np.clip(np.rint(np.asarray(out)), 0, 255).astype(np.uint8)
