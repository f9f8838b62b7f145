"""Runs on a Ray cluster whose node sees neither the server's folders nor this program: all of it is sent, and comes back."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from processes import kill_processes_of, processes_of, wait_until

from cluster import ray_cluster
from cluster.ray_cluster import RayCluster, hindrance
from dhc.cluster.settings import Machines, RaySettings, write_machines
from dhc.config import RunConfig
from dhc.data.standin.generate import make_dataset
from dhc.jobs import changes, launch
from dhc.runs import rundir
from dhc.runs.contract import Environment, Exit, Handed, Process, UsedPictures
from dhc.runs.course import Course
from dhc.runs.predictions import read_predictions
from dhc.runs.status import State, status_of

pytestmark = [pytest.mark.cluster, pytest.mark.slow, pytest.mark.errand(seconds=90)]
REPOSITORY = Path(__file__).parents[2]
NETWORK = {
    "model.name": "cnn3",
    "model.width": 1 / 16,
    "fit.batch_size": 8,
    "fit.early_stopping": 0,
    "fit.seed": 3,
}


@dataclass
class Lab:
    """The cluster, a folder of runs and a data set, which its node does not see, and the node's own folder."""

    cluster: RayCluster
    runs_dir: Path
    data: Path
    cache: Path

    def hide(self) -> None:
        """Have the node see nothing of the server's folders and of this program."""
        for folder in (self.runs_dir.parent, REPOSITORY / "dhc"):
            assert self.cluster.nodes["node1"].start(["mount", "-t", "tmpfs", "none", str(folder)]).wait(10) == 0

    def start_node(self) -> None:
        """Start the node, and its Ray."""
        self.cluster.nodes["node1"].power_on()
        self.hide()
        self.cluster.restart_node("node1")

    def launch(self, **settings: object) -> Path:
        values = {**NETWORK, "data.path": str(self.data), "device.device": "cpu", **settings}
        return self.runs_dir / launch.launch(RunConfig().with_values(values), self.runs_dir)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    if reason := hindrance():
        pytest.skip(reason)
    here, there = tmp_path_factory.mktemp("server"), tmp_path_factory.mktemp("node")
    make_dataset(here / "data", classes=3, train=24, val=9, test=6, seed=1)
    (here / "runs").mkdir()
    with pytest.MonkeyPatch.context() as patch, contextlib.ExitStack() as stack:
        patch.setitem(ray_cluster.ENVIRONMENT, "XDG_CACHE_HOME", str(there))
        patch.setitem(ray_cluster.ENVIRONMENT, "HOME", str(there))
        cluster = stack.enter_context(RayCluster(1))
        lab = Lab(cluster, here / "runs", here / "data", there / "dhc")
        lab.hide()
        write_machines(lab.runs_dir, Machines(ray=RaySettings(address=cluster.address, cpus=1.0, files="sent")))
        try:
            yield lab
        finally:
            kill_processes_of(lab.runs_dir)


def epochs_of(folder: Path) -> int:
    """The epochs that a run has finished, of which none is missing and none there twice."""
    epochs: list[int] = []
    data = (folder / rundir.EVENTS).read_bytes() if (folder / rundir.EVENTS).exists() else b""
    for line in data.splitlines():
        if b'"kind": "resume"' in line:
            epochs = epochs[: json.loads(line)["epoch"] - 1]
        elif b'"kind": "epoch"' in line:
            epochs.append(json.loads(line)["epoch"])
    assert epochs == list(range(1, len(epochs) + 1))
    return len(epochs)


def goes_on(folder: Path, what: str) -> None:
    before = epochs_of(folder)
    wait_until(lambda: epochs_of(folder) > before + 1, what)


def lag(folder: Path, epochs: int) -> float:
    """The longest that an event took to come back, in seconds, up to that epoch."""
    lags, lines = [], 0
    while epochs_of(folder) < epochs:
        data = (folder / rundir.EVENTS).read_bytes().splitlines() if (folder / rundir.EVENTS).exists() else []
        lags += [time.time() - json.loads(line)["t"] for line in data[lines:]]
        lines = len(data)
        time.sleep(0.05)
    return max(lags)


def test_what_is_sent_trains_as_here_and_goes_on_whoever_dies_and_from_the_last_state_that_came_back(lab: Lab) -> None:
    folder = lab.launch(**{"device.where": "ray", "fit.epochs": 5_000})
    wait_until((folder / rundir.EVENTS).exists, "its first events")
    print(f"events came back within {lag(folder, 3):.2f} s")
    assert status_of(folder).state is State.RUNNING
    child = Process.of(folder).child
    changes.ask(lab.runs_dir, folder.name, {"learning_rate": 0.0005})
    wait_until(lambda: len(Course.of(folder).changes) == 1, "the change")
    wait_until(lambda: not (folder / rundir.CHANGE).exists(), "the request's end")

    workers = [p for p in processes_of(lab.runs_dir) if "dhc.cluster.worker" in p.cmdline()]
    for process in [p for worker in workers for p in (worker, *worker.children())]:
        process.kill()
    launch.work(lab.runs_dir)
    goes_on(folder, "epochs for another worker")
    assert lab.cluster.nodes["node1"].kill("dhc.cluster.outpost")
    goes_on(folder, "epochs for another outpost")
    assert Process.of(folder).child == child
    assert len(Course.of(folder).changes) == 1

    lab.cluster.kill_node("node1")
    here = lab.launch(**{"fit.epochs": 2})
    wait_until(lambda: Handed.of(folder).lost == ("node1",), "a word on the loss")
    before = epochs_of(folder)
    assert rundir.next_epoch(folder) > 2
    lab.start_node()
    wait_until(lambda: epochs_of(folder) > before, "epochs after the loss")
    assert Process.of(folder).child != child
    launch.stop(lab.runs_dir, folder.name)
    wait_until(lambda: not status_of(folder).state.alive, "its end")
    assert Exit.of(folder).cause == "stop"
    wait_until(lambda: not list((lab.cache / "runs").iterdir()), "an empty folder there")
    assert len(list((lab.cache / "pictures").iterdir())) == 1

    wait_until(lambda: not status_of(here).state.alive, "the end of the one that trained here")
    assert UsedPictures.of(folder) == UsedPictures.of(here)
    assert Environment.of(folder).data_prints == Environment.of(here).data_prints
    assert np.array_equal(read_predictions(folder).y_pred[:2], read_predictions(here).y_pred)
