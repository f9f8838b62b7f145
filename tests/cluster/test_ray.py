"""Runs on a real Ray cluster of a head and three nodes, and what becomes of them when any of these is lost.

Two nodes have GPUs and see all files; the third has none, and sees neither the server's folders nor this program, so that all is sent
there and comes back. The claims tell one story: two long runs, one on either kind of node, live through all that is done to the cluster.
They train by a stand-in (`stand_in.py`); what they are compared with, and what has to be judged or to fail, trains in earnest.
"""

from __future__ import annotations

import json
import re
import socket
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from make_run import make_run
from processes import kill_processes_of, processes_of, wait_until

from cluster.local_engine import STAND_IN
from cluster.machines import tell
from cluster.ray_cluster import RayCluster, hindrance
from dhc.cluster.engine import EngineError
from dhc.cluster.ray_engine import RayEngine
from dhc.cluster.record import cluster_of
from dhc.cluster.settings import Machines, RaySettings, write_machines
from dhc.config import RunConfig
from dhc.data.standin.generate import make_dataset
from dhc.files.messages import Message
from dhc.jobs import changes, control, launch
from dhc.jobs.queue import move
from dhc.jobs.warm import HelperProcess
from dhc.runs import rundir
from dhc.runs.contract import Environment, Exit, Handed, Process, UsedPictures
from dhc.runs.course import Course
from dhc.runs.identity import Identity
from dhc.runs.predictions import read_predictions
from dhc.runs.status import State, status_of

pytestmark = [pytest.mark.cluster, pytest.mark.slow]
REPOSITORY = Path(__file__).parents[2]
NEAR, FAR = ("node1", "node2"), "far"
ROOMS = {"node1": (0, 1), "node2": (0, 1), FAR: (3, 0)}  # cores and GPUs
QUICK = STAND_IN | {"STAND_IN_EPOCH": "0.4", "STAND_IN_FOR": "cnn3-linear"}
MANY = 5_000  # epochs, which no test waits for
NETWORK = {
    "model.name": "cnn3",
    "model.width": 1 / 16,
    "fit.batch_size": 8,
    "fit.early_stopping": 0,
    "fit.seed": 3,
    "fit.watch_health": False,
    "fit.watch_pictures": False,
}


class Lab:
    """A folder of runs and a set of pictures, whose runs go to the nodes that see both, or are sent to the one that sees neither."""

    def __init__(self, cluster: RayCluster, place: Path, *, sent: bool) -> None:
        self.cluster, self.place, self.sent = cluster, place, sent
        self.runs_dir, self.data = place / "runs", place / "data"
        self.runs_dir.mkdir()
        make_dataset(self.data, classes=3, train=24, val=9, test=6, seed=1)

    def give(self, cpus: float = 0.0, gpus: float = 0.0, address: str = "") -> None:
        """Have each run be given so much of a node. No GPU is there: the trainings are told to use the processor."""
        files = "sent" if self.sent else "shared"
        settings = {"address": address or self.cluster.address, "cpus": cpus, "gpus": gpus, "files": files}
        write_machines(self.runs_dir, Machines(ray=RaySettings.model_validate(settings)))

    def launch(self, settings: dict[str, object], **about: Any) -> Path:
        (folder,) = self.launch_all([settings], **about)
        return folder

    def launch_all(self, runs: Iterable[dict[str, object]], **about: Any) -> list[Path]:
        values = {"data.path": str(self.data), "device.where": "ray", "device.device": "cpu"}
        configs = [RunConfig().with_values({**values, "model.name": "cnn3-linear", **settings}) for settings in runs]
        return [self.runs_dir / run_id for run_id in launch.launch_all(configs, self.runs_dir, **about)]

    def kill_worker(self) -> None:
        """Kill the worker with all that it has started."""
        (worker,) = [p for p in processes_of(self.runs_dir) if "dhc.cluster.worker" in p.cmdline()]
        for process in (worker, *worker.children()):
            process.kill()


