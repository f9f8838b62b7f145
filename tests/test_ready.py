"""A worker that stays when its queue is empty: the next run is trained by a process that has waited for it, and like any other."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from networks import plain_network
from processes import kill_processes_of, wait_until

from dhc.config import DeviceConfig
from dhc.jobs import launch, ready, spare
from dhc.jobs.announcement import Announcement
from dhc.machine import hardware
from dhc.runs import rundir
from dhc.runs.contract import Process, Worker
from dhc.runs.identity import identify
from dhc.runs.status import State, status_of


def waiting(runs: Path) -> list[psutil.Process]:
    """The processes that the worker of these runs has ready."""
    record = Worker.load(rundir.worker_file(runs, "cpu"))
    assert record is not None
    assert record.worker is not None
    children = psutil.Process(record.worker.pid).children()
    return [child for child in children if "--wait" in child.cmdline()]


def is_over(process: psutil.Process) -> bool:
    """Whether it has ended, though nobody may have waited for it yet."""
    try:
        return not process.is_running() or bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def figures(folder: Path) -> list[object]:
    """What each epoch came to."""
    events = map(json.loads, (folder / rundir.EVENTS).read_text().splitlines())
    return [(e["loss"], e["accuracy"], e["val_loss"], e["val_accuracy"]) for e in events if e["kind"] == "epoch"]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="finds the processes by Linux' means")
def test_the_next_run_is_trained_by_the_process_that_waits(
    tmp_path: Path, tiny_data: Path, forked: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, config = tmp_path / "runs", plain_network(tiny_data)
    monkeypatch.setenv(ready.VARIABLE, "300")

    def train() -> Path:
        folder = runs / launch.launch(config, runs)
        wait_until(lambda: status_of(folder).state is State.FINISHED, "it is trained", 60)
        wait_until(lambda: len(ready.waiting_here(runs)) == 1, "the next process waits", 60)
        return folder

    try:
        first = train()
        (process,) = waiting(runs)
        (shown,) = ready.waiting_here(runs)
        assert shown.device == "cpu"
        assert 0 <= shown.memory < 2e9
        assert 200 < shown.until - time.time() < 301
        second = train()
        child = Process.of(second).child
        assert child is not None
        assert child.pid == process.pid
        assert figures(second) == figures(first)
        assert "epoch 2/2" in (second / rundir.LOG).read_text()
        assert Process.of(second).worker == Process.of(first).worker

        monkeypatch.setenv(
            "OMP_NUM_THREADS", "1"
        )  # another environment: neither that worker nor its process may train in it
        (old,) = waiting(runs)
        third = train()
        assert Process.of(third).child.pid != old.pid  # type: ignore[union-attr]
        assert Process.of(third).worker != Process.of(first).worker
        assert is_over(old)

        record = Worker.load(rundir.worker_file(runs, "cpu"))
        assert record is not None
        assert record.worker is not None
        (last,) = waiting(runs)
        os.kill(record.worker.pid, 9)
        wait_until(lambda: is_over(last), "nothing waits any more", 20)
        assert ready.waiting_here(runs) == ()
    finally:
        kill_processes_of(runs)


@pytest.fixture
def record(tmp_path: Path) -> Path:
    return rundir.worker_file(tmp_path, "cpu")


def test_it_ends_with_its_time_and_when_memory_is_short(
    record: Path, forked: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared: list[spare.Spare | None] = []
    prepare = spare.prepare_spare
    monkeypatch.setattr(ready, "prepare_spare", lambda *after: prepared.append(prepare(*after)) or prepared[-1])
    after, announcement = (DeviceConfig(), "cpu"), Announcement(record)
    assert not ready.Ready(0.0, record).await_run(after, announcement)
    assert not record.exists()
    assert not ready.Ready(0.3, record).await_run(after, announcement)
    monkeypatch.setattr(ready, "free_memory", lambda: ready.LITTLE - 1)
    assert not ready.Ready(60, record).await_run(after, announcement)
    monkeypatch.setattr(spare, "free_memory", lambda: spare.ROOM - 1)
    assert spare.prepare_spare(*after) is None
    assert not ready.Ready(60, record).await_run(None, announcement)
    assert [one.memory for one in prepared if one is not None] == [0, 0]


def test_the_mark_wakes_it_and_what_it_prepared_serves_only_the_same_device(
    record: Path, forked: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    readiness = ready.Ready(60, record)
    ready.wake_mark(record).touch()
    assert readiness.await_run((DeviceConfig(), "cpu"), Announcement(record))
    assert not ready.wake_mark(record).exists()
    prepared = readiness.take()
    assert prepared is not None
    assert prepared.memory > 0
    assert prepared.give(record.parent, hardware.environment(DeviceConfig(), "gpu:0")) is None
    assert prepared.memory == 0
    assert readiness.take() is None

    paused = spare.Spare(DeviceConfig(), "cpu")
    os.kill(paused.pid, signal.SIGSTOP)
    wait_until(lambda: psutil.Process(paused.pid).status() == psutil.STATUS_STOPPED, "it stands still")
    assert paused.give(record.parent, hardware.environment(DeviceConfig(), "cpu")) is None
    assert paused.memory == 0


@pytest.mark.parametrize(("text", "seconds"), [("", 600), ("0", 0), ("30", 30), ("-1", 0), ("soon", 600)])
def test_how_long_it_stays(text: str, seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    if text:
        monkeypatch.setenv(ready.VARIABLE, text)
    else:
        monkeypatch.delenv(ready.VARIABLE)
    assert ready.seconds_to_stay() == seconds


def test_the_setting_is_the_environment_but_for_what_terminals_differ_in(monkeypatch: pytest.MonkeyPatch) -> None:
    before = ready.setting()
    for name in ("SHLVL", "SSH_TTY", "COLUMNS"):
        monkeypatch.setenv(name, "7")
    assert ready.setting() == before
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    assert ready.setting() != before


def test_a_hand_edited_record_ends_no_other_program(tmp_path: Path, record: Path) -> None:
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        announcement = Announcement(record)
        announcement.write(setting="another", memory=1e6, until=time.time() + 60)
        values = json.loads(record.read_text())
        values["worker"] = identify(other.pid).model_dump(mode="json", exclude_unset=True)
        record.write_text(json.dumps(values))
        assert not ready.make_way(record, tmp_path, "cpu")
        ready.dismiss(tmp_path, "cpu")
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()
