"""Runs on a cluster: fences, signs of life, and the worker that hands runs out, with real folders and processes."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from cluster.local_engine import STAND_IN, LocalEngine, Place, kill_attendant

from dhc.cluster import handing, roster, worker
from dhc.cluster.engine import Hand
from dhc.cluster.roster import Roster
from dhc.cluster.worker import Drain
from dhc.config import RunConfig
from dhc.errors import RunError
from dhc.files.lock import hold_lock
from dhc.jobs import control, launch, trash, webhook
from dhc.jobs.announcement import Announcement
from dhc.jobs.process import REPOSITORY, python
from dhc.runs import pulse, rundir
from dhc.runs.config_file import write_config
from dhc.runs.contract import MOST_LOST, Exit, Handed, Identity, Process, Request, Worker, write_exit
from dhc.runs.events import EventLog
from dhc.runs.identity import identify
from dhc.runs.pulse import FENCE
from dhc.runs.status import Status, status_of

ELSEWHERE = Identity(pid=1, created=1.0, boot="another machine's")


def await_that(claim: Callable[[], Any], seconds: float = 90.0) -> Any:
    """Its value as soon as that is true."""
    deadline = time.monotonic() + seconds
    while not (value := claim()):
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.02)
    return value


def make(runs_dir: Path, *, device: str = "ray", epochs: int = 3, place: float = 0.0) -> Path:
    """A run that waits in the queue of an engine."""
    config = RunConfig().with_values(
        {"data.path": str(runs_dir), "fit.epochs": epochs, "model.name": "cnn3-linear", "device.where": device}
    )

    def fill(folder: Path) -> None:
        write_config(folder, config)
        Request(queued_at=time.time(), device=device, place=place or time.time()).write(folder)

    return rundir.create(runs_dir, "cluster", fill)


def begin(folder: Path, fence: int = 1, **about: Any) -> None:
    """What is in a folder while a training on another machine goes on."""
    Handed(fence=fence, engine="ray", node="node1", **about).write(folder)
    Process(child=ELSEWHERE, host="node1", run=folder.name, fence=fence).write(folder)
    pulse.beat(folder, fence, 0)


def silent(folder: Path, seconds: float = 60.0) -> None:
    """Let its last sign of life be so many seconds ago."""
    then = time.time() - seconds
    os.utime(folder / rundir.HEARTBEAT, (then, then))


# The states of a run on a cluster.


def describe(status: Status) -> str:
    return f"{status.state} | {status.cause} | {status.reason}"


def test_each_state_of_a_run_on_a_cluster_is_named_for_what_it_is(tmp_path: Path) -> None:
    run = make(tmp_path)
    golden: list[tuple[str, Callable[[], object]]] = [
        ("queued |  | ", lambda: None),
        ("queued |  | waits for room", lambda: Handed(fence=1, engine="ray", reason="waits for room").write(run)),
        ("running |  | ", lambda: begin(run)),
        ("running |  | the raylet is gone", lambda: begin(run, reason="the raylet is gone")),
        ("stopping |  | ", lambda: (begin(run), (run / rundir.STOP).touch())),
        ("unheard | unheard | its training on node1 has given no sign of life for 12 s: it may go on, and is found "
         "again when its machine answers", lambda: silent(run)),
        ("unheard | unheard | node down", lambda: (begin(run, reason="node down"), silent(run))),
        ("unheard | unheard | node down", lambda: pulse.beat(run, 7, 0)),  # of another handing out
        ("unheard | unheard | node down", lambda: (run / rundir.HEARTBEAT).unlink()),
        ("stopped | cancelled | taken out of the queue while it waited", lambda: Handed.renew(run)),
        ("queued |  | ", lambda: (run / rundir.STOP).unlink()),
        ("crashed | renamed | it trained under the name 20260101-000000-a-0000, and its end was not recorded in this "
         "folder", lambda: (begin(run, 9), Process(child=ELSEWHERE, run="20260101-000000-a-0000", fence=9).write(run))),
        ("finished | done | all epochs done", lambda: write_exit(run, "finished", "all epochs done", cause="done")),
    ]  # fmt: off
    for expected, change in golden:
        change()
        assert describe(status_of(run)) == expected


HOSTILE: Mapping[str, Callable[[Path], object]] = {
    "nothing": lambda path: None,
    "empty": lambda path: path.write_bytes(b""),
    "torn": lambda path: path.write_bytes(b'{"fence": 3, "eng'),
    "a list": lambda path: path.write_text("[1, 2]"),
    "a word for a number": lambda path: path.write_text('{"fence": "one", "engine": 5, "lost": "node1"}'),
    "below zero": lambda path: path.write_text('{"fence": -3}'),
    "no number": lambda path: path.write_text('{"fence": 1e400, "node": {"a": 1}}'),
    "beyond all numbers": lambda path: path.write_text('{"fence": 1' + 4000 * "0" + "}"),
    "huge": lambda path: path.write_bytes(b"1 " * 3_000_000),
    "a folder": lambda path: path.mkdir(),
    "a pipe": os.mkfifo if hasattr(os, "mkfifo") else lambda path: path.mkdir(),
    "a link that leads nowhere": lambda path: path.symlink_to("nowhere"),
}


@pytest.mark.parametrize("name", [rundir.HANDED, rundir.HEARTBEAT])
@pytest.mark.parametrize("kind", HOSTILE)
def test_a_strange_record_is_no_error_and_gives_no_number_twice(tmp_path: Path, name: str, kind: str) -> None:
    run = make(tmp_path)
    begin(run, 4)
    (run / name).unlink()
    HOSTILE[kind](run / name)
    assert status_of(run).state.value in ("running", "unheard", "queued", "crashed")
    Roster(tmp_path, "ray").entries()
    if name == rundir.HANDED and (not os.path.lexists(run / name) or (run / name).is_file()):
        assert Handed.renew(run, "ray") > 4  # which a training has already
    elif name == rundir.HEARTBEAT and kind not in ("nothing", "empty", "torn", "a list"):
        with contextlib.suppress(OSError):
            pulse.beat(run, 5, 1)


def test_the_machines_that_a_run_was_lost_with_are_remembered(tmp_path: Path) -> None:
    Handed.renew(tmp_path, "ray", lost=("node1", "node2"), epoch=3)
    assert Handed.renew(tmp_path) == 2
    assert (Handed.of(tmp_path).lost, Handed.of(tmp_path).epoch) == (("node1", "node2"), 3)


# Signs of life.


def test_where_nothing_can_be_written_a_heartbeat_is_as_old_as_it_has_looked_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make(tmp_path)
    begin(run)
    (tmp_path / rundir.CLOCK).mkdir()  # as in a view that only reads, for root as well
    silent(run, 3600.0)  # by whatever clock: it is not asked
    monkeypatch.setattr(pulse, "SILENCE", 0.4)
    assert pulse.is_fresh(run, 1)
    await_that(lambda: not pulse.is_fresh(run, 1), 5.0)
    pulse.beat(run, 1, 1)
    assert pulse.is_fresh(run, 1)


def test_a_clock_that_was_set_back_keeps_no_dead_training_alive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make(tmp_path)
    begin(run)
    silent(run, -3600.0)
    monkeypatch.setattr(pulse, "SILENCE", 0.4)
    assert pulse.is_fresh(run, 1)
    await_that(lambda: not pulse.is_fresh(run, 1), 5.0)


def test_a_heartbeat_that_has_a_second_name_is_parted_from_it(tmp_path: Path) -> None:
    run, copy = make(tmp_path), tmp_path / "copy"
    begin(run)
    os.link(run / rundir.HEARTBEAT, copy)
    pulse.beat(run, 1, 5)
    assert ((run / rundir.HEARTBEAT).read_text(), copy.read_text()) == ("1 5\n", "1 0\n")


# The pulse of a training: each child is a real one, of `dhc.training`'s own start, lock, fence and end.


def train(folder: Path, fence: int = 1, **seconds: str) -> subprocess.Popen[bytes]:
    """A training of the stand-in's, which would go on for long."""
    Handed(fence=fence, engine="ray").write(folder)
    environment = {**os.environ, **STAND_IN, FENCE: str(fence), "STAND_IN_EPOCH": "0.5", **seconds}
    command = python("-m", "cluster.stand_in", str(folder), "--queued")
    return subprocess.Popen(
        command, env=environment, cwd=REPOSITORY, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def size(folder: Path) -> int:
    """Of the events so far; 0 before the first."""
    events = folder / rundir.EVENTS
    return events.stat().st_size if events.exists() else 0


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="sends signals as POSIX has them")
def test_a_training_ends_at_once_when_it_is_not_its_own_any_more(tmp_path: Path) -> None:
    names = ("handed out anew", "begun elsewhere", "taken back", "removed", "unreadable for a while")
    runs = {name: make(tmp_path, epochs=500) for name in names}
    children = {name: train(folder) for name, folder in runs.items()}
    try:
        for folder in runs.values():
            await_that(lambda folder=folder: size(folder) and status_of(folder).state == "running")
        Handed(fence=2, engine="ray").write(runs["handed out anew"])
        Process(child=ELSEWHERE, run=runs["begun elsewhere"].name, fence=1).write(runs["begun elsewhere"])
        (runs["taken back"] / rundir.PROCESS).unlink()
        gone = runs["removed"].rename(tmp_path / "gone")
        record = runs["unreadable for a while"] / rundir.HANDED
        text = record.read_text()
        record.write_text("{")
        codes = {name: children[name].wait(60) for name in names[:4]}
        assert codes.pop("removed") in (1, rundir.TAKEN)  # a state may just have been saved
        assert codes == dict.fromkeys(names[:3], rundir.TAKEN)
        assert not any((folder / rundir.EXIT).exists() for folder in (*runs.values(), gone))
        waits = runs["unreadable for a while"]
        before = await_that(lambda: size(waits) if _is_still(waits) else 0)  # it writes nothing that it may not
        assert children["unreadable for a while"].poll() is None
        record.write_text(text)
        await_that(lambda: size(waits) > before)
    finally:
        for child in children.values():
            child.kill()
            child.wait()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="sends signals as POSIX has them")
