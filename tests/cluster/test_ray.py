"""Runs on a real Ray cluster of a head and two nodes, and what becomes of them when any of these is lost.

One cluster and one long training for all: the tests disturb them more and more, in this order.
"""

from __future__ import annotations

import json
import socket
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
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

pytestmark = [pytest.mark.cluster, pytest.mark.slow]
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


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    if reason := hindrance():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("ray")
    make_dataset(folder / "data", classes=3, train=24, val=9, test=6, seed=1)
    make_dataset(folder / "large", classes=3, train=300, val=300, test=6, seed=1)
    (folder / "runs").mkdir()
    with RayCluster(gpus=1) as cluster:
        lab = Lab(cluster, folder / "runs", folder / "data", folder / "large")
        try:
            yield lab
        finally:
            kill_processes_of(lab.runs_dir)


@pytest.fixture(scope="module")
def traveller(lab: Lab) -> Path:
    """A network that trains through all of the following."""
    lab.give(0.5)
    folder = lab.launch(NETWORK)
    wait_until(lambda: epochs_of(folder) >= 2, "two epochs")
    return folder


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


def span(folder: Path) -> tuple[float, float]:
    """From a run's first event to its end, in seconds since 1970."""
    first = (folder / rundir.EVENTS).read_text(encoding="utf-8").splitlines()[0]
    return json.loads(first)["t"], Exit.of(folder).t or 0.0


def most_at_once(*folders: Path) -> int:
    spans = [span(folder) for folder in folders]
    return max(sum(begin <= other < end for begin, end in spans) for other, _ in spans)


def test_a_queue_waits_for_its_cluster_then_runs_in_its_order_as_many_at_once_as_there_is_room(lab: Lab) -> None:
    lab.give(1, "ray://127.0.0.1:9")
    first, second, third, cancelled, moved = (lab.launch(KNN) for _ in range(5))
    wait_until(lambda: "start its head" in cluster_of(lab.runs_dir, "ray").problem, "a word on what is wrong")
    assert {status_of(folder).state for folder in (first, moved)} == {State.QUEUED}
    move(lab.runs_dir, moved.name, 0)
    launch.stop(lab.runs_dir, cancelled.name)
    lab.give(1)
    wait_until(has_ended(first, second, third, moved), "all ended")
    assert {Exit.of(folder).how for folder in (first, second, third, moved)} == {"finished"}
    assert not (cancelled / rundir.EVENTS).exists()
    assert status_of(cancelled).cause == "cancelled"
    begins = [span(folder)[0] for folder in (moved, first, second, third)]
    assert max(begins[:2]) < begins[2] < begins[3]
    assert most_at_once(first, second, third, moved) == 2
    cluster = cluster_of(lab.runs_dir, "ray")
    assert (cluster.problem, cluster.width) == ("", 2)
    assert [(node.name, node.state, node.gpus) for node in cluster.nodes] == [
        ("head", "up", 0),
        ("node1", "up", 1),
        ("node2", "up", 1),
    ]


def test_runs_share_a_gpu_and_one_that_fails_or_is_killed_is_not_tried_again(lab: Lab) -> None:
    lab.give(0.5)
    folders = [lab.launch(KNN, lab.large) for _ in range(4)]
    wait_until(lambda: all(Handed.of(folder).node for folder in folders), "a place for each")
    assert sorted(Handed.of(folder).node for folder in folders) == ["node1", "node1", "node2", "node2"]
    wait_until(lambda: status_of(folders[0]).state is not State.QUEUED, "a start")
    control.kill(lab.runs_dir, folders[0].name)
    (lab.data / "copy").mkdir()
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
    wait_until(has_ended(folder), "its end")
    assert Exit.of(folder).how == "finished"


