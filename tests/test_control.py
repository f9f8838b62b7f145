"""Ending a training, by asking it or by killing it, with real processes and real signals."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from click.testing import CliRunner
from processes import kill_processes_of

from dhc.cli import cli
from dhc.config import RunConfig
from dhc.errors import RunError
from dhc.jobs import control, launch
from dhc.jobs.ends import KILLED
from dhc.runs import rundir
from dhc.runs.identity import identify
from dhc.runs.predictions import read_predictions
from dhc.runs.status import State, ends_after_epoch
from dhc.runs.store import Store

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("forked")]

PATIENCE = 120  # seconds that a real process may take to get somewhere on a busy machine


def wait_until(holds: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if holds():
            return
        time.sleep(0.01)
    pytest.fail(f"{what}: not within {PATIENCE} s")


@pytest.fixture
def runs_dir(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "runs"
    yield folder
    kill_processes_of(folder)


@pytest.fixture
def knn(tiny_data: Path) -> RunConfig:
    """A real run that needs no Keras."""
    return RunConfig().with_values({"model.name": "knn", "data.path": str(tiny_data)})


def process_of(folder: Path) -> dict[str, Any]:
    return rundir.read_json(folder / rundir.PROCESS) or {}


def hold(runs_dir: Path, run_id: str) -> int:
    """Freeze the training as soon as there is one, so that it does not end before it is killed; returns its pid."""
    wait_until(lambda: "child" in process_of(runs_dir / run_id), "the training starts")
    pid = int(process_of(runs_dir / run_id)["child"]["pid"])
    os.kill(pid, signal.SIGSTOP)
    assert Store(runs_dir).run(run_id).state is State.RUNNING
    return pid


def test_a_killed_training_ends_at_once_its_worker_says_so_and_the_queue_goes_on(
    knn: RunConfig, runs_dir: Path
) -> None:
    run_id, behind = launch.launch_all([knn, knn], runs_dir)
    store = Store(runs_dir)
    pid = hold(runs_dir, run_id)
    assert store.run(behind).classes == 3, "what its pictures had, before it has begun"
    with pytest.raises(RunError, match="is queued: there is no process to kill; stop takes it out of the queue"):
        control.kill(runs_dir, behind)
    control.kill(runs_dir, run_id)
    wait_until(lambda: not store.run(run_id).state.alive, "the kill is recorded")
    info = store.run(run_id)
    assert (info.state, info.status.reason, info.status.cause) == (State.KILLED, KILLED, "kill")
    assert not psutil.pid_exists(pid)
    with pytest.raises(RunError, match="is killed: there is no process to kill"):
        control.kill(runs_dir, run_id)
    wait_until(lambda: store.run(behind).state is State.FINISHED, "the next run finishes")
    launch.resume(runs_dir, run_id)
    wait_until(lambda: store.run(run_id).state is State.FINISHED, "the killed run is gone on with")
    assert not (info.folder / rundir.KILL).exists()


def test_a_run_stopped_after_its_epoch_keeps_all_of_it_and_can_be_stopped_at_once_all_the_same(
    tiny_config: RunConfig, runs_dir: Path
) -> None:
    run_id = launch.launch(tiny_config.with_values({"fit.epochs": 3000}), runs_dir)
    store, folder = Store(runs_dir), runs_dir / run_id
    with pytest.raises(RunError, match="is queued: only one that trains can be stopped after its epoch"):
        launch.stop_after_epoch(runs_dir, run_id)
    wait_until(lambda: not store.history(run_id).batches.empty, "it trains")
    said = CliRunner().invoke(cli, ["runs", "stop", "--after-epoch", run_id, "--runs", str(runs_dir)])
    assert said.output == f"{run_id} will stop after the epoch that runs\n"
    wait_until(lambda: not store.run(run_id).state.alive, "it stops")
    info, epochs = store.run(run_id), store.history(run_id).epochs["epoch"].tolist()
    assert (info.state, info.status.cause) == (State.STOPPED, "stop")
    assert info.status.reason == f"stopped after epoch {epochs[-1]}, on request; the best network so far is kept"
    assert store.history(run_id).batches["epoch"].max() == epochs[-1]  # not a batch of the next one
    assert rundir.next_epoch(folder) == epochs[-1] + 1
    assert len(read_predictions(folder).y_pred) == epochs[-1]

    launch.resume(runs_dir, run_id)
    assert not ends_after_epoch(folder)
    wait_until(
        lambda: store.run(run_id).epochs_done > epochs[-1], "it goes on beyond the epoch that it was stopped after"
    )
    pid = process_of(folder)["child"]["pid"]
    os.kill(pid, signal.SIGSTOP)  # so that the epoch does not end before it is asked again
    launch.stop_after_epoch(runs_dir, run_id)
    assert (store.run(run_id).state, ends_after_epoch(folder)) == (State.RUNNING, True)
    launch.keep_on(runs_dir, run_id)
    assert not ends_after_epoch(folder)
    launch.stop_after_epoch(runs_dir, run_id)
    launch.stop(runs_dir, run_id)
    os.kill(pid, signal.SIGCONT)
    wait_until(lambda: not store.run(run_id).state.alive, "it stops at once")
    # whichever wish it meets first: it may have been halted behind an epoch's last batch
    assert store.run(run_id).status.reason.endswith("on request; the best network so far is kept")


def test_a_run_without_epochs_cannot_be_stopped_after_one(knn: RunConfig, runs_dir: Path) -> None:
    run_id = launch.launch(knn, runs_dir)
    hold(runs_dir, run_id)
    with pytest.raises(RunError, match="compares pictures and has no epochs: stop it at once instead"):
        launch.stop_after_epoch(runs_dir, run_id)


def test_a_run_that_does_not_obey_its_stop_can_be_killed(knn: RunConfig, runs_dir: Path) -> None:
    run_id = launch.launch(knn, runs_dir)
    hold(runs_dir, run_id)
    launch.stop(runs_dir, run_id)
    assert Store(runs_dir).run(run_id).state is State.STOPPING
    control.kill(runs_dir, run_id)
    wait_until(lambda: Store(runs_dir).run(run_id).state is State.KILLED, "the kill is recorded")


def test_without_a_worker_the_killer_records_the_end(knn: RunConfig, runs_dir: Path) -> None:
    run_id = launch.launch(knn, runs_dir)
    hold(runs_dir, run_id)
    worker = psutil.Process(process_of(runs_dir / run_id)["worker"]["pid"])
    worker.kill()
    worker.wait()
    control.kill(runs_dir, run_id)
    info = Store(runs_dir).run(run_id)
    assert (info.state, info.status.cause) == (State.KILLED, "kill")


@pytest.fixture
def bystander() -> Iterator[subprocess.Popen[bytes]]:
    """A process of this user that no kill may reach."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    yield process
    assert process.poll() is None
    process.kill()
    process.wait()