def test_two_trainings_never_write_one_run_though_no_lock_parts_them(tmp_path: Path) -> None:
    runs = {name: make(tmp_path, epochs=500) for name in ("goes on", "is paused", "saves")}
    slowly = {"saves": {"STAND_IN_SAVE": "3", "STAND_IN_BEAT": "5"}}
    olds = {name: train(folder, **slowly.get(name, {})) for name, folder in runs.items()}
    news: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for folder in runs.values():
            await_that(lambda folder=folder: (folder / rundir.PROCESS).exists() and size(folder) > 1000)
        await_that(lambda: any(rundir.DRAFT.match(path.name) for path in (runs["saves"] / rundir.RESUME).glob(".*")))
        olds["is paused"].send_signal(signal.SIGSTOP)
        for name, folder in runs.items():
            (folder / rundir.LOCK).unlink()  # as where a file server has let go of a machine that was cut off
            handing.take_back(folder)
            news[name] = train(folder, Handed.of(folder).fence + 1)
        for folder in runs.values():
            await_that(lambda folder=folder: fences(folder)[-1] == 3)
        olds["is paused"].send_signal(signal.SIGCONT)
        assert [child.wait(20) for child in olds.values()] == [rundir.TAKEN] * 3
        for folder in runs.values():
            before = size(folder)
            await_that(lambda folder=folder, before=before: size(folder) > before + 1000)
            assert fences(folder) == [1, 3]
    finally:
        for child in (*olds.values(), *news.values()):
            child.kill()
            child.wait()


