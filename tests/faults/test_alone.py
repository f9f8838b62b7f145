"""Faults of one run or one worker that must stop no queue: what cannot be started, what vanishes, what hangs."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from dhc.errors import RunError
from dhc.jobs import control, launch, worker
from dhc.jobs import queue as queues
from dhc.jobs.process import REPOSITORY as ROOT
from dhc.jobs.process import python, spawn
from dhc.jobs.task import Task
from dhc.runs import rundir
from dhc.runs.contract import Job, Process, Worker
from dhc.runs.identity import identify
from dhc.runs.room import files_left
from dhc.runs.status import State
from dhc.runs.workers import SHORT_SILENCE, SILENCE
from faults.cases import Case, fault
from faults.conftest import EPOCHS, KNN, SOON, Bench, fill, until
from faults.test_folders import read_only
from faults.test_queues import command

pytestmark = pytest.mark.slow


def work(bench: Bench) -> None:
    """Be the worker until the queue is empty."""
    assert worker.main([str(bench.runs_dir), "cpu"]) == 0


@fault(
    "a log that is no file",
    done="train.log of three queued runs is a pipe, a folder, a link; a sound run waits behind them",
    state="failed",
    says=(
        "Its folder could not be written to",
        "its train.log is a …, where a file belongs; start a copy, or remove it",
    ),
)
def test_a_log_that_is_no_file(bench: Bench, case: Case, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("mine")
    folders = [bench.waiting(**KNN) for _ in range(4)]
    os.mkfifo(folders[0] / rundir.LOG)
    (folders[1] / rundir.LOG).mkdir()
    (folders[2] / rundir.LOG).symlink_to(elsewhere)
    work(bench)
    for folder in folders[:3]:
        assert case.has_state(bench.info(folder).state)
        assert case.is_said(bench.shown(folder)), bench.shown(folder)
    assert bench.info(folders[3]).state is State.FINISHED
    assert elsewhere.read_text() == "mine"


@fault(
    "settings that cannot be opened",
    done="config.json of three queued runs is a pipe, a folder, a link to itself; a sound run waits behind them",
    state="failed",
    says=("Its settings are not sound", "its process could not be started: config.json cannot be read"),
)
def test_settings_that_cannot_be_opened(bench: Bench, case: Case) -> None:
    folders = [bench.waiting(**KNN) for _ in range(4)]
    for folder in folders[:3]:
        (folder / rundir.CONFIG).unlink()
    os.mkfifo(folders[0] / rundir.CONFIG)
    (folders[1] / rundir.CONFIG).mkdir()
    (folders[2] / rundir.CONFIG).symlink_to(rundir.CONFIG)
    work(bench)
    for folder in folders[:3]:
        assert case.has_state(bench.info(folder).state)
        assert case.is_said(bench.shown(folder)), bench.shown(folder)
    assert bench.info(folders[3]).state is State.FINISHED


@fault(
    "a queued run whose folder is a link",
    done="the folder of the first of two queued runs is moved away, and a link to it put in its place",
    state="queued",
    says="its folder is a link, so it is passed over: put the folder itself in its place",
)
def test_a_link_is_passed_over(bench: Bench, case: Case, tmp_path: Path) -> None:
    first, second = bench.waiting(**KNN), bench.waiting(**KNN)
    first.symlink_to(first.rename(tmp_path / "elsewhere"))
    before = sorted((tmp_path / "elsewhere").iterdir())
    work(bench)
    assert case.has_state(bench.info(first).state)
    assert case.is_said(bench.info(first).status.reason)
    assert bench.info(second).state is State.FINISHED
    assert sorted((tmp_path / "elsewhere").iterdir()) == before


@fault(
    "Python is gone",
    done="the program that a worker starts its trainings with is not there any more",
    state="failed",
    says=("It was never started", "its process could not be started: No such file or directory: /nowhere/python"),
)
def test_a_python_that_is_gone(started_bench: Bench, case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = started_bench
    folders = [bench.waiting(**KNN) for _ in range(2)]
    with monkeypatch.context() as patch:
        patch.setattr(sys, "executable", "/nowhere/python")
        work(bench)
    for folder in folders:
        assert case.has_state(bench.info(folder).state)
        assert case.is_said(bench.shown(folder)), bench.shown(folder)


@fault(
    "a queued run's folder cannot be written to",
    done="chattr +i (root) or chmod -w on the first of two queued runs, later undone",
    state="queued",
    says="its folder cannot be written to, so it is passed over: make it writable, then resume the queue",
)
def test_what_cannot_be_written_to_is_passed_over(bench: Bench, case: Case) -> None:
    first, second = bench.waiting(**KNN), bench.waiting(**KNN)
    with read_only(first):
        work(bench)
        assert case.has_state(bench.info(first).state)
        assert case.is_said(bench.info(first).status.reason)
        assert bench.info(second).state is State.FINISHED
    work(bench)
    assert bench.info(first).state is State.FINISHED


@fault(
    "a queued run on a full disk of its own",
    done="the first of two queued runs is a mounted file system, filled to the last byte, later freed",
    state="queued",
    says="the disk is full: … make room, then resume the queue",
)
def test_a_run_whose_own_disk_is_full_waits_alone(bench: Bench, case: Case) -> None:
    first, second = bench.waiting(**KNN), bench.waiting(**KNN)
    files = {path.name: path.read_bytes() for path in first.iterdir()}
    with a_disk("size=4m", at=first):
        for name, data in files.items():
            (first / name).write_bytes(data)
        filler = fill(first)
        work(bench)
        assert case.has_state(bench.info(first).state)
        assert case.is_said(bench.info(first).status.reason), bench.info(first).status
        assert bench.info(second).state is State.FINISHED
        filler.unlink()
        work(bench)
        assert bench.info(first).state is State.FINISHED


@fault(
    "no inodes while runs wait",
    done="empty files are made until a small file system takes no more, then removed",
    state="queued",
    says="the disk has no room for more files, though it has free space",
)
def test_a_queue_waits_for_room_for_files(bench: Bench, case: Case) -> None:
    bench.runs_dir.mkdir()
    with a_disk("size=120m,nr_inodes=60", at=bench.runs_dir):
        first, second = bench.waiting(), bench.waiting(**KNN)
        launch.start_worker(bench.runs_dir, "cpu")
        until(lambda: bench.info(first).state is not State.QUEUED, "the first one starts")
        child = Process.of(bench.runs_dir / first).child
        assert child is not None
        assert child.pid is not None
        os.kill(child.pid, signal.SIGSTOP)  # one that writes could have its files counted and then gone
        full = files_until_full(bench.runs_dir)
        os.kill(child.pid, signal.SIGKILL)

        def said() -> bool:
            record = queues.worker_of(bench.runs_dir, "cpu")
            return record is not None and case.is_said(record.waits)

        until(said, "the worker says what it waits for", 30)
        assert case.has_state(bench.info(second).state)
        with pytest.raises((RunError, OSError), match="no room for more files"):
            launch.launch(bench.knn, bench.runs_dir)
        for path in full:
            path.unlink()
        until(lambda: bench.info(second).state is State.FINISHED and not bench.processes(), "the queue goes on", 30)


@fault(
    "the run's folder is deleted between being taken and trained",
    done="rm -r of a queued run's folder as soon as its worker says that it has it in hand; a sound run waits behind it",
    says="There is no run",
)
def test_a_folder_that_vanishes_as_it_is_started(bench: Bench, case: Case) -> None:
    first, second = bench.waiting(**KNN), bench.waiting(**KNN)
    launch.start_worker(bench.runs_dir, "cpu")
    record = rundir.worker_file(bench.runs_dir, "cpu")
    until(lambda: (w := Worker.load(record)) is not None and w.run == first.name, "it is taken")
    while first.exists():
        shutil.rmtree(first, ignore_errors=True)
    until(lambda: bench.info(second).state is State.FINISHED, "the next one finishes")
    with pytest.raises(RunError) as refused:
        bench.info(first)
    assert case.is_said(str(refused.value).replace("there is", "There is"))
    assert not first.exists()


@fault(
    "run folder renamed while it trains",
    done="mv of the folder of a running training to another run's name",
    state="failed or killed",
    says=("Its folder was renamed, moved or copied", "it was …, so the training could not go on"),
)
def test_a_renamed_folder(bench: Bench, case: Case) -> None:
    folder = bench.start(fit__epochs=EPOCHS)
    before = bench.epochs(folder)
    renamed = folder.rename(folder.with_name("20260101-000000-vgg16-beef"))
    bench.check(renamed, case, before, within=60)
    assert folder.name in bench.shown(renamed)
    until(lambda: not bench.processes(), "worker and training end", 30)
    assert not folder.exists()


@fault(
    "a copy of a run that trains",
    done="cp -r of the folder of a running training, to another run's name",
    state="crashed",
    says=("Its folder was renamed, moved or copied", "it trained under the name"),
)
def test_a_copy_of_a_live_run(bench: Bench, case: Case) -> None:
    folder = bench.start(epochs=1)
    copy = shutil.copytree(folder, folder.with_name("20260101-000000-vgg16-beef"))
    bench.check(copy, case, bench.epochs(copy))
    with pytest.raises(RunError, match="there is no process to kill"):
        control.kill(bench.runs_dir, copy.name)
    assert bench.info(folder).state is State.RUNNING


@fault(
    "a hung worker whose training is dead",
    done="SIGSTOP to the worker, SIGKILL to the training; then Kill",
    state="crashed",
    says=("its worker hung before it could say how", "End the hung worker"),
)
def test_a_hung_worker_is_said_to_hang_and_kill_ends_it(bench: Bench, case: Case) -> None:
    folder = bench.start(epochs=1)
    behind = bench.queue(**KNN)
    os.kill(bench.pid(folder, "worker"), signal.SIGSTOP)
    os.kill(bench.pid(folder), signal.SIGKILL)
    bench.check(folder, case, bench.epochs(folder))
    assert "its worker hangs" in command("show", bench.runs_dir, folder.name)
    assert "the worker hangs" in command("queue", bench.runs_dir)
    control.kill(bench.runs_dir, folder.name)
    info = bench.info(folder)
    assert info.state is State.KILLED
    assert "SIGKILL" in info.status.reason, "its true end"
    until(lambda: bench.info(behind).state is State.FINISHED and not bench.processes(), "the queue goes on")


@fault(
    "a hung worker, and Kill while it trains",
    done="SIGSTOP to the worker, then Kill, which must end both",
    state="killed",
    says="killed it",
)
def test_kill_ends_a_hung_worker_with_its_training(bench: Bench, case: Case) -> None:
    folder = bench.start(epochs=1)
    os.kill(bench.pid(folder, "worker"), signal.SIGSTOP)
    assert bench.info(folder).state is State.RUNNING, "it trains on"
    control.kill(bench.runs_dir, folder.name)
    bench.check(folder, case, bench.epochs(folder))
    until(lambda: not bench.processes(), "nothing is left", 10)


@fault(
    "a worker without a sign of life",
    done="a process that only sleeps is in the record of a worker, which is as old as a deadlock makes it",
    state="queued",
    says="the worker hangs: it lives, but does nothing; `python -m dhc runs work` starts one",
)
def test_a_silent_worker_is_replaced(bench: Bench, case: Case) -> None:
    folder = bench.waiting(**KNN)
    words = ("-c", "import time; time.sleep(600)", "dhc.jobs.worker", str(bench.runs_dir), "cpu")
    with subprocess.Popen(python(*words)) as process:
        beat = time.monotonic() - SILENCE - 1
        record = Worker(worker=identify(process.pid), host=socket.gethostname(), beat=max(0.0, beat))
        record.save(rundir.worker_file(bench.runs_dir, "cpu"))
        if beat < 0:
            pytest.skip("the machine has only just started")
        assert case.is_said(command("queue", bench.runs_dir))
        assert case.has_state(bench.info(folder).state)
        launch.work(bench.runs_dir)
        assert process.wait(10) == -signal.SIGKILL
    until(lambda: bench.info(folder).state is State.FINISHED, "the queue goes on")


@pytest.mark.parametrize(("silence", "state"), [(SHORT_SILENCE - 2, "stopping"), (SHORT_SILENCE + 0.1, "crashed")])
@fault(
    "a worker that says nothing of its dead training",
    done="a process that only sleeps is in the record of a worker, and its training is dead; Kill before and after it is sure to hang",
    state="stopping or crashed",
    says="so nobody saw how",
)
def test_a_silent_worker_with_a_dead_training(bench: Bench, case: Case, silence: float, state: str) -> None:
    folder = bench.waiting(**KNN)
    words = ("-c", "import time; time.sleep(600)", "dhc.jobs.worker", str(bench.runs_dir), "cpu")
    with subprocess.Popen(python(*words)) as process, subprocess.Popen(python("-c", "input()")) as training:
        Process(child=identify(training.pid), host=socket.gethostname(), run=folder.name).write(folder)
        training.kill()
        training.wait()
        record = Worker(worker=identify(process.pid), run=folder.name, beat=time.monotonic() - silence)
        record.save(rundir.worker_file(bench.runs_dir, "cpu"))
        assert case.has_state(bench.info(folder).state)
        assert bench.info(folder).state == state
        control.kill(bench.runs_dir, folder.name)
        assert process.wait(10) == -signal.SIGKILL
    assert bench.info(folder).state is State.FAILED
    assert case.is_said(bench.shown(folder))


@fault(
    "the system starts no more processes",
    done="a worker in a control group that allows it one process, then more",
    state="queued",
    says="the system starts no more processes just now",
)
def test_a_queue_waits_for_room_for_processes(bench: Bench, case: Case) -> None:
    folder = bench.waiting(**KNN)
    with a_group_of_processes() as group:
        (group / "pids.max").write_text("1")
        words = python("-m", "dhc.jobs.worker", str(bench.runs_dir), "cpu")
        join = ["sh", "-c", 'echo $$ > "$1/cgroup.procs" && shift && exec "$@"', "sh", str(group)]
        with subprocess.Popen([*join, *words], cwd=ROOT) as process:

            def said() -> bool:
                record = queues.worker_of(bench.runs_dir, "cpu")
                return record is not None and case.is_said(record.waits)

            until(said, "the worker says what it waits for", 30)
            assert case.has_state(bench.info(folder).state)
            (group / "pids.max").write_text("max")
            assert process.wait(60) == 0
    assert bench.info(folder).state is State.FINISHED


@fault(
    "a training that hangs while it starts",
    done="SIGSTOP to a child before it has said that it is there; then Stop",
    state="stopped",
    says="taken out of the queue",
)
def test_a_child_that_hangs_at_its_start(bench: Bench, case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "LINGER", 0.1)
    monkeypatch.setattr(worker, "BEAT", 0.1)
    first, second = bench.waiting(**KNN), bench.waiting(**KNN)

    def spawn_paused(*words: Any, **named: Any) -> Any:
        child = spawn(*words, **named)
        if not (first / rundir.STOP).exists():
            os.kill(child.pid, signal.SIGSTOP)
            launch.stop(bench.runs_dir, first.name)
        return child

    monkeypatch.setattr(worker, "spawn", spawn_paused)
    work(bench)
    assert case.has_state(bench.info(first).state)
    assert case.is_said(bench.shown(first))
    assert bench.info(second).state is State.FINISHED


@fault(
    "an evaluation that hangs",
    done="SIGSTOP to the process of a background task, which is then asked for again",
    says="its process hangs; try again, and that one is ended",
)
def test_a_task_that_hangs_is_replaced(tmp_path: Path, case: Case) -> None:
    task = Task(tmp_path / "job.json", tmp_path / "log")
    task.start("data", "make", str(tmp_path / "set"), "--classes", "96")
    job = Job.load(task.record)
    assert job is not None
    assert job.pid is not None
    os.kill(job.pid, signal.SIGSTOP)
    until(lambda: (s := task.standing()) is not None and not s.pending, "it is said to hang", SOON)
    assert case.is_said(task.last_error())
    task.start("data", "make", str(tmp_path / "set"), "--classes", "3", "--train", "12", "--val", "6", "--test", "3")
    until(lambda: not psutil.pid_exists(job.pid or 0), "the first one is ended", SOON)
    until(lambda: (tmp_path / "set" / "train.csv").is_file(), "the second one does it", 60)


@contextmanager
def a_disk(options: str, *, at: Path) -> Iterator[None]:
    """A small file system in memory, where that is allowed."""
    words = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(at)]
    if sys.platform != "linux" or subprocess.run(words, capture_output=True, check=False).returncode:
        pytest.skip("a file system can be mounted here by root only")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(at)], check=True)


@contextmanager
def a_group_of_processes() -> Iterator[Path]:
    """A control group whose number of processes can be limited, where one can be made."""
    group = Path("/sys/fs/cgroup/pids") / f"dhc-test-{os.getpid()}"
    try:
        group.mkdir()
    except OSError:
        pytest.skip("no control group can be made here")
    try:
        yield group
    finally:
        until(lambda: not (group / "cgroup.procs").read_text(), "its processes end", 10)
        group.rmdir()


def files_until_full(folder: Path) -> list[Path]:
    """Make empty files until there is no room for another; returns them."""
    paths = []
    while files_left(folder):
        paths.append(folder / f"filler-{len(paths)}")
        paths[-1].touch()
    return paths
