"""Runs at real outposts on this machine, over pipes: what goes there, what comes back, and what becomes of it when one of the sides dies."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil
import pytest
from cluster.local_engine import STAND_IN
from make_run import make_run
from processes import kill_processes_of

from dhc.cluster import letters
from dhc.cluster.courier import Courier
from dhc.cluster.journey import Journey, version_differences
from dhc.cluster.promises import versions
from dhc.config import RunConfig
from dhc.data.decode import load_pictures
from dhc.data.layout import open_dataset
from dhc.data.review import add_mark, new_mark
from dhc.files import write
from dhc.jobs.process import REPOSITORY, python
from dhc.runs import rundir
from dhc.runs.config_file import load_config, write_config
from dhc.runs.contract import Exit, Handed, Process, Request, UsedPictures
from dhc.runs.status import State, status_of
from dhc.runs.store import Store
from dhc.training.median import rule_of
from dhc.training.outcomes import StopRequested

pytestmark = [pytest.mark.slow, pytest.mark.errand(seconds=40)]
PATIENCE = 60.0
QUICK = {**STAND_IN, "STAND_IN_EPOCH": "0.4"}  # a training without a network


class Pipes:
    """Outposts in processes with a cache of their own, as on one other machine."""

    def __init__(self, cache: Path) -> None:
        self.cache, self.processes = cache, dict[str, subprocess.Popen[bytes]]()
        self.asked: list[str] = []
        self._answers: queue.Queue[tuple[str, object, bytes | None]] = queue.Queue()

    def open(self, run: str, fence: int, environment: Mapping[str, str]) -> None:
        process = subprocess.Popen(
            python("-m", "dhc.cluster.outpost", run, str(fence), "cpu"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=REPOSITORY,
            env={**os.environ, **environment, "XDG_CACHE_HOME": str(self.cache)},
        )
        self.processes[run] = process

        def read() -> None:
            with process.stdout as outlet:  # type: ignore[union-attr]
                while (answer := letters.read_frame(outlet)) is not None:
                    self._answers.put((run, process, answer))
            self._answers.put((run, process, None))

        threading.Thread(target=read, daemon=True).start()

    def send(self, run: str, question: bytes) -> None:
        self.asked.append(str(letters.unpacked(question).values["question"]))
        inlet = self.processes[run].stdin
        assert inlet is not None
        letters.write_frame(inlet, question)

    def answers(self, patience: float) -> dict[str, bytes | None]:
        try:
            run, process, answer = self._answers.get(timeout=patience)
        except queue.Empty:
            return {}
        return {run: answer} if process is self.processes.get(run) else {}

    def kill(self, run: str) -> None:
        process = self.processes.pop(run)
        process.kill()
        process.wait()
        with contextlib.suppress(OSError):
            process.stdin.close()  # type: ignore[union-attr]


class Lab:
    """The server's folders, and the other machine's."""

    def __init__(self, root: Path, data: Path) -> None:
        self.runs_dir, self.there, self.data = root / "runs", root / "cache" / "dhc", data
        self.runs_dir.mkdir()
        self.post = Pipes(root / "cache")
        self.courier = Courier(self.post)

    def run(self, about: Mapping[str, Any] | None = None, **settings: object) -> Path:
        values = {"data.path": str(self.data), "model.name": "knn", "device.where": "ray", **settings}

        def fill(folder: Path) -> None:
            write_config(folder, RunConfig().with_values(values))
            Request(queued_at=time.time(), device="ray", **(about or {})).write(folder)

        return rundir.create(self.runs_dir, "knn", fill)

    def hand_out(self, folder: Path, **environment: str) -> Journey:
        fence = Handed.renew(folder, "ray")
        return self.attend(folder, fence, **environment)

    def attend(self, folder: Path, fence: int, **environment: str) -> Journey:
        self.post.open(folder.name, fence, environment)
        self.courier.carry(folder, fence)
        return self.journey(folder)

    def journey(self, folder: Path) -> Journey:
        journey = self.courier.journey(folder.name)
        assert journey is not None
        return journey

    def on_node(self, folder: Path) -> Path:
        return self.there / "runs" / folder.name / folder.name

    def lead(self, until: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
        end = time.monotonic() + seconds
        while not until():
            self.courier.step(0.05)
            assert time.monotonic() < end, f"{what}: not within {seconds} s"


@pytest.fixture
def lab(tmp_path: Path, tiny_data: Path) -> Iterator[Lab]:
    data = Path(shutil.copytree(tiny_data, tmp_path / "data", ignore=shutil.ignore_patterns(".dhc")))
    lab = Lab(tmp_path, data)
    yield lab
    for run in list(lab.post.processes):
        lab.post.kill(run)
    kill_processes_of(tmp_path)


def epochs_of(folder: Path) -> list[int]:
    if not (folder / rundir.EVENTS).exists():
        return []
    return [int(epoch) for epoch in Store(folder.parent).history(folder.name).epochs["epoch"]]


def test_two_runs_of_one_node_need_their_pictures_once_and_end_as_here_with_the_review_of_their_owner(lab: Lab) -> None:
    pictures = load_pictures(open_dataset(lab.data), "train")
    mark = new_mark("train", str(pictures.ids[3]), pictures.x[3], open_dataset(lab.data).classes[0], "leave-out")
    add_mark(lab.data, mark.model_copy(update={"label": open_dataset(lab.data).classes[int(pictures.y[3])]}))  # type: ignore[index]
    reviewed, plain = lab.run(**{"data.review": True}), lab.run(**{"fit.epochs": 2})
    journeys = [lab.hand_out(reviewed), lab.hand_out(plain, **QUICK)]
    lab.lead(lambda: all(journey.is_back for journey in journeys), "both runs")
    for folder in (reviewed, plain):
        assert status_of(folder).state is State.FINISHED
        assert load_config(folder).data.path == str(lab.data)
        assert not lab.on_node(folder).parent.exists()
    assert lab.post.asked.count("receive") == 1
    assert len(UsedPictures.of(reviewed).train.files) == len(pictures.ids) - 1
    assert str(pictures.ids[3]) not in UsedPictures.of(reviewed).train.files
    assert (reviewed / rundir.REVIEW).exists()


def test_marks_go_there_and_a_run_is_found_again_whichever_side_dies(lab: Lab) -> None:
    for seed in range(3):
        sibling = make_run(lab.runs_dir, lab.data, epochs=12, accuracy=1.0, seed=seed)
        Request(queued_at=time.time(), device="cpu", group="sweep").write(sibling)
    folder = lab.run({"group": "sweep", "rule": "median"}, **{"fit.epochs": 60})
    lab.hand_out(folder, **QUICK)
    lab.lead(lambda: len(epochs_of(folder)) >= 1, "an epoch")
    assert status_of(folder).state is State.RUNNING
    node, child = lab.on_node(folder), Process.of(folder).child
    assert child is not None
    rule = rule_of(node, load_config(node))
    assert rule is not None
    with pytest.raises(StopRequested, match="the median of 3 ended runs"):
        rule.judge([0.0] * 10)
    write.text(folder / rundir.CHANGE, '{"patience": 3}')
    lab.lead((node / rundir.CHANGE).exists, "the request")
    lab.post.processes[folder.name].kill()  # with the training on its own now
    with contextlib.suppress(AssertionError):
        lab.lead(lambda: False, "anything", 2.0)
    lab.post.kill(folder.name)  # and the server's side gone as well
    lab.courier = Courier(lab.post)
    lab.attend(folder, Handed.of(folder).fence, **QUICK)
    asked = len(lab.post.asked)
    lab.lead(lambda: lab.post.asked[asked:].count("changes") >= 2, "two looks")
    assert (folder / rundir.CHANGE).exists()
    (node / rundir.CHANGE).unlink()  # as a training does that has taken it up
    lab.lead(lambda: not (folder / rundir.CHANGE).exists(), "the request's end")
    write.mark(folder / rundir.STOP_AFTER_EPOCH)
    lab.lead(lambda: lab.journey(folder).is_back, "its end")
    events = [json.loads(line) for line in (folder / rundir.EVENTS).read_bytes().splitlines()]
    epochs = epochs_of(folder)
    assert epochs == list(range(1, len(epochs) + 1))
    assert {event["pid"] for event in events if "pid" in event} == {child.pid}
    assert Exit.of(folder).how == "stopped"


def test_a_run_that_was_handed_out_anew_is_ended_where_it_was_and_goes_on_from_what_came_back(lab: Lab) -> None:
    folder, other = lab.run(**{"fit.epochs": 500}), lab.run(**{"fit.epochs": 1})
    lab.hand_out(folder, **QUICK)
    lab.lead(lambda: len(epochs_of(folder)) >= 1, "an epoch")
    child = Process.of(folder).child
    assert child is not None
    lab.courier.drop(folder.name)
    lab.post.kill(folder.name)
    Handed.renew(folder)  # lost with its machine, as it seems
    lines = (folder / rundir.EVENTS).read_bytes()
    lab.hand_out(other, **QUICK)
    lab.lead(lambda: not psutil.pid_exists(child.pid or 0), "the end of what trained on")
    lab.lead(lambda: lab.journey(other).is_back, "the other run")
    assert (folder / rundir.EVENTS).read_bytes() == lines
    (folder / rundir.PROCESS).unlink()
    journey = lab.hand_out(folder, **QUICK)
    lab.lead(lambda: Process.of(folder).child is not None, "the training")
    write.mark(folder / rundir.KILL)
    journey.ends = True
    lab.lead(lambda: journey.is_back, "its end")
    assert (Exit.of(folder).how, Exit.of(folder).cause) == ("killed", "kill")
    assert (folder / rundir.EVENTS).read_bytes().startswith(lines)


def test_another_version_over_there_is_said_and_the_same_is_not() -> None:
    here = versions()
    assert version_differences(here) == ""
    assert version_differences({**here, "numpy": "0.1"}).startswith(
        f"its machine has numpy 0.1 instead of {here['numpy']}:"
    )
    assert version_differences({"python": here["python"], "filelock": "0"}) == ""


def test_a_data_set_that_is_gone_ends_the_run_with_a_sentence_and_nothing_is_sent(lab: Lab) -> None:
    folder = lab.run()
    (lab.data / "train.csv").unlink()
    journey = lab.hand_out(folder)
    lab.lead(lambda: journey.end is not None, "a word")
    assert journey.end is not None
    assert journey.end[1] == "data"
    assert "train.csv" in journey.end[0]
    assert "receive" not in lab.post.asked
