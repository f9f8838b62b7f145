"""Runs on a real Ray cluster of a head and three nodes, and what becomes of them when any of these is lost.

One cluster and one long training for all: the tests disturb them more and more, in this order.
"""

from __future__ import annotations

import json
import re
import socket
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

import psutil
import pytest
from make_run import make_run
from processes import kill_processes_of, processes_of, wait_until

from cluster.ray_cluster import RayCluster, hindrance
from dhc.cluster.engine import EngineError
from dhc.cluster.ray_engine import RayEngine
from dhc.cluster.record import cluster_of
from dhc.cluster.settings import Machines, RaySettings, write_machines
from dhc.config import RunConfig
from dhc.data.standin.generate import make_dataset
from dhc.files.messages import Message
from dhc.jobs import control, launch
from dhc.jobs.queue import move
from dhc.jobs.warm import HelperProcess
from dhc.runs import rundir
from dhc.runs.contract import Exit, Handed, Process
from dhc.runs.status import State, status_of
from dhc.runs.store import Store

pytestmark = [pytest.mark.cluster, pytest.mark.slow, pytest.mark.errand(seconds=150)]
KNN = {"model.name": "knn"}
NETWORK = {
    "model.name": "cnn3",
    "model.width": 1 / 16,
    "fit.batch_size": 8,
    "fit.early_stopping": 0,
    "fit.watch_health": False,
    "fit.watch_pictures": False,
    "fit.epochs": 5_000,
}


@dataclass
class Lab:
    """The cluster, a folder of runs and two sets of pictures, the second of which takes nearest neighbours a while."""

    cluster: RayCluster
    runs_dir: Path
    data: Path
    large: Path
    ids: list[str] = field(default_factory=list)

    def give(self, gpus: float, address: str = "") -> None:
        """Have each run be given so many GPUs, none of which is there: the trainings are told to use the processor."""
        address = address or self.cluster.address
        write_machines(self.runs_dir, Machines(ray=RaySettings(address=address, cpus=0.0, gpus=gpus)))

    def launch(self, settings: dict[str, object], data: Path | None = None, **about: object) -> Path:
        values = {"data.path": str(data or self.data), "device.where": "ray", "device.device": "cpu", **settings}
        run_id = launch.launch(RunConfig().with_values(values), self.runs_dir, **about)  # type: ignore[arg-type]
        self.ids.append(run_id)
        return self.runs_dir / run_id

    def trainings(self, folder: Path) -> dict[str, list[psutil.Process]]:
        """The processes that train a run, by machine."""
        names = {name: node.processes(f"dhc.training {folder}") for name, node in self.cluster.nodes.items()}
        return {name: alive for name, processes in names.items() if (alive := [p for p in processes if is_running(p)])}


@dataclass(frozen=True)
class Disaster:
    """Two machines that were lost at once.

    cut     the one without network    epoch    the traveller's before that    old    its training there
    dark    the one without power      short    the run that was lost with it
    """

    cut: str
    dark: str
    epoch: int
    old: psutil.Process
    short: Path


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    if reason := hindrance():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("ray")
    make_dataset(folder / "data", classes=3, train=24, val=9, test=6, seed=1)
    make_dataset(folder / "large", classes=3, train=200, val=200, test=6, seed=1)
    (folder / "runs").mkdir()
    with RayCluster(3, gpus=1) as cluster:
        lab = Lab(cluster, folder / "runs", folder / "data", folder / "large")
        try:
            yield lab
        finally:
            kill_processes_of(lab.runs_dir)


@pytest.fixture(scope="module")
def judged(lab: Lab) -> Path:
    """A network that the median rule will judge, by three runs that knew all from the first epoch on."""
    lab.give(0.5)
    for seed in range(3):
        made = make_run(lab.runs_dir, lab.data, epochs=12, accuracy=1.0, seed=seed)
        rundir.write_json(made / rundir.REQUEST, {"queued_at": time.time(), "device": "cpu", "group": "sweep"})
    return lab.launch(NETWORK, group="sweep", rule="median")