@pytest.mark.usefixtures("traveller")
def test_the_median_rule_holds_on_a_cluster(lab: Lab) -> None:
    for seed in range(3):
        made = make_run(lab.runs_dir, lab.data, epochs=12, accuracy=1.0, seed=seed)
        rundir.write_json(made / rundir.REQUEST, {"queued_at": time.time(), "device": "cpu", "group": "sweep"})
    judged = lab.launch(NETWORK, group="sweep", rule="median")
    wait_until(has_ended(judged), "its end")
    assert (Exit.of(judged).how, Exit.of(judged).cause) == ("stopped", "median")


def test_a_worker_that_is_killed_is_followed_by_one_that_finds_the_runs(lab: Lab, traveller: Path) -> None:
    before = Process.of(traveller)
    (worker,) = [p for p in processes_of(lab.runs_dir) if "dhc.cluster.worker" in p.cmdline()]
    for process in (worker, *worker.children()):
        process.kill()
    after = epochs_of(traveller)
    other = lab.launch(KNN)
    wait_until(has_ended(other), "the next worker's run")
    wait_until(lambda: epochs_of(traveller) > after, "a further epoch")
    assert Process.of(traveller) == before
    assert status_of(traveller).state is State.RUNNING
    assert Handed.of(traveller).node == cluster_share(lab)


def cluster_share(lab: Lab) -> str:
    """The names of the machines on which somebody has a part of a GPU."""
    wait_until(lambda: not cluster_of(lab.runs_dir, "ray").problem, "a cluster")
    return ", ".join(node.name for node in cluster_of(lab.runs_dir, "ray").nodes if node.gpus_free < node.gpus)


def test_a_head_that_is_started_anew_finds_the_runs_and_none_is_started_twice(lab: Lab, traveller: Path) -> None:
    before, node = Process.of(traveller), Handed.of(traveller).node
    lab.cluster.kill_head()
    wait_until(lambda: bool(cluster_of(lab.runs_dir, "ray").problem), "a word on what is wrong")
    lab.cluster.start_head()
    lab.cluster.restart_nodes(["node1", "node2"])
    wait_until(lambda: not cluster_of(lab.runs_dir, "ray").problem, "the cluster")
    wait_until(lambda: cluster_share(lab) == node, "its share")
    assert status_of(traveller).state is State.RUNNING
    assert Process.of(traveller) == before
    assert list(lab.trainings(traveller)) == [node]


def test_a_training_outlives_its_raylet_and_is_attended_again_when_that_is_back(lab: Lab, traveller: Path) -> None:
    """Alone meanwhile: it gives signs of life, so nobody else may begin it."""
    before, node, epoch = Process.of(traveller), Handed.of(traveller).node, epochs_of(traveller)
    lab.cluster.kill_raylet(node)
    wait_until(lambda: states(lab)[node] == "down", "the loss")
    wait_until(lambda: epochs_of(traveller) > epoch, "a further epoch")
    assert status_of(traveller).state is State.RUNNING
    lab.cluster.restart_node(node)
    wait_until(lambda: states(lab)[node] == "up" and cluster_share(lab) == node, "its share")
    assert Process.of(traveller) == before


def test_where_the_network_is_cut_a_run_goes_on_elsewhere_and_its_old_side_ends_once_that_is_healed(
    lab: Lab, traveller: Path
) -> None:
    """As on a folder of a file server: what is cut off from it stands still, and wants to go on when it answers again."""
    node, fence, epoch = Handed.of(traveller).node, Handed.of(traveller).fence, epochs_of(traveller)
    (old,) = lab.trainings(traveller)[node]
    lab.cluster.cut(node)
    old.suspend()
    wait_until(lambda: status_of(traveller).state is not State.RUNNING, "another word", seconds=15)
    wait_until(lambda: Handed.of(traveller).fence > fence + 1, "another machine")
    lab.cluster.heal(node)
    old.resume()
    wait_until(lambda: not is_running(old), "the old side's end", seconds=8)
    await_elsewhere(lab, traveller, node, epoch)
    lab.cluster.restart_node(node)