@dataclass
class Story:
    """The cluster, both folders of runs, and the long run in each.

    traveller   has half a GPU of a node that sees all files
    emissary    was sent, with all that it needs
    learner     was sent later, and trains a network in earnest
    cut, old    the node of the traveller's that was cut off from the network, and its training there
    epochs      how far both had come when their nodes were lost
    lost        the emissary's training then
    """

    cluster: RayCluster
    near: Lab
    far: Lab
    cache: Path
    emissary: Path = Path()
    traveller: Path = Path()
    learner: Path = Path()
    cut: str = ""
    old: psutil.Process = field(default_factory=psutil.Process)
    epochs: dict[Path, int] = field(default_factory=dict)
    lost: Identity | None = None

    def hide(self) -> None:
        """Have the third node see nothing of the server's folders and of this program."""
        for folder in (self.near.place, self.far.place, REPOSITORY / "dhc"):
            assert self.cluster.nodes[FAR].start(["mount", "-t", "tmpfs", "none", str(folder)]).wait(10) == 0

    def trainings(self, folder: Path) -> dict[str, list[psutil.Process]]:
        """The processes that train a run, by machine."""
        nodes = self.cluster.nodes.items()
        names = {name: node.processes(f"{STAND_IN['DHC_TRAINER']} {folder}") for name, node in nodes}
        return {name: alive for name, processes in names.items() if (alive := [p for p in processes if is_running(p)])}


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    if reason := hindrance():
        pytest.skip(reason)
    here, there, cache = (tmp_path_factory.mktemp(name) for name in ("near", "far", "cache"))
    environment = QUICK | {"XDG_CACHE_HOME": str(cache), "HOME": str(cache)}
    with RayCluster(ROOMS, environment, unpacks=True) as cluster:
        near, far = Lab(cluster, here, sent=False), Lab(cluster, there, sent=True)
        story = Story(cluster, near, far, cache / "dhc")
        try:
            story.hide()
            far.give(cpus=1)
            story.emissary = far.launch({"fit.epochs": MANY})
            yield story
        finally:
            for lab in (near, far):
                kill_processes_of(lab.runs_dir)


