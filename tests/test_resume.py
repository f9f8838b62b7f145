"""Stop or kill a training at any moment: it goes on as if nothing had happened, bit for bit on the CPU."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from archives import SPECS, write_state

from dhc.config import RunConfig
from dhc.errors import RunError
from dhc.jobs import launch
from dhc.runs import rundir
from dhc.runs.dynamics import read_dynamics
from dhc.runs.predictions import read_predictions
from dhc.runs.states import STATE
from dhc.runs.store import Store

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("forked")]
ROOT = Path(__file__).parents[1]
EXACT = ["epoch", "loss", "accuracy", "val_loss", "val_accuracy", "learning_rate", "best"]
EPOCHS = 8


PRECISION = {"plateau": "float32", "cosine": "mixed_float16", "warmup": "mixed_bfloat16"}
NETWORK = {
    "plateau": {"model.name": "cnn9-skip", "model.activation": "prelu", "model.width": 1 / 32},
    "cosine": {
        "model.name": "cnn3-dropout",
        "model.width": 1 / 32,
        "model.initialization": "dirac",
        "model.first_conv": "whitened",
    },
    "warmup": {"model.name": "cnn5", "model.width": 0.25},  # filters in multiples of 16 have kernels of their own
}
KILLED_IN = {"plateau": (3,), "cosine": (2, 4), "warmup": (3,)}  # epochs


@pytest.fixture(params=PRECISION)
def config(request: pytest.FixtureRequest, tiny_data: Path) -> RunConfig:
    """Everything that a next epoch can depend on: dropout, augmentation, counters, averages, early stopping."""
    return RunConfig().with_values(
        {
            **NETWORK[request.param],
            "data.path": str(tiny_data),
            "model.conv_dropout": 0.1,
            "augment.zoom": 0.1,
            "augment.shear": 0.1,
            "augment.erasing": 0.5,
            "augment.alternate": request.param == "cosine",
            "augment.crop": 0.5 if request.param == "warmup" else 0.0,
            "augment.policy": {"plateau": "trivial", "warmup": "rand"}.get(request.param, "none"),
            "augment.mixup": 0.4 if request.param != "warmup" else 0.0,
            "augment.cutmix": 1.0 if request.param == "plateau" else 0.0,
            "optimizer.name": {"cosine": "adamw", "warmup": "muon"}.get(request.param, "adam"),
            "optimizer.sam": 0.05 if request.param == "cosine" else 0.0,
            "optimizer.lookahead": 5 if request.param == "cosine" else 0,
            "optimizer.bias_rate": 4.0 if request.param == "plateau" else 1.0,
            "optimizer.ema_momentum": 0.5 if request.param == "cosine" else 0.0,
            "schedule.name": request.param,
            "schedule.patience": 2,
            "schedule.factor": 0.5,
            "fit.early_stopping": 6,
            "fit.watch_health": request.param != "plateau",
            "device.precision": PRECISION[request.param],
            "fit.epochs": EPOCHS,
            "fit.batch_size": 8,
            "device.device": "cpu",
        }
    )


def start(folder: Path) -> subprocess.Popen[bytes]:
    with (folder / rundir.LOG).open("ab") as log:
        return subprocess.Popen([sys.executable, "-m", "dhc.training", str(folder)], stdout=log, stderr=log, cwd=ROOT)


def new_run(config: RunConfig, runs_dir: Path) -> Path:
    folder = rundir.create(runs_dir, config.model.name)
    rundir.write_json(folder / rundir.CONFIG, config.model_dump())
    rundir.write_json(folder / rundir.REQUEST, {"queued_at": time.time(), "device": "cpu"})
    return folder


def wait_for_epoch(folder: Path, epoch: int, process: subprocess.Popen[bytes]) -> None:
    """Look at the file's size first: reading all of it all the time would cost as much as the training."""
    store, events, size = Store(folder.parent), folder / rundir.EVENTS, 0
    while process.poll() is None and len(store.history(folder.name).epochs) < epoch:
        while process.poll() is None and size == (size := events.stat().st_size if events.exists() else 0):
            time.sleep(0.01)


def figures(folder: Path) -> pd.DataFrame:
    return Store(folder.parent).history(folder.name).epochs[EXACT]


def go_on(folder: Path) -> None:
    """`launch.resume` without a worker, so that the test waits for the very process."""
    for name in (rundir.STOP, rundir.PROCESS, rundir.EXIT):
        (folder / name).unlink(missing_ok=True)
    assert start(folder).wait() == 0, (folder / rundir.LOG).read_text()