@pytest.fixture(scope="module")
def traveller(lab: Lab) -> Path:
    """A network that trains through all of the following."""
    lab.give(0.5)
    folder = lab.launch(NETWORK)
    wait_until(lambda: epochs_of(folder) >= 2, "two epochs")
    return folder


@pytest.fixture(scope="module")
def disaster(lab: Lab, traveller: Path) -> Disaster:
    """The traveller's machine is cut off from the network, another run's loses its power.

    As on a folder of a file server, what is cut off from it stands still, and will want to go on when that answers again.
    """
    cut, epoch = Handed.of(traveller).node, epochs_of(traveller)
    lab.give(1)  # for which there is no room beside the traveller
    short = lab.launch(KNN, lab.large)
    wait_until(lambda: status_of(short).state is State.RUNNING, "a run on another machine")
    for process in chain(*lab.trainings(short).values()):
        process.suspend()  # it must not end before its machine does
    wait_until(lambda: bool(Handed.of(short).node), "its machine's name")
    (old,) = lab.trainings(traveller)[cut]
    disaster = Disaster(cut, Handed.of(short).node, epoch, old, short)
    lab.cluster.kill_node(disaster.dark)
    lab.cluster.cut(cut)
    old.suspend()
    lab.give(0.5)
    return disaster