def running(runs_dir: Path, **process: Any) -> str:
    folder = rundir.create(runs_dir, "vgg16")
    rundir.write_json(folder / rundir.PROCESS, {"host": socket.gethostname(), **process})
    return folder.name


def test_a_reused_pid_is_not_killed(runs_dir: Path, bystander: subprocess.Popen[bytes]) -> None:
    earlier = identify(bystander.pid)
    assert earlier.created
    changes = {"created": earlier.created - 3600, "ticks": (earlier.ticks or 0) - 360_000}
    earlier = earlier.model_copy(update=changes)
    run_id = running(runs_dir, child=earlier.model_dump())
    with pytest.raises(RunError, match="is crashed: there is no process to kill"):
        control.kill(runs_dir, run_id)


def test_a_hand_edited_record_cannot_turn_the_kill_on_another_program(
    runs_dir: Path, bystander: subprocess.Popen[bytes]
) -> None:
    run_id = running(runs_dir, child=identify(bystander.pid).model_dump())
    with pytest.raises(RunError, match="there is no process to kill"):
        control.kill(runs_dir, run_id)
    assert not (runs_dir / run_id / rundir.KILL).exists()


@pytest.mark.parametrize("child", [None, 7, "x", {}, {"pid": "1"}, {"pid": -1}, {"pid": 10**30}, {"pid": None}])
def test_a_broken_record_is_refused_in_a_sentence(runs_dir: Path, child: Any) -> None:
    with pytest.raises(RunError, match="there is no process to kill"):
        control.kill(runs_dir, running(runs_dir, child=child))


def test_a_run_on_another_machine_is_not_killed_from_here(runs_dir: Path, bystander: subprocess.Popen[bytes]) -> None:
    child = {**identify(bystander.pid).model_dump(), "boot": "another", "machine": "another"}
    run_id = running(runs_dir, child=child, host="gpu-server")
    with pytest.raises(RunError, match=r"cannot be killed from here: it ran on another machine \(gpu-server\)"):
        control.kill(runs_dir, run_id)
    with pytest.raises(RunError, match="there is no run"):
        control.kill(runs_dir, "20260101-000000-vgg16-0000")


@pytest.mark.parametrize("keep", [True, False])
def test_the_state_to_go_on_from_is_kept_only_where_it_is_wanted(
    tiny_config: RunConfig, runs_dir: Path, keep: bool
) -> None:
    run_id = launch.launch(tiny_config.with_values({"fit.epochs": 5000, "fit.keep_resume_state": keep}), runs_dir)
    store = Store(runs_dir)
    wait_until(lambda: store.run(run_id).epochs_done >= 3, "three epochs")
    control.kill(runs_dir, run_id)
    wait_until(lambda: store.run(run_id).state is State.KILLED, "the kill is recorded")
    folder = runs_dir / run_id
    assert (folder / rundir.BEST).is_file()
    assert (folder / rundir.RESUME).exists() == keep
    assert (rundir.next_epoch(folder) > 1) == keep