@pytest.mark.slow
def test_a_run_that_came_to_its_end_elsewhere_after_all_is_not_trained_again(tmp_path: Path) -> None:
    folder = make(tmp_path)
    pulse.beat(folder, 1, 0)
    child = train(folder, 2)
    try:
        time.sleep(2)  # it waits for the other to fall silent
        write_exit(folder, "finished", "all epochs done", cause="done", code=0)
        pulse.cease(folder, 1)
        assert child.wait(20) == rundir.TAKEN
    finally:
        child.kill()
        child.wait()
    assert not (folder / rundir.EVENTS).exists()
    assert not (folder / rundir.PROCESS).exists()


def _is_still(folder: Path) -> bool:
    before = size(folder)
    time.sleep(0.5)
    return size(folder) == before


# Which runs a worker looks at.


def test_runs_that_have_ended_or_only_wait_are_not_read_again_and_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Path] = []
    truly = Roster._read
    monkeypatch.setattr(Roster, "_read", lambda self, folder: read.append(folder) or truly(self, folder))
    ended, waits, trains = make(tmp_path), make(tmp_path), make(tmp_path)
    write_exit(ended, "finished", "all epochs done", cause="done")
    begin(trains)
    other = make(tmp_path, device="slurm")
    run_list = Roster(tmp_path, "ray")
    assert [entry.folder for entry in run_list.entries()] == [waits, trains]
    assert sorted(read) == sorted([waits, trains, other])
    read.clear()
    assert [entry.folder for entry in run_list.entries()] == [waits, trains]
    assert read == [trains]
    (ended / rundir.EXIT).unlink()
    assert ended not in [entry.folder for entry in run_list.entries()]
    roster.nudge(tmp_path, "ray")
    assert ended in [entry.folder for entry in run_list.entries()]
    (waits / rundir.STOP).touch()
    new = make(tmp_path)
    assert {entry.folder for entry in run_list.entries()} == {ended, trains, new}