def is_running(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def epochs_of(folder: Path) -> int:
    """The epochs that a run has finished, of which none is missing and none there twice."""
    epochs = Store(folder.parent).history(folder.name).epochs["epoch"].tolist()
    assert epochs == list(range(1, len(epochs) + 1))
    return len(epochs)


def has_ended(*folders: Path) -> Callable[[], bool]:
    return lambda: not any(status_of(folder).state.alive for folder in folders)


def begin_of(folder: Path) -> float:
    """When a run's training wrote its first event, in seconds since 1970."""
    return json.loads((folder / rundir.EVENTS).read_text(encoding="utf-8").splitlines()[0])["t"]


def most_at_once(folders: Iterable[Path]) -> int:
    """How many of the trainings, each a process from its start to its word on its end, were there at one time."""
    lives = [(Process.of(folder).child, Exit.of(folder).t) for folder in folders]
    begins, ends = [child.created for child, _ in lives if child and child.created], [t for _, t in lives if t]
    return max(sum(begin <= t for begin in begins) - sum(end < t for end in ends) for t in begins)


def test_a_queue_waits_for_its_cluster_then_runs_in_its_order_as_many_at_once_as_there_is_room(lab: Lab) -> None:
    lab.give(1, "ray://127.0.0.1:9")
    first, second, third, cancelled, moved = (lab.launch(KNN, lab.large) for _ in range(5))
    wait_until(lambda: "start its head" in cluster_of(lab.runs_dir, "ray").problem, "a word on what is wrong")
    assert {status_of(folder).state for folder in (first, moved)} == {State.QUEUED}
    move(lab.runs_dir, moved.name, 0)
    launch.stop(lab.runs_dir, cancelled.name)
    lab.give(1)
    runs = (moved, first, second, third)
    wait_until(has_ended(*runs), "all ended")
    assert {Exit.of(folder).how for folder in runs} == {"finished"}
    assert not (cancelled / rundir.EVENTS).exists()
    assert status_of(cancelled).cause == "cancelled"
    begins = [begin_of(folder) for folder in runs]
    assert max(begins[:3]) < begins[3]
    assert most_at_once(runs) == len(lab.cluster.nodes)
    cluster = cluster_of(lab.runs_dir, "ray")
    assert (cluster.problem, cluster.width) == ("", 3)
    assert {node.name: (node.state, node.gpus) for node in cluster.nodes} == {
        "head": ("up", 0),
        **dict.fromkeys(lab.cluster.nodes, ("up", 1)),
    }


def test_runs_share_a_gpu_and_one_that_fails_or_is_killed_is_not_tried_again(lab: Lab) -> None:
    lab.give(0.5)
    folders = [lab.launch(KNN, lab.large) for _ in range(4)]
    wait_until(lambda: all(Handed.of(folder).node for folder in folders), "a place for each")
    assert len({Handed.of(folder).node for folder in folders}) < 4
    wait_until(lambda: status_of(folders[0]).state is not State.QUEUED, "a start")
    control.kill(lab.runs_dir, folders[0].name)
    failing = lab.launch({**KNN, "knn.k": 20})  # of 24 pictures, so that it is started
    (lab.data / "train.csv").rename(lab.data / "train.csv.away")
    wait_until(has_ended(*folders, failing), "all ended")
    (lab.data / "train.csv.away").rename(lab.data / "train.csv")
    assert (Exit.of(folders[0]).how, Exit.of(folders[0]).cause) == ("killed", "kill")
    assert {Exit.of(folder).how for folder in folders[1:]} == {"finished"}
    assert (Exit.of(failing).how, Exit.of(failing).cause) == ("failed", "data")
    assert Handed.of(failing).fence == 1


def test_a_machine_that_does_not_see_the_runs_is_named_and_the_queue_waits(lab: Lab) -> None:
    lab.give(0.5)
    for node in lab.cluster.nodes.values():
        assert node.start(("mount", "-t", "tmpfs", "hidden", str(lab.runs_dir))).wait() == 0
    folder = lab.launch(KNN)
    wait_until(lambda: "share that folder" in cluster_of(lab.runs_dir, "ray").problem, "a word on what is wrong")
    assert f"does not see the runs at {folder}" in cluster_of(lab.runs_dir, "ray").problem
    assert status_of(folder).state is State.QUEUED
    for node in lab.cluster.nodes.values():
        assert node.start(("umount", str(lab.runs_dir))).wait() == 0
    lab.give(0.25)  # whoever mended something there may save it: then nobody waits to try again
    wait_until(has_ended(folder), "its end")
    assert Exit.of(folder).how == "finished"


@pytest.mark.usefixtures("judged", "traveller")
def test_the_median_rule_holds_on_a_cluster(lab: Lab, judged: Path) -> None:
    wait_until(has_ended(judged), "its end")
    assert (Exit.of(judged).how, Exit.of(judged).cause) == ("stopped", "median")


def test_a_worker_and_a_raylet_that_are_killed_leave_the_training_and_the_next_ones_find_it(
    lab: Lab, traveller: Path
) -> None:
    """Alone meanwhile, it gives signs of life, so nobody else may begin it."""
    before, node = Process.of(traveller), Handed.of(traveller).node
    lab.cluster.kill_raylet(node)
    wait_until(lambda: states(lab)[node] == "down", "the loss")
    epoch = epochs_of(traveller)
    (worker,) = [p for p in processes_of(lab.runs_dir) if "dhc.cluster.worker" in p.cmdline()]
    for process in (worker, *worker.children()):
        process.kill()
    lab.cluster.restart_node(node)
    other = lab.launch(KNN)
    wait_until(has_ended(other), "the next worker's run")
    wait_until(lambda: occupied(lab) == {node}, "its share")
    assert epochs_of(traveller) > epoch
    assert Process.of(traveller) == before
    assert status_of(traveller).state is State.RUNNING


def test_a_head_that_is_started_anew_finds_the_runs_and_none_is_started_twice(lab: Lab, traveller: Path) -> None:
    before, node = Process.of(traveller), Handed.of(traveller).node
    lab.cluster.kill_head()
    wait_until(lambda: bool(cluster_of(lab.runs_dir, "ray").problem), "a word on what is wrong")
    lab.cluster.start_head()
    lab.cluster.restart_nodes(lab.cluster.nodes)
    wait_until(lambda: occupied(lab) == {node}, "its share")
    assert status_of(traveller).state is State.RUNNING
    assert Process.of(traveller) == before
    assert list(lab.trainings(traveller)) == [node]


@pytest.mark.usefixtures("disaster")
def test_each_wrong_address_has_a_sentence_of_its_own(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        number = other.getsockname()[1]
        expected = {
            "": "no Ray cluster is named",
            "ray://127.0.0.1:9": "no Ray cluster answers at 127.0.0.1:9 (connection refused): start its head",
            "no-such-host.invalid:6379": "no machine is called no-such-host.invalid",
            f"ray://127.0.0.1:{number}": "does not answer as Ray yet",
        }
        for address, words in expected.items():
            write_machines(tmp_path, Machines(ray=RaySettings(address=address)))
            engine = RayEngine(tmp_path)
            with pytest.raises(EngineError, match=re.escape(words)):
                engine.open()
            engine.close()


@pytest.mark.usefixtures("disaster")
def test_another_version_of_ray_is_named_with_what_to_do(lab: Lab) -> None:
    """The link says that it is another one; the cluster's own check refuses it."""
    other = (
        "import ray, runpy; ray.__version__ = '2.9.0'; runpy.run_module('dhc.cluster.ray_link', run_name='__main__')"
    )
    link = HelperProcess([sys.executable, "-c", other])
    question = {"question": "open", "address": lab.cluster.address, "owner": "0" * 8}
    answer = link.exchange(Message({**question, "runs_dir": "", "files_are_sent": False}), 60)
    link.end()
    assert answer is not None
    assert "another version of Ray" in answer.values["refusal"]
    assert "requirements-cluster.txt" in answer.values["refusal"]


def test_what_was_lost_with_machines_is_not_said_to_run_and_goes_on_elsewhere(
    lab: Lab, traveller: Path, disaster: Disaster
) -> None:
    wait_until(lambda: status_of(traveller).state is not State.RUNNING, "another word")
    wait_until(lambda: status_of(disaster.short).state is not State.RUNNING, "another word")
    wait_until(lambda: Handed.of(traveller).node not in ("", disaster.cut), "another machine")
    lab.cluster.heal(disaster.cut)
    disaster.old.resume()
    wait_until(lambda: not is_running(disaster.old), "the old side's end", seconds=8)
    wait_until(lambda: status_of(traveller).state is State.RUNNING, "the new side")
    (place,) = lab.trainings(traveller)
    assert place not in (disaster.cut, disaster.dark)
    assert Handed.of(traveller).lost == (disaster.cut,)
    wait_until(lambda: epochs_of(traveller) > disaster.epoch + 1, "further epochs")
    wait_until(has_ended(disaster.short), "the other's end")
    assert Exit.of(disaster.short).how == "finished"
    assert Handed.of(disaster.short).lost == (disaster.dark,)


def test_a_run_that_ray_ends_for_want_of_memory_says_so_and_is_not_tried_again(lab: Lab, disaster: Disaster) -> None:
    """The machine that lost its power comes back with a limit that everything is above."""
    lab.cluster.restart_node(disaster.dark, RAY_memory_usage_threshold="0.001", RAY_memory_monitor_refresh_ms="250")
    lab.give(1)
    folder = lab.launch(KNN)
    wait_until(has_ended(folder), "its end")
    assert (Exit.of(folder).how, Exit.of(folder).cause) == ("killed", "memory")
    assert not Handed.of(folder).lost


def test_a_run_that_was_lost_ends_with_the_epoch_that_it_is_asked_to(lab: Lab, traveller: Path) -> None:
    launch.stop_after_epoch(lab.runs_dir, traveller.name)
    wait_until(has_ended(traveller), "its end")
    assert (Exit.of(traveller).how, Exit.of(traveller).cause) == ("stopped", "stop")
    epochs_of(traveller)
    wait_until(lambda: not processes_of(lab.runs_dir), "nothing is left of any run")


def occupied(lab: Lab) -> set[str]:
    """The machines on which somebody has a part of a GPU, by the worker's record; none where the cluster does not answer."""
    cluster = cluster_of(lab.runs_dir, "ray")
    return {node.name for node in cluster.nodes if not cluster.problem and node.gpus_free < node.gpus}


def states(lab: Lab) -> dict[str, str]:
    """Of each machine, by the worker's record."""
    return {node.name: node.state for node in cluster_of(lab.runs_dir, "ray").nodes}