def test_a_run_that_was_killed_once_or_twice_ends_as_an_undisturbed_one(config: RunConfig, tmp_path: Path) -> None:
    """And in the precision that it began in, whatever "auto" means where it goes on."""
    whole = new_run(config, tmp_path / "whole")
    assert start(whole).wait() == 0, (whole / rundir.LOG).read_text()
    broken = new_run(config, tmp_path / "broken")
    for epoch in KILLED_IN[config.schedule.name]:
        process = start(broken)
        wait_for_epoch(broken, epoch, process)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL, "it was over before it could be killed"
        (broken / rundir.PROCESS).unlink()
    assert len(figures(broken)) >= KILLED_IN[config.schedule.name][-1]
    if config.device.precision == "mixed_float16":  # which an older GPU means by auto, no CPU
        auto = config.with_values({"device.precision": "auto"})
        rundir.write_json(broken / rundir.CONFIG, auto.model_dump())
    go_on(broken)
    assert "goes on with epoch" in (broken / rundir.LOG).read_text()
    environment = rundir.read_json(broken / rundir.ENVIRONMENT)
    assert environment is not None
    assert environment["precision"] == config.device.precision
    pd.testing.assert_frame_equal(figures(whole), figures(broken), check_exact=True)
    batches = Store(broken.parent).history(broken.name).batches
    assert batches["position"].is_monotonic_increasing
    drops = [Store(f.parent).history(f.name).lr_changes for f in (whole, broken)]
    pd.testing.assert_frame_equal(*drops)
    ours, theirs = read_predictions(broken), read_predictions(whole)
    np.testing.assert_array_equal(ours.y_pred, theirs.y_pred)
    np.testing.assert_array_equal(ours.probabilities, theirs.probabilities)
    whole_record, record = read_dynamics(whole), read_dynamics(broken)
    assert whole_record is not None
    assert record is not None
    assert (record.epochs.tolist(), record.damaged) == ([*range(1, len(figures(whole)) + 1)], 0)
    np.testing.assert_array_equal(record.p, whole_record.p)
    np.testing.assert_array_equal(record.margin, whole_record.margin)
    summaries = [rundir.read_json(f / rundir.SUMMARY) for f in (whole, broken)]
    assert summaries[0] is not None
    assert summaries[1] is not None
    assert {k: summaries[0][k] for k in ("epochs", "best_epoch", "best_val_accuracy")}.items() <= summaries[1].items()
    assert not (broken / rundir.RESUME).exists(), "a finished run needs no state to go on from"


def test_without_a_saved_state_a_run_begins_again_the_same_and_its_earlier_epochs_no_longer_count(
    tiny_config: RunConfig, tmp_path: Path
) -> None:
    """Same settings and seed give the same history in another process; another seed gives another."""
    same = {"fit.epochs": EPOCHS, "fit.keep_resume_state": False}
    config = tiny_config.with_values({**same, "fit.seed": 3})
    broken = new_run(config, tmp_path)
    process = start(broken)
    wait_for_epoch(broken, 3, process)
    process.kill()
    process.wait()
    before = figures(broken)
    assert len(before) >= 3
    go_on(broken)
    assert "begins again with epoch 1" in (broken / rundir.LOG).read_text()
    history = Store(tmp_path).history(broken.name)
    assert history.epochs["epoch"].tolist() == list(range(1, EPOCHS + 1))
    assert history.batches["position"].is_monotonic_increasing
    pd.testing.assert_frame_equal(before, figures(broken).head(len(before)), check_exact=True)
    other = new_run(config.with_values({"fit.seed": 4}), tmp_path)
    assert start(other).wait() == 0
    assert not figures(broken)["loss"].equals(figures(other)["loss"])


def test_runs_resume_goes_on_after_a_stop_and_refuses_what_is_over(tiny_config: RunConfig, tmp_path: Path) -> None:
    config = tiny_config.with_values({"fit.epochs": 20})
    folder = new_run(config, tmp_path)
    process = start(folder)
    wait_for_epoch(folder, 3, process)
    launch.stop(tmp_path, folder.name)
    assert process.wait() == 0
    store = Store(tmp_path)
    assert store.run(folder.name).state == "stopped"
    before = figures(folder)
    launch.resume(tmp_path, folder.name)
    deadline = time.monotonic() + 120
    while (store.run(folder.name).state.alive or not (folder / rundir.EXIT).exists()) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert store.run(folder.name).state == "finished"
    after = figures(folder)
    pd.testing.assert_frame_equal(before, after.head(len(before)), check_exact=True)
    assert after["epoch"].tolist() == list(range(1, 21))
    with pytest.raises(RunError, match="has finished: there is nothing left"):
        launch.resume(tmp_path, folder.name)


def test_a_torn_state_is_passed_over(tmp_path: Path) -> None:
    from dhc.training.state import newest

    for epoch, data in ((3, b"torn"), (4, b"")):
        (tmp_path / f"epoch-{epoch:05d}").mkdir()
        (tmp_path / f"epoch-{epoch:05d}" / STATE).write_bytes(data)
    assert newest(tmp_path, 9, SPECS) is None
    write_state(tmp_path, 2)
    for epoch, changes in ((5, {"epoch": 2}), (6, {"best": 7.0}), (7, {"speeds": [1.0]}), (8, {"rate": "x"})):
        write_state(tmp_path, epoch, **changes)
    state = newest(tmp_path, 9, SPECS)
    assert state is not None
    assert state.place.name == "epoch-00002"
    assert state.record.epoch == 2
    assert [value.shape for value in state.values] == [shape for shape, _ in SPECS]
    assert newest(tmp_path / "nothing", 9, SPECS) is None


def test_a_state_that_cannot_be_written_does_not_end_the_training(tiny_config: RunConfig, tmp_path: Path) -> None:
    folder = new_run(tiny_config, tmp_path)
    process = start(folder)
    while not (folder / rundir.PROCESS).exists():  # a run whose folder does not fit from the first is refused
        assert process.poll() is None, (folder / rundir.LOG).read_text()
        time.sleep(0.005)
    (folder / rundir.RESUME).write_text("a file stands where the folder should be")
    assert process.wait() == 0, (folder / rundir.LOG).read_text()
    notes = [event for event in Store(tmp_path).log(folder.name).others if event["kind"] == "note"]
    assert any("could not be saved" in note["text"] for note in notes)
    assert (folder / rundir.BEST).is_file()