def test_a_second_worker_leaves_the_runs_to_the_first_and_has_it_look(tmp_path: Path) -> None:
    run = make(tmp_path)
    with hold_lock(rundir.worker_file(tmp_path, "ray").with_suffix(".lock"), 0):
        assert worker.main([str(tmp_path), "ray"]) == 0
    assert rundir.nudge_file(tmp_path, "ray").exists()
    assert Handed.read(run) is None


def test_a_copy_of_a_run_that_trains_is_no_run_of_the_engine(tmp_path: Path) -> None:
    run = make(tmp_path)
    begin(run)
    copy = tmp_path / f"{run.name[:-1]}{'1' if run.name[-1] != '1' else '2'}"
    shutil.copytree(run, copy)
    assert [entry.folder for entry in Roster(tmp_path, "ray").entries()] == [run]
    assert describe(status_of(copy)).startswith("crashed | renamed")


def test_a_run_that_may_go_on_elsewhere_is_neither_deleted_nor_resumed(tmp_path: Path) -> None:
    run = make(tmp_path)
    begin(run)
    silent(run)
    with pytest.raises(RunError, match="is unheard: stop it before you delete it"):
        trash.delete(tmp_path, run.name)
    with pytest.raises(RunError, match="is unheard already"):
        launch.resume(tmp_path, run.name)


def test_a_resumed_run_waits_as_a_new_one_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "start_worker", lambda runs_dir, device: None)
    monkeypatch.setattr(launch, "require_engine", lambda engine: None)
    run = make(tmp_path)
    begin(run, 6, lost=("node1", "node1"), epoch=1)
    for mark in (rundir.STOP, rundir.KILL):
        (run / mark).touch()
    write_exit(run, "killed", "killed on request", cause="kill", signal=9)
    launch.resume(tmp_path, run.name)
    handed = Handed.of(run)
    assert (handed.fence, handed.engine, handed.lost, describe(status_of(run))) == (7, "", (), "queued |  | ")
    assert not os.path.lexists(run / rundir.KILL)


# The worker, on machines that really run what they are handed.


class Cluster:
    """A folder of runs, an engine and its worker, which looks when it is told to."""

    def __init__(self, runs_dir: Path, **settings: Any) -> None:
        self.runs_dir = runs_dir
        self.engine = LocalEngine(runs_dir, environment={**STAND_IN, "STAND_IN_EPOCH": "0.2"}, **settings)
        self.start_worker()

    def start_worker(self) -> None:
        """Let another worker go on, which knows nothing."""
        self.drain = Drain(self.runs_dir, self.engine, Announcement(rundir.worker_file(self.runs_dir, "ray")))

    def look(self) -> None:
        self.drain._look(self.drain._roster.entries())

    def until(self, claim: Callable[[], Any], seconds: float = 30.0) -> Any:
        """Look again and again until it is so."""
        return await_that(lambda: self.look() or claim(), seconds)