def is_running(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def epochs_of(folder: Path) -> int:
    """The epochs that a run has finished, of which none is missing and none there twice."""
    epochs: list[int] = []
    data = (folder / rundir.EVENTS).read_bytes() if (folder / rundir.EVENTS).exists() else b""
    for line in data.splitlines(keepends=True):
        event = json.loads(line) if line.endswith(b"\n") else {"kind": "half"}
        if event["kind"] == "resume":
            epochs = epochs[: event["epoch"] - 1]
        elif event["kind"] == "epoch":
            epochs.append(event["epoch"])
    assert epochs == list(range(1, len(epochs) + 1))
    return len(epochs)


def goes_on(folder: Path, what: str) -> None:
    """Wait for two epochs more, of which the first may have been finished before."""
    before = epochs_of(folder)
    wait_until(lambda: epochs_of(folder) > before + 1, what)


def has_ended(*folders: Path) -> Callable[[], bool]:
    return lambda: not any(status_of(folder).state.alive for folder in folders)


def await_end(*folders: Path) -> None:
    """Wait until all of them have ended; the test fails with what became of them."""
    try:
        wait_until(has_ended(*folders), "all ended")
    except pytest.fail.Exception:
        about = [(folder.name, status_of(folder), Handed.of(folder)) for folder in folders]
        pytest.fail(f"{about}, {cluster_of(folders[0].parent, 'ray')}")


def does_not_run(*folders: Path) -> Callable[[], bool]:
    return lambda: State.RUNNING not in {status_of(folder).state for folder in folders}


def end_of(folder: Path) -> tuple[str, str]:
    """How and why a run ended."""
    end = Exit.of(folder)
    return end.how, end.cause


def begin_of(folder: Path) -> float:
    """When a run's training wrote its first event, in seconds since 1970."""
    return json.loads((folder / rundir.EVENTS).read_text(encoding="utf-8").splitlines()[0])["t"]


def most_at_once(folders: Iterable[Path]) -> int:
    """How many of the trainings, each a process from its start to its word on its end, were there at one time."""
    lives = [(Process.of(folder).child, Exit.of(folder).t) for folder in folders]
    begins, ends = [child.created for child, _ in lives if child and child.created], [t for _, t in lives if t]
    return max(sum(begin <= t for begin in begins) - sum(end < t for end in ends) for t in begins)


def problem(lab: Lab) -> str:
    """What is wrong with the cluster, by the worker's record."""
    return cluster_of(lab.runs_dir, "ray").problem


def states(lab: Lab) -> dict[str, str]:
    """Of each machine, by the worker's record."""
    return {node.name: node.state for node in cluster_of(lab.runs_dir, "ray").nodes}


def occupied(lab: Lab) -> set[str]:
    """The machines on which somebody has a part of a GPU, by the worker's record; none where the cluster does not answer."""
    cluster = cluster_of(lab.runs_dir, "ray")
    return {node.name for node in cluster.nodes if not cluster.problem and node.gpus_free < node.gpus}


def a_queue_waits_for_its_cluster_then_runs_in_its_order_as_many_at_once_as_there_is_room(story: Story) -> None:
    lab = story.near
    lab.give(gpus=1, address="ray://127.0.0.1:9")
    first, second, cancelled, moved = lab.launch_all([{"fit.epochs": 8}] * 4)
    wait_until(lambda: "start its head" in problem(lab), "a word on what is wrong")
    assert {status_of(folder).state for folder in (first, moved)} == {State.QUEUED}
    move(lab.runs_dir, moved.name, 0)
    launch.stop(lab.runs_dir, cancelled.name)
    lab.give(gpus=1)
    runs = (moved, first, second)
    await_end(*runs)
    assert {Exit.of(folder).how for folder in runs} == {"finished"}
    assert not (cancelled / rundir.EVENTS).exists()
    assert status_of(cancelled).cause == "cancelled"
    assert max(begin_of(moved), begin_of(first)) < begin_of(second)
    assert most_at_once(runs) == 2
    cluster = cluster_of(lab.runs_dir, "ray")
    assert (cluster.problem, cluster.width) == ("", 2)
    assert {node.name: (node.state, node.gpus) for node in cluster.nodes} == {
        "head": ("up", 0),
        **{name: ("up", gpus) for name, (_, gpus) in ROOMS.items()},
    }


def runs_share_a_gpu_and_one_that_fails_or_is_ended_is_not_tried_again(story: Story) -> None:
    lab = story.near
    lab.give(gpus=0.5)
    runs = lab.launch_all([{"fit.epochs": MANY}] * 3)
    story.traveller, killed, stopped = runs
    wait_until(lambda: all(status_of(folder).state is State.RUNNING for folder in runs), "all train at once")
    wait_until(lambda: all(Handed.of(folder).node for folder in runs), "a place for each")
    assert {Handed.of(folder).node for folder in runs} == set(NEAR)
    control.kill(lab.runs_dir, killed.name)
    launch.stop(lab.runs_dir, stopped.name)
    failing = lab.launch({"model.name": "knn"})
    (lab.data / "train.csv").rename(lab.data / "train.csv.away")
    await_end(killed, stopped, failing)
    (lab.data / "train.csv.away").rename(lab.data / "train.csv")
    assert [end_of(folder) for folder in (killed, stopped)] == [("killed", "kill"), ("stopped", "stop")]
    assert end_of(failing) == ("failed", "data")
    assert Handed.of(failing).fence == 1


def a_machine_that_does_not_see_the_runs_is_named_and_the_queue_waits(story: Story) -> None:
    lab = story.near
    lab.give(cpus=1)  # which only the third node has
    folder = lab.launch({"fit.epochs": 2})
    wait_until(lambda: "share that folder" in problem(lab), "a word on what is wrong")
    assert f"{FAR} does not see the runs at {folder}" in problem(lab)
    assert status_of(folder).state is State.QUEUED
    assert status_of(story.traveller).state is State.RUNNING
    lab.give(gpus=0.25)  # whoever mended something there may save it: then nobody waits to try again
    await_end(folder)
    assert Exit.of(folder).how == "finished"


def a_worker_an_outpost_and_a_raylet_that_are_killed_leave_the_trainings_and_the_next_ones_find_them(
    story: Story,
) -> None:
    near, far, emissary, node = story.near, story.far, story.emissary, Handed.of(story.traveller).node
    wait_until(lambda: epochs_of(emissary) > 0, "what was sent")
    assert status_of(emissary).state is State.RUNNING
    child, epoch = Process.of(emissary).child, epochs_of(story.traveller)
    story.cluster.kill_raylet(node)
    far.kill_worker()
    launch.work(far.runs_dir)
    wait_until(lambda: states(near)[node] == "down", "the loss")
    goes_on(emissary, "epochs for another worker")
    assert story.cluster.nodes[FAR].kill("dhc.cluster.outpost")
    other = near.launch({"fit.epochs": 2})
    goes_on(emissary, "epochs for another outpost")
    assert Process.of(emissary).child == child
    await_end(other)
    assert epochs_of(story.traveller) > epoch
    assert status_of(story.traveller).state is State.RUNNING


def a_head_and_a_worker_that_are_started_anew_find_the_runs_and_none_is_started_twice(story: Story) -> None:
    """Alone meanwhile, a training gives signs of life, so nobody else may begin its run."""
    near, traveller = story.near, story.traveller
    before, node = Process.of(traveller), Handed.of(traveller).node
    story.cluster.kill_head()
    wait_until(lambda: bool(problem(near)), "a word on what is wrong")
    near.kill_worker()
    story.cluster.start_head()
    story.cluster.restart_nodes(story.cluster.nodes)
    launch.work(near.runs_dir)
    wait_until(lambda: occupied(near) == {node}, "its share")
    assert status_of(traveller).state is State.RUNNING
    assert Process.of(traveller) == before
    assert list(story.trainings(traveller)) == [node]


def each_wrong_address_has_a_sentence_of_its_own(story: Story) -> None:
    empty = story.near.place / "empty"
    empty.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as other:
        number = other.getsockname()[1]
        expected = {
            "": "no Ray cluster is named",
            "ray://127.0.0.1:9": "no Ray cluster answers at 127.0.0.1:9 (connection refused): start its head",
            "no-such-host.invalid:6379": "no machine is called no-such-host.invalid",
            f"ray://127.0.0.1:{number}": "does not answer as Ray yet",
        }
        for address, words in expected.items():
            write_machines(empty, Machines(ray=RaySettings(address=address)))
            engine = RayEngine(empty)
            with pytest.raises(EngineError, match=re.escape(words)):
                engine.open()
            engine.close()


def another_version_of_ray_is_named_with_what_to_do(story: Story) -> None:
    """The link says that it is another one; the cluster's own check refuses it."""
    other = (
        "import ray, runpy; ray.__version__ = '2.9.0'; runpy.run_module('dhc.cluster.ray_link', run_name='__main__')"
    )
    link = HelperProcess([sys.executable, "-c", other])
    question = {"question": "open", "address": story.cluster.address, "owner": "0" * 8}
    answer = link.exchange(Message({**question, "runs_dir": "", "files_are_sent": False}), 60)
    link.end()
    assert answer is not None
    assert "another version of Ray" in answer.values["refusal"]
    assert "requirements-cluster.txt" in answer.values["refusal"]


def what_is_lost_with_machines_is_not_said_to_run(story: Story) -> None:
    """The traveller's machine is cut off from the network; that of what was sent loses its power.

    As on a folder of a file server, what is cut off from it stands still, and will want to go on when that answers again.
    """
    traveller, emissary = story.traveller, story.emissary
    goes_on(emissary, "what was sent is found again, or goes on from its last state")
    story.epochs = {run: epochs_of(run) for run in (traveller, emissary)}
    story.lost = Process.of(emissary).child
    story.cut = Handed.of(traveller).node
    (story.old,) = story.trainings(traveller)[story.cut]
    story.cluster.kill_node(FAR)
    story.cluster.cut(story.cut)
    story.old.suspend()
    wait_until(does_not_run(traveller, emissary), "another word")


def what_was_lost_goes_on_from_its_last_state_and_the_old_side_ends(story: Story) -> None:
    traveller, emissary = story.traveller, story.emissary
    wait_until(lambda: Handed.of(traveller).node not in ("", story.cut), "another machine")
    story.cluster.heal(story.cut)
    story.old.resume()
    wait_until(lambda: not is_running(story.old), "the old side's end", seconds=8)
    wait_until(lambda: status_of(emissary).state is State.QUEUED, "a word on the loss")
    assert Handed.of(emissary).lost == (FAR,)
    assert rundir.next_epoch(emissary) > 2
    story.cluster.nodes[FAR].power_on()
    story.hide()
    everything = {"RAY_memory_usage_threshold": "0.001", "RAY_memory_monitor_refresh_ms": "250"}
    story.cluster.restart_nodes((FAR, story.cut), {story.cut: everything})  # what the latter runs is above the limit
    story.learner = story.far.launch({**NETWORK, "fit.epochs": MANY}, group="sweep", rule="median")
    wait_until(lambda: status_of(traveller).state is State.RUNNING, "the new side")
    (place,) = story.trainings(traveller)
    assert place not in (story.cut, FAR)
    assert Handed.of(traveller).lost == (story.cut,)
    for folder, epoch in story.epochs.items():
        wait_until(lambda folder=folder, epoch=epoch: epochs_of(folder) > epoch + 1, "further epochs")
    wait_until(lambda: Process.of(emissary).child not in (None, story.lost), "word of another process")


def a_run_that_ray_ends_for_want_of_memory_says_so_and_is_not_tried_again(story: Story) -> None:
    story.near.give(gpus=1)  # which only the machine has that was cut off
    folder = story.near.launch({"fit.epochs": 2})
    await_end(folder)
    assert end_of(folder) == ("killed", "memory")
    assert not Handed.of(folder).lost


def what_is_sent_trains_as_here_obeys_what_it_is_asked_to_and_the_median_rule(story: Story) -> None:
    far, learner = story.far, story.learner
    here = far.launch({**NETWORK, "fit.epochs": 2, "device.where": "here"})
    wait_until(lambda: epochs_of(learner) > 2, "epochs of a network")
    changes.ask(far.runs_dir, learner.name, {"learning_rate": 0.0005})
    wait_until(lambda: len(Course.of(learner).changes) == 1, "the change")
    wait_until(lambda: not (learner / rundir.CHANGE).exists(), "the request's end")
    for seed in range(3):  # those knew all from the first epoch on
        made = make_run(far.runs_dir, far.data, epochs=12, accuracy=1.0, seed=seed)
        rundir.write_json(made / rundir.REQUEST, {"queued_at": time.time(), "device": "cpu", "group": "sweep"})
    await_end(learner, here)
    assert end_of(learner) == ("stopped", "median")
    assert len(Course.of(learner).changes) == 1
    assert UsedPictures.of(learner) == UsedPictures.of(here)
    assert Environment.of(learner).data_prints == Environment.of(here).data_prints
    assert np.array_equal(read_predictions(learner).y_pred[:2], read_predictions(here).y_pred)


def runs_that_were_lost_end_when_they_are_asked_to_and_nothing_is_left(story: Story) -> None:
    traveller, emissary = story.traveller, story.emissary
    launch.stop_after_epoch(story.near.runs_dir, traveller.name)
    launch.stop(story.far.runs_dir, emissary.name)
    await_end(traveller, emissary)
    assert {end_of(folder) for folder in (traveller, emissary)} == {("stopped", "stop")}
    assert min(map(epochs_of, (traveller, emissary))) > 2
    wait_until(lambda: not list((story.cache / "runs").iterdir()), "an empty folder there")
    assert len(list((story.cache / "pictures").iterdir())) == 1
    wait_until(lambda: not processes_of(story.near.runs_dir), "nothing is left of any run")
    wait_until(lambda: not story.cluster.nodes[FAR].processes(str(story.cache)), "nor there")


CLAIMS = (
    a_queue_waits_for_its_cluster_then_runs_in_its_order_as_many_at_once_as_there_is_room,
    runs_share_a_gpu_and_one_that_fails_or_is_ended_is_not_tried_again,
    a_machine_that_does_not_see_the_runs_is_named_and_the_queue_waits,
    a_worker_an_outpost_and_a_raylet_that_are_killed_leave_the_trainings_and_the_next_ones_find_them,
    a_head_and_a_worker_that_are_started_anew_find_the_runs_and_none_is_started_twice,
    each_wrong_address_has_a_sentence_of_its_own,
    another_version_of_ray_is_named_with_what_to_do,
    what_is_lost_with_machines_is_not_said_to_run,
    what_was_lost_goes_on_from_its_last_state_and_the_old_side_ends,
    a_run_that_ray_ends_for_want_of_memory_says_so_and_is_not_tried_again,
    what_is_sent_trains_as_here_obeys_what_it_is_asked_to_and_the_median_rule,
    runs_that_were_lost_end_when_they_are_asked_to_and_nothing_is_left,
)


def test_runs_live_through_all_that_is_done_to_their_cluster(story: Story) -> None:
    """One after the other; a second try begins with another cluster."""
    tell(CLAIMS, story)
