"""Launching and queueing, with real processes; what ends a training is tests/faults/test_ends.py's."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from processes import kill_processes_of, processes_of, wait_until

from dhc.config import RunConfig
from dhc.data.layout import open_dataset
from dhc.data.standin.recipe import Recipe
from dhc.errors import DataError, DeviceError
from dhc.jobs import datasets, launch, queue, worker
from dhc.jobs.process import detach, python
from dhc.machine.hardware import environment, resolve
from dhc.runs import rundir
from dhc.runs.identity import identify
from dhc.runs.status import State
from dhc.runs.store import Store


@pytest.fixture
def runs_dir(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "runs"
    yield folder
    for process in processes_of(folder):
        process.kill()


@pytest.mark.slow
def test_two_launches_run_one_after_the_other_and_leave_nothing_behind(tiny_config: RunConfig, runs_dir: Path) -> None:
    first = launch.launch(tiny_config, runs_dir)
    second = launch.launch(tiny_config.with_values({"model.name": "knn"}), runs_dir)
    store = Store(runs_dir)
    wait_until(lambda: store.run(first).state is State.RUNNING, "the first run starts")
    assert store.run(second).state is State.QUEUED
    wait_until(lambda: not store.run(second).state.alive, "both runs end")
    assert [store.run(name).state for name in (first, second)] == [State.FINISHED] * 2
    end = rundir.read_json(runs_dir / first / rundir.EXIT)
    assert end is not None
    assert store.log(second).others[0]["t"] >= end["t"]
    wait_until(lambda: not processes_of(runs_dir), "worker and children end", 30)
    names = {path.name for path in (runs_dir / first).iterdir()}
    assert names >= {
        rundir.CONFIG,
        rundir.ENVIRONMENT,
        rundir.EVENTS,
        rundir.PREDICTIONS,
        rundir.BEST,
        rundir.SUMMARY,
        rundir.EXIT,
        rundir.LOG,
    }
    assert not [name for name in names if name.startswith(".") and name != ".lock"]


def test_what_can_be_known_to_fail_is_refused_before_there_is_a_folder(tiny_config: RunConfig, runs_dir: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        launch.launch(tiny_config.with_values({"data.path": "/nowhere/at/all"}), runs_dir)
    with pytest.raises(DataError, match="one class leaves nothing"):
        launch.launch(tiny_config.with_values({"data.classes": 1}), runs_dir)
    with pytest.raises(DeviceError, match="gpu:77 is not here"):
        launch.launch(tiny_config.with_values({"device.device": "gpu:77"}), runs_dir)
    assert not runs_dir.exists()


def queued(runs_dir: Path, device: str, at: float) -> Path:
    folder = rundir.create(runs_dir, "vgg16")
    rundir.write_json(folder / rundir.REQUEST, {"queued_at": at, "device": device})
    return folder


def test_the_queue_is_first_come_first_served_by_device(tmp_path: Path) -> None:
    late, early, other = queued(tmp_path, "cpu", 3.0), queued(tmp_path, "cpu", 1.0), queued(tmp_path, "gpu:0", 2.0)
    (tmp_path / "stray").write_text("x")
    assert queue.queue(tmp_path, "cpu") == [early, late]
    assert queue.queue(tmp_path, "gpu:0") == [other]
    assert worker.next_queued(tmp_path, "gpu:1") is None


@pytest.mark.parametrize(
    ("code", "how", "words"),
    [
        (-9, "killed", "memory ran out"),
        (-15, "killed", "SIGTERM"),
        (-11, "killed", "crashed"),
        (1, "failed", "status 1"),
    ],
)
def test_the_worker_records_what_the_child_could_not(tmp_path: Path, code: int, how: str, words: str) -> None:
    worker.record_end(tmp_path, code)
    end = json.loads((tmp_path / rundir.EXIT).read_text())
    assert end["how"] == how
    assert words in end["reason"]
    worker.record_end(tmp_path, 0)
    assert json.loads((tmp_path / rundir.EXIT).read_text()) == end


def test_a_config_from_a_stranger_fails_the_run_and_not_the_worker(tmp_path: Path) -> None:
    folder = queued(tmp_path, "cpu", 1.0)
    (folder / rundir.CONFIG).write_text('{"fit": {"epochs": -1}}')
    assert worker.main([str(tmp_path), "cpu"]) == 0
    end = rundir.read_json(folder / rundir.EXIT)
    assert end is not None
    assert "fit.epochs cannot be -1" in end["reason"]


def test_a_detached_process_survives_and_never_becomes_a_zombie(tmp_path: Path) -> None:
    process = detach(python("-c", "print('hello')"), log=tmp_path / "log")
    wait_until(lambda: not psutil.pid_exists(process.pid), "it is reaped", 30)
    assert (tmp_path / "log").read_text() == "hello\n"
    assert identify(os.getpid()).pid == os.getpid()


def test_a_data_set_is_made_in_the_background(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    assert datasets.making(folder) is None
    datasets.start(folder, Recipe(classes=3, train=12, val=6, test=3))
    wait_until(lambda: datasets.making(folder) is None, "it is made", 60)
    assert (folder / "train.csv").exists()


def test_a_data_set_of_low_priority_gives_way(tmp_path: Path) -> None:
    lowest = psutil.IDLE_PRIORITY_CLASS if sys.platform == "win32" else 19
    datasets.start(tmp_path / "set", low_priority=True)
    try:
        wait_until(lambda: any(maker.nice() == lowest for maker in processes_of(tmp_path / "set")), "it gives way", 60)
    finally:
        kill_processes_of(tmp_path / "set")


@pytest.mark.slow
def test_a_data_set_whose_maker_was_killed_is_never_taken_for_one_and_is_made_anew(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    datasets.start(folder)
    wait_until(lambda: any(making.pictures for making in datasets.all_makings(tmp_path).values()), "it is drawn", 60)
    kill_processes_of(folder)
    wait_until(lambda: not any(making.pending for making in datasets.all_makings(tmp_path).values()), "it is over")
    assert "ended early" in datasets.all_makings(tmp_path)[folder].failure
    assert not folder.exists()
    with pytest.raises(DataError, match="still being made: wait"):
        open_dataset(folder.with_name("set.partial"))
    datasets.start(folder, Recipe(classes=6, train=60, val=12, test=0, only=3))
    wait_until(lambda: not datasets.all_makings(tmp_path), "it is made", 60)
    assert len(open_dataset(folder).classes) == 3
    assert not folder.with_name("set.partial").exists()


@pytest.mark.slow
def test_a_data_set_that_cannot_be_made_says_why(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    datasets.start(folder, Recipe(classes=3, train=1, val=1, test=0))
    wait_until(lambda: bool((now := datasets.making(folder)) and now.failure), "the failure is told", 60)
    now = datasets.making(folder)
    assert now is not None
    assert "3 classes" in now.failure or "train" in now.failure
    datasets.forget(folder)
    assert datasets.making(folder) is None


def test_the_device_is_said_to_the_process_by_its_environment() -> None:
    config = RunConfig().device
    assert environment(config, "cpu", {})["CUDA_VISIBLE_DEVICES"] == "-1"
    assert environment(config, "gpu:1", {})["CUDA_VISIBLE_DEVICES"] == "1"
    assert environment(config, "cpu", {})["KERAS_BACKEND"] == "tensorflow"
    assert environment(config, "gpu:0", {})["TF_FORCE_GPU_ALLOW_GROWTH"] == "true"
    assert resolve("cpu") == "cpu"