@pytest.fixture
def local(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    monkeypatch.setattr(pulse, "SILENCE", 4.0)
    monkeypatch.setattr(handing, "GRACE", 0.5)
    monkeypatch.setattr(handing, "GONE", 5.0)
    monkeypatch.setattr(handing, "ASIDE", 0.5)
    monkeypatch.setattr(worker, "AGAIN", 0.0)
    cluster = Cluster(tmp_path)
    yield cluster
    cluster.engine.answers = True
    cluster.engine.end()


def epochs(folder: Path) -> list[int]:
    """The epochs of a run as a reader sees them: those before it went on count once."""
    log = EventLog(folder / rundir.EVENTS)
    log.refresh()
    return log.history().epochs["epoch"].tolist()


def fences(folder: Path) -> list[int]:
    """The numbers of the handings out under which its events were written, in the order of the file."""
    events = [json.loads(line) for line in (folder / rundir.EVENTS).read_text().splitlines()]
    numbers = [event["fence"] for event in events if "fence" in event]
    return [number for i, number in enumerate(numbers) if i == 0 or numbers[i - 1] != number]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="kills as POSIX does")
def test_runs_are_handed_out_in_order_and_go_on_when_machines_attendants_and_workers_are_lost(local: Cluster) -> None:
    first, second, third, fourth = (make(local.runs_dir, epochs=60, place=place) for place in (1.0, 2.0, 3.0, 4.0))
    local.until(lambda: {str(status_of(run).state) for run in (first, second)} == {"running"})
    assert local.engine.handed_out == [first.name, second.name, third.name]  # one more than there is room for
    assert describe(status_of(third)) == "queued |  | waits for room"
    Request.change(fourth, place=0.5)  # moved before the one that waits in the cluster
    local.until(lambda: Handed.of(fourth).engine == "ray" and Handed.of(third).engine == "")
    # the attendant dies, its training goes on: it is attended again, and no second one begins
    place = local.engine.places[second.name]
    child = Process.of(second).child
    kill_attendant(place)
    local.until(lambda: local.engine.places[second.name] is not place)
    assert Process.of(second).child == child
    assert Handed.of(second).fence == 1
    # the worker dies, the cluster forgets all: what trains is found again
    local.start_worker()
    for place in local.engine.places.values():
        kill_attendant(place)
    local.engine.places.clear()
    local.until(lambda: {first.name, second.name} <= local.engine.places.keys())
    assert [Handed.of(run).fence for run in (first, second)] == [1, 1]
    # a machine is lost with its training: the run is the next one, goes on by its saved state under another number
    local.until(lambda: rundir.next_epoch(second) > 3)
    local.engine.lose("node2")
    local.until(lambda: Handed.of(second).lost == ("node2",), 15.0)
    (run_list := [entry.folder for entry in local.drain._roster.entries()]).remove(first)
    assert run_list[0] == second
    # killed while the cluster does not answer
    local.engine.answers = False
    local.look()
    (first / rundir.KILL).touch()
    local.until(lambda: (first / rundir.EXIT).exists())
    assert describe(status_of(first)).startswith("killed | kill | killed on request")
    local.engine.answers = True
    (fourth / rundir.STOP).touch()
    (third / rundir.STOP).touch()
    local.until(lambda: status_of(second).state == "running", 15.0)
    (second / rundir.STOP_AFTER_EPOCH).touch()
    local.until(lambda: Exit.read(second))
    assert epochs(second) == list(range(1, len(epochs(second)) + 1))
    assert "resume" in (second / rundir.EVENTS).read_text()
    assert fences(second) == sorted(set(fences(second)))
    assert len(fences(second)) == 2
    assert describe(status_of(third)) == "stopped | cancelled | taken out of the queue while it waited"
    local.until(lambda: not local.engine.places)
    assert not local.drain._roster.entries()


@pytest.mark.slow
def test_a_run_whose_folder_cannot_be_written_to_keeps_no_other_waiting(local: Cluster) -> None:
    closed, other = make(local.runs_dir, epochs=1, place=1.0), make(local.runs_dir, epochs=1, place=2.0)
    (closed / rundir.HANDED).mkdir()
    local.until(lambda: Exit.read(other))
    assert Exit.read(other) == Exit.of(other)
    assert Exit.of(other).how == "finished"
    assert status_of(closed).state == "queued"
    assert closed.name not in local.engine.handed_out


def lose(local: Cluster, run: Path, node: str, fence: int = 1) -> None:
    """Let the engine say that a run was lost with its machine, which has been silent for a while."""
    Process(child=ELSEWHERE, host=node, run=run.name, fence=fence).write(run)
    pulse.beat(run, fence, 0)
    silent(run)
    local.engine.up[node] = False
    local.engine.places[run.name] = Place(Hand(run, fence), node, is_lost=True)
    local.look()


