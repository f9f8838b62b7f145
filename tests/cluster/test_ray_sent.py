"""Runs on a Ray cluster whose node sees neither the server's folders nor this program: all of it is sent, and comes back."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from processes import kill_processes_of, wait_until

from cluster import ray_cluster
from cluster.ray_cluster import RayCluster, hindrance
from dhc.cluster.settings import Machines, RaySettings, write_machines
from dhc.config import RunConfig
from dhc.data.standin.generate import make_dataset
from dhc.jobs import launch
from dhc.runs import rundir
from dhc.runs.contract import Environment, Exit, Handed, UsedPictures
from dhc.runs.predictions import read_predictions
from dhc.runs.status import status_of

pytestmark = [pytest.mark.cluster, pytest.mark.slow]
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
    with pytest.MonkeyPatch.context() as patch, RayCluster(1) as cluster:
        node = cluster.nodes["node1"]
        for folder in (here, REPOSITORY / "dhc"):
            assert node.start(["mount", "-t", "tmpfs", "none", str(folder)]).wait(10) == 0
        patch.setitem(ray_cluster.ENVIRONMENT, "XDG_CACHE_HOME", str(there))
        patch.setitem(ray_cluster.ENVIRONMENT, "HOME", str(there))
        cluster.restart_node("node1")
        address = RaySettings(address=cluster.address, cpus=1.0, files="sent")
        write_machines(here / "runs", Machines(ray=address))
        lab = Lab(cluster, here / "runs", here / "data", there / "dhc")
        try:
            yield lab
        finally:
            kill_processes_of(lab.runs_dir)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_run_that_went_out_comes_back_as_one_that_was_trained_here(lab: Lab) -> None:
    sent = lab.launch(**{"device.where": "ray", "fit.epochs": 3})
    wait_until(lambda: Handed.of(sent).node == "node1", "a node")
    lags = []
    lines = 0
    while status_of(sent).state.alive:
        data = (sent / rundir.EVENTS).read_bytes().splitlines() if (sent / rundir.EVENTS).exists() else []
        lags += [time.time() - json.loads(line)["t"] for line in data[lines:]]
        lines = len(data)
        time.sleep(0.05)
    print(f"lag of {len(lags)} events: at most {max(lags):.2f} s")
    assert Exit.of(sent).how == "finished", Exit.of(sent).reason
    here = lab.launch(**{"fit.epochs": 3})
    wait_until(lambda: not status_of(here).state.alive, "its end")
    assert UsedPictures.of(sent) == UsedPictures.of(here)
    assert Environment.of(sent).data_prints == Environment.of(here).data_prints
    assert np.array_equal(read_predictions(sent).probabilities, read_predictions(here).probabilities)