def test_where_a_machine_loses_its_power_its_run_goes_on_elsewhere(lab: Lab, traveller: Path) -> None:
    node, epoch = Handed.of(traveller).node, epochs_of(traveller)
    wait_until(lambda: set(states(lab).values()) == {"up"}, "all machines")
    lab.cluster.kill_node(node)
    wait_until(lambda: status_of(traveller).state is not State.RUNNING, "another word", seconds=15)
    await_elsewhere(lab, traveller, node, epoch)
    assert states(lab)[node] == "down"


def test_a_run_that_ray_ends_for_want_of_memory_says_so_and_is_not_tried_again(lab: Lab) -> None:
    """The machine that lost its power comes back with a limit that everything is above."""
    (node,) = (name for name, state in states(lab).items() if state == "down")
    lab.cluster.restart_node(node, RAY_memory_usage_threshold="0.001", RAY_memory_monitor_refresh_ms="250")
    lab.give(1)  # for which there is no room beside the long training
    folder = lab.launch(KNN)
    wait_until(has_ended(folder), "its end")
    assert (Exit.of(folder).how, Exit.of(folder).cause) == ("killed", "memory")
    assert not Handed.of(folder).lost


def await_elsewhere(lab: Lab, folder: Path, node: str, epoch: int) -> None:
    """Wait until a run that was lost with a machine has gone on from its last epoch on another one."""
    wait_until(lambda: status_of(folder).state is State.RUNNING, "the new side")
    (place,) = lab.trainings(folder)
    assert place != node
    assert Handed.of(folder).lost == (node,)
    wait_until(lambda: epochs_of(folder) > epoch + 1, "further epochs")


def states(lab: Lab) -> dict[str, str]:
    """Of each machine, by the worker's record."""
    return {node.name: node.state for node in cluster_of(lab.runs_dir, "ray").nodes}


def test_a_run_that_was_lost_twice_ends_with_the_epoch_that_it_is_asked_to(lab: Lab, traveller: Path) -> None:
    launch.stop_after_epoch(lab.runs_dir, traveller.name)
    wait_until(has_ended(traveller), "its end")
    assert (Exit.of(traveller).how, Exit.of(traveller).cause) == ("stopped", "stop")
    epochs_of(traveller)
    wait_until(lambda: not processes_of(lab.runs_dir), "nothing is left of any run", seconds=20)


def test_each_wrong_address_has_a_sentence_of_its_own(tmp_path: Path) -> None:
    if reason := hindrance():
        pytest.skip(reason)
    with socket.create_server(("127.0.0.1", 0)) as other:
        number = other.getsockname()[1]
        expected = {
            "": "no Ray cluster is named",
            "ray://127.0.0.1:9": "no Ray cluster answers at 127.0.0.1:9 (connection refused): start its head",
            "no-such-host.invalid:6379": "no machine is called no-such-host.invalid",
            f"ray://127.0.0.1:{number}": "does not answer yet",
        }
        for address, words in expected.items():
            write_machines(tmp_path, Machines(ray=RaySettings(address=address)))
            engine = RayEngine(tmp_path)
            with pytest.raises(EngineError, match=words.replace("(", r"\(").replace(")", r"\)")):
                engine.open()
            engine.close()


def test_another_version_of_ray_is_named_with_what_to_do(lab: Lab) -> None:
    """The link says that it is another one; the cluster's own check refuses it."""
    other = (
        "import ray, runpy; ray.__version__ = '2.9.0'; runpy.run_module('dhc.cluster.ray_link', run_name='__main__')"
    )
    link = HelperProcess([sys.executable, "-c", other])
    question = {"question": "open", "address": lab.cluster.address, "owner": "0" * 8}
    answer = link.exchange(Message(question), 60)
    link.end()
    assert answer is not None
    assert "another version of Ray" in answer.values["refusal"]
    assert "requirements-cluster.txt" in answer.values["refusal"]