def test_a_run_that_loses_machine_after_machine_is_given_up_unless_it_finishes_epochs(
    local: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Path] = []
    monkeypatch.setattr(webhook, "announce", told.append)
    run = make(local.runs_dir)
    local.engine.up = {}
    nodes = tuple(f"node{number}" for number in range(1, MOST_LOST + 1))
    Handed(fence=1, engine="ray", lost=nodes[:-1], epoch=1).write(run)
    (run / rundir.RESUME / "epoch-00001").mkdir(parents=True)  # it has got on since
    lose(local, run, nodes[-1])
    handed = Handed.of(run)
    assert (handed.lost, handed.epoch) == (nodes[-1:], 2)
    assert status_of(run).state == "queued"
    Handed(fence=8, engine="ray", lost=nodes[:-1], epoch=2).write(run)
    lose(local, run, nodes[-1], 8)
    words = f"failed | node | it was lost with {MOST_LOST} machines one after the other (node1, node2, "
    assert describe(status_of(run)).startswith(words)
    for _ in range(3):
        local.look()
    assert told == [run]


def test_a_run_that_had_not_begun_on_a_machine_was_not_lost_with_it(local: Cluster) -> None:
    run = make(local.runs_dir)
    local.engine.up = {}
    Handed(fence=1, engine="ray", lost=("node1",), epoch=1).write(run)
    local.engine.places[run.name] = Place(Hand(run, 1), is_lost=True)
    local.look()
    assert (Handed.of(run).lost, describe(status_of(run))) == (("node1",), "queued |  | ")


def test_a_run_whose_attendant_is_killed_before_it_began_waits_again(local: Cluster) -> None:
    run = make(local.runs_dir)
    local.look()
    kill_attendant(local.engine.places[run.name])
    local.until(lambda: Handed.of(run).fence > 1)
    assert Exit.read(run) is None
    assert status_of(run).state == "queued"


def test_what_the_engine_has_not_heard_of_yet_is_not_said_of_a_run_that_trains(local: Cluster) -> None:
    run = make(local.runs_dir)
    local.engine.up = {}
    begin(run, reason="waits for room")
    local.engine.places[run.name] = Place(Hand(run, 1))
    local.look()
    assert (Handed.of(run).node, describe(status_of(run))) == ("node1", "running |  | ")


def test_a_run_that_is_taken_out_and_deleted_is_handed_out_no_more(local: Cluster) -> None:
    run = make(local.runs_dir)
    local.engine.up = {}
    local.look()
    assert local.engine.words()[run.name].state == "waits"
    (run / rundir.STOP).touch()
    place = trash.delete(local.runs_dir, run.name)
    local.look()
    assert not local.engine.places
    trash.restore(local.runs_dir, place)
    local.until(lambda: not Handed.of(run).engine)
    assert describe(status_of(run)) == "stopped | cancelled | taken out of the queue while it waited"


def test_a_worker_whose_place_another_has_taken_ends(local: Cluster) -> None:
    make(local.runs_dir)
    other = Worker(worker=identify(os.getppid()))
    other.save(rundir.worker_file(local.runs_dir, "ray"))
    assert local.drain.work() is False
    assert local.engine.handed_out == []


def test_a_run_that_was_to_stop_and_is_lost_has_stopped(local: Cluster) -> None:
    run = make(local.runs_dir)
    Handed(fence=1, engine="ray").write(run)
    (run / rundir.STOP).touch()
    lose(local, run, "node1")
    assert describe(status_of(run)) == f"stopped | stop | {handing.STOPPED}"


def test_a_training_that_the_engine_does_not_know_is_left_alone_while_it_lives(local: Cluster) -> None:
    run = make(local.runs_dir)
    local.engine.up = {}
    begin(run, 4)
    for _ in range(3):
        local.look()
    assert (status_of(run).state, Handed.of(run).fence, local.engine.handed_out) == ("running", 4, [])


def test_a_run_is_killed_at_once_only_where_it_trains(tmp_path: Path) -> None:
    run = make(tmp_path)
    with pytest.raises(RunError, match="is queued: there is no process to kill; stop takes it out of the queue"):
        control.kill(tmp_path, run.name)
    assert not os.path.lexists(run / rundir.KILL)
