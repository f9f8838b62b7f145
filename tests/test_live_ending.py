"""Live: a run that does not obey is killed there, and one that waits says for what."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from processes import kill_processes_of
from screens import open_page, texts

from dhc.config import RunConfig
from dhc.jobs import launch, worker
from dhc.jobs.process import python
from dhc.runs import rundir
from dhc.runs.contract import Process, Worker
from dhc.runs.identity import identify
from dhc.runs.status import State
from dhc.runs.store import Store

pytestmark = [pytest.mark.pages, pytest.mark.usefixtures("forked")]

PATIENCE = 60.0  # seconds that a real process may take on a busy machine


@pytest.fixture
def runs(tmp_path: Path, tiny_data: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder, data = tmp_path / "runs", tmp_path / "data"
    shutil.copytree(tiny_data, data / "tiny")
    for name, path in (("DHC_RUNS_DIR", folder), ("DHC_DATA_DIR", data), ("XDG_CACHE_HOME", tmp_path / "cache")):
        monkeypatch.setenv(name, str(path))
    yield folder
    kill_processes_of(folder)


@pytest.fixture
def knn(tiny_data: Path) -> RunConfig:
    return RunConfig().with_values({"model.name": "knn", "data.path": str(tiny_data)})


def frozen(runs: Path, run_id: str) -> None:
    """Wait until it trains, and stop its process in its tracks: it will never look for a stop request."""
    end = time.monotonic() + PATIENCE
    while (told := rundir.read_json(runs / run_id / rundir.PROCESS)) is None:
        assert time.monotonic() < end
        time.sleep(0.01)
    os.kill(int(told["child"]["pid"]), signal.SIGSTOP)


def test_stop_then_kill_of_a_training_that_hangs(runs: Path, knn: RunConfig) -> None:
    run_id = launch.launch(knn, runs)
    frozen(runs, run_id)
    at = open_page("live", run=run_id)
    at.button(key="dhc-stop").click().run()
    assert Store(runs).run(run_id).state is State.STOPPING
    assert "dhc-stop" not in {button.key for button in at.button}
    assert "end its process at once" in texts(at)
    at.button(key="dhc-kill").click().run()
    end = time.monotonic() + PATIENCE
    while Store(runs).run(run_id).state.alive:
        assert time.monotonic() < end
        time.sleep(0.05)
    at = open_page("live", run=run_id)
    assert "Killed. You, or someone else, killed it." in texts(at)
    assert not {"dhc-stop", "dhc-kill"} & {button.key for button in at.button}


def waiting(runs: Path, knn: RunConfig, number: int) -> Path:
    folder = runs / f"20260101-00000{number}-knn-000{number}"
    folder.mkdir(parents=True)
    rundir.write_json(folder / rundir.CONFIG, knn.model_dump())
    rundir.write_json(folder / rundir.REQUEST, {"queued_at": float(number), "device": "cpu"})
    return folder


def test_a_queue_that_stands_still_is_said_to_and_set_going(runs: Path, knn: RunConfig) -> None:
    waiting(runs, knn, 1)
    second = waiting(runs, knn, 2)
    at = open_page("live", run=second.name)
    assert "no worker is running" in texts(at)
    assert [element.proto.text for element in at.get("progress")] == ["Queued behind 1 run"]
    assert "dhc-kill" not in {button.key for button in at.button}
    assert "Takes it out of the queue" in texts(at)
    at.button(key="dhc_work").click().run()
    end = time.monotonic() + PATIENCE
    while Store(runs).run(second.name).state is not State.FINISHED:
        assert time.monotonic() < end
        time.sleep(0.05)


def test_what_the_worker_waits_for_is_said(runs: Path, knn: RunConfig) -> None:
    folder = waiting(runs, knn, 1)
    worker.Announcement(rundir.worker_file(runs, "cpu")).write(waits="the disk is full: 3 MB are free")
    at = open_page("live", run=folder.name)
    (text,) = [element.proto.text.replace("\\", "") for element in at.get("progress")]
    assert text == "Queued: the disk is full: 3 MB are free"


def test_a_hung_worker_is_said_to_hang_and_ended_at_a_click(runs: Path, knn: RunConfig) -> None:
    folder, behind = waiting(runs, knn, 1), waiting(runs, knn, 2)
    words = ("-c", "import time; time.sleep(600)")
    hung = subprocess.Popen(python(*words, "dhc.jobs.worker", str(runs), "cpu"))
    training = subprocess.Popen(python(*words, str(folder)))
    process, host = identify(training.pid), socket.gethostname()
    Process(child=process, host=host, run=folder.name).write(folder)
    Worker(worker=identify(hung.pid), host=host, run=folder.name).save(rundir.worker_file(runs, "cpu"))
    os.kill(hung.pid, signal.SIGSTOP)
    training.kill()
    training.wait()
    at = open_page("live", run=folder.name)
    assert "its worker hung before it could say how that ended" in texts(at)
    assert "its worker hangs and cannot say how" in texts(at)
    at.button(key="dhc-restart-0").click().run()
    assert hung.wait(10) == -signal.SIGKILL
    assert Store(runs).run(folder.name).state is State.FAILED
    assert "nobody saw how" in texts(at)
    end = time.monotonic() + PATIENCE
    while Store(runs).run(behind.name).state is not State.FINISHED:
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_queue_behind_a_hung_worker_is_set_going(runs: Path, knn: RunConfig) -> None:
    folder = waiting(runs, knn, 1)
    hung = subprocess.Popen(python("-c", "import time; time.sleep(600)", "dhc.jobs.worker", str(runs), "cpu"))
    Worker(worker=identify(hung.pid), host=socket.gethostname()).save(rundir.worker_file(runs, "cpu"))
    os.kill(hung.pid, signal.SIGSTOP)
    at = open_page("live", run=folder.name)
    assert "1 run waits, but the worker hangs: it lives, but does nothing." in texts(at).replace("\\", "")
    at.button(key="dhc_work").click().run()
    assert hung.wait(10) == -signal.SIGKILL
    end = time.monotonic() + PATIENCE
    while Store(runs).run(folder.name).state is not State.FINISHED:
        assert time.monotonic() < end
        time.sleep(0.05)
