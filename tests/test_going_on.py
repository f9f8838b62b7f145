"""Child runs, trained: equal settings make an equal history, bit for bit on the CPU; and the schedule after a junction is the one drawn."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from networks import small_network
from prefork import Prefork

from dhc.config import RunConfig
from dhc.jobs import branch as branching
from dhc.jobs.places import places
from dhc.runs import rundir
from dhc.runs.contract import Exit
from dhc.runs.predictions import read_predictions
from dhc.runs.states import STATE
from dhc.runs.store import Store

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("forked")]
ROOT = Path(__file__).parents[1]
EXACT = ["epoch", "loss", "accuracy", "val_loss", "val_accuracy", "learning_rate", "best"]
MIDDLE, PARENT, WHOLE = 2, 3, 5  # epochs


@pytest.fixture(autouse=True)
def no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dhc.jobs.launch.start_worker", lambda *_: None)  # each test waits for the very process


@pytest.fixture(scope="module")
def runs_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def config(tiny_data: Path) -> RunConfig:
    """All that a next epoch can depend on: dropout, augmentation, two callbacks' counters; a rate that drops soon."""
    schedule = {"schedule.patience": 2, "schedule.factor": 0.5, "schedule.min_lr": 1e-6, "schedule.min_delta": 10}
    more = {"augment.zoom": 0.1, "augment.erasing": 0.5, "fit.early_stopping": 40, "device.precision": "float32"}
    return small_network(tiny_data).with_values(
        {**schedule, **more, "fit.keep_states_every": MIDDLE, "device.device": "cpu"}
    )


def new_run(config: RunConfig, runs_dir: Path, epochs: int) -> Path:
    folder = rundir.create(runs_dir, config.model.name)
    rundir.write_json(folder / rundir.CONFIG, config.with_values({"fit.epochs": epochs}).model_dump())
    rundir.write_json(folder / rundir.REQUEST, {"queued_at": time.time(), "device": "cpu"})
    return train(folder)


@pytest.fixture(scope="module")
def parent(config: RunConfig, runs_dir: Path, prefork: Prefork | None) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        if prefork is not None:
            patch.setattr(subprocess, "Popen", prefork.popen)
        return new_run(config, runs_dir, PARENT)


def train(folder: Path) -> Path:
    """Train to the end, or to what `stop-after-epoch.request` asks for."""
    for name in (rundir.PROCESS, rundir.EXIT):
        (folder / name).unlink(missing_ok=True)
    with (folder / rundir.LOG).open("ab") as log:
        command = [sys.executable, "-m", "dhc.training", str(folder)]
        assert subprocess.Popen(command, stdout=log, stderr=log, cwd=ROOT).wait() == 0, (
            folder / rundir.LOG
        ).read_text()
    return folder


def queue(parent: Path, *words: Any, **options: Any) -> Path:
    return parent.parent / branching.branch(parent.parent, parent.name, *words, **options)


def figures(folder: Path) -> pd.DataFrame:
    return Store(folder.parent).history(folder.name).epochs[EXACT]


def require_equal(first: Path, second: Path) -> None:
    pd.testing.assert_frame_equal(figures(first), figures(second), check_exact=True)
    ours, theirs = read_predictions(first), read_predictions(second)
    np.testing.assert_array_equal(ours.y_pred, theirs.y_pred)
    np.testing.assert_array_equal(ours.probabilities, theirs.probabilities)


def rates(folder: Path) -> list[float]:
    return figures(folder)["learning_rate"].tolist()


def test_more_epochs_of_a_finished_run_and_of_a_kept_state_equal_an_undisturbed_longer_run(
    config: RunConfig, runs_dir: Path, parent: Path
) -> None:
    whole = new_run(config, runs_dir, WHOLE)
    kept = {place.epoch: place for place in places(parent).places if place.network == "state"}
    assert {MIDDLE, PARENT} <= kept.keys()
    assert not (parent / rundir.RESUME).exists()
    standing = kept[PARENT].standing
    assert standing is not None
    assert (standing.wait, standing.next_rate) == (0, pytest.approx(standing.rate / 2)), "it has dropped just now"
    longer = train(queue(parent, "last", WHOLE - PARENT))
    require_equal(whole, longer)
    plan = branching.plan(parent, MIDDLE, WHOLE - MIDDLE)
    assert plan.place.standing is not None
    assert plan.place.standing.wait == 1
    earlier = queue(parent, MIDDLE, WHOLE - MIDDLE)
    (earlier / rundir.STOP_AFTER_EPOCH).touch()
    assert Exit.of(train(earlier)).cause == "stop"
    (earlier / rundir.STOP_AFTER_EPOCH).unlink()
    require_equal(whole, train(earlier))
    assert rates(whole)[MIDDLE:] == pytest.approx(plan.rates.rates, rel=1e-6), (
        "no figure gets better here: the worst case"
    )
    changes = [Store(runs_dir).history(folder.name).lr_changes for folder in (whole, longer, earlier)]
    for other in changes[1:]:
        pd.testing.assert_frame_equal(changes[0], other)


def test_a_cosine_goes_on_exactly_and_restarts_as_drawn_broken_off_or_not(config: RunConfig, runs_dir: Path) -> None:
    cosine = config.with_values({"schedule.name": "cosine", "schedule.warmup_epochs": 0})
    parent = new_run(cosine, runs_dir, WHOLE)
    require_equal(parent, train(queue(parent, MIDDLE)))
    plan = branching.plan(parent, MIDDLE, 3, schedule="restart")
    restarted, twin = queue(parent, MIDDLE, 3, schedule="restart"), queue(parent, MIDDLE, 3, schedule="restart")
    (restarted / rundir.STOP_AFTER_EPOCH).touch()
    train(restarted)
    (restarted / rundir.STOP_AFTER_EPOCH).unlink()
    assert Store(runs_dir).run(restarted.name).epochs_done == MIDDLE + 1
    require_equal(train(restarted), train(twin))
    assert rates(twin)[MIDDLE:] == pytest.approx(plan.rates.rates, rel=1e-6)
    assert rates(twin)[MIDDLE] == pytest.approx(1e-3), "it has begun anew"


def test_layers_that_draw_at_random_may_come_and_go_and_a_best_network_goes_on_without_its_optimizer(
    parent: Path,
) -> None:
    calmer = {"model.conv_dropout": 0.0, "augment.where": "off", "optimizer.learning_rate": 1e-4}
    held = train(queue(parent, MIDDLE, 2, calmer, "hold"))
    assert rates(held)[MIDDLE:] == pytest.approx([1e-4] * 2)
    assert figures(held)["loss"].tolist()[:MIDDLE] == figures(parent)["loss"].tolist()[:MIDDLE]
    best = read_predictions(parent).best_epoch
    fresh = queue(parent, "best", 3, {"fit.label_smoothing": 0.1}, "continue")
    assert not list(fresh.rglob(STATE))
    plan = branching.plan(parent, "best", 3, {"fit.label_smoothing": 0.1}, "continue")
    assert rates(train(fresh))[best:] == pytest.approx(plan.rates.rates, rel=1e-6)
    ours, theirs = read_predictions(fresh), read_predictions(parent)
    np.testing.assert_array_equal(ours.y_pred[:best], theirs.y_pred[:best])
    assert len(ours.y_pred) == best + 3
