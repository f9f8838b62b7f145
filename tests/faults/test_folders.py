"""Faults of the disk, the run folder, the pictures and the settings, done for real on running trainings."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from archives import write_state
from make_run import make_run
from screens import open_page, texts

from dhc.errors import DeviceError, RunError
from dhc.jobs import groups, launch
from dhc.jobs import queue as queues
from dhc.jobs.branch import branch, plan
from dhc.runs import rundir
from dhc.runs.status import State
from faults.cases import Case, fault
from faults.conftest import EPOCHS, KNN, Bench, fill, until

pytestmark = pytest.mark.slow


@fault(
    "disk full while it trains",
    done="a small file system is filled to the last byte, then freed",
    state="failed",
    says="The disk was full",
)
def test_a_disk_that_fills_up(small_disk: Bench, case: Case) -> None:
    folder = small_disk.start(fit__epochs=EPOCHS)
    before = small_disk.epochs(folder)
    with small_disk.paused(folder):  # else a slow machine trains to the end while the disk fills
        filler = fill(small_disk.runs_dir.parent)
    until(lambda: not small_disk.info(folder).state.alive, "it ends", 60)
    small_disk.check(folder, case, before)
    assert "Free disk space" in small_disk.shown(folder)
    filler.unlink()
    assert not list(folder.glob(".saving*"))
    small_disk.resumes(folder, before)


@fault("disk full at launch", done="a run is started on a full file system", says="No space left on device")
def test_a_full_disk_refuses_a_launch(small_disk: Bench, case: Case) -> None:
    small_disk.runs_dir.mkdir()
    fill(small_disk.runs_dir.parent)
    with pytest.raises(OSError, match="No space") as refused:
        launch.launch(small_disk.config, small_disk.runs_dir)
    assert case.is_said(str(refused.value))
    assert [path for path in small_disk.runs_dir.iterdir() if path.is_dir()] == []


@fault("disk full at a junction", done="a run is gone on with on a full file system", says="No space left on device")
def test_a_full_disk_refuses_a_branch(small_disk: Bench, case: Case) -> None:
    parent = make_run(small_disk.runs_dir, Path(small_disk.config.data.path), epochs=3)
    write_state(parent / rundir.STATES, 3)
    filler = fill(small_disk.runs_dir.parent)
    with pytest.raises(OSError, match="No space") as refused:
        branch(small_disk.runs_dir, parent.name, 3, 2)
    assert case.is_said(str(refused.value))
    assert [path for path in small_disk.runs_dir.iterdir() if path.is_dir()] == [parent]
    filler.unlink()
    plan(parent, 3, 2)


@fault(
    "disk full while runs wait",
    done="the file system is filled to 30 MB between two runs, then freed",
    state="queued",
    says="the disk is full",
)
def test_a_queue_waits_for_a_full_disk(small_disk: Bench, case: Case) -> None:
    first = small_disk.start(epochs=1)
    second = small_disk.queue(**KNN)
    filler = small_disk.runs_dir.parent / "filler"
    filler.write_bytes(b"x" * (shutil.disk_usage(small_disk.runs_dir).free - 30_000_000))
    launch.stop(small_disk.runs_dir, first.name)

    def told() -> bool:
        worker = queues.worker_of(small_disk.runs_dir, "cpu")
        return worker is not None and case.is_said(worker.waits)

    until(told, "the worker says what it waits for", 60)
    assert case.has_state(small_disk.info(second).state)
    filler.unlink()
    until(lambda: small_disk.info(second).state is State.FINISHED, "the queue goes on")


@fault(
    "folder made read-only",
    done="chattr +i (root) or chmod -w on the run's folder while it trains, later undone",
    state="crashed",
    says="Its folder could not be written to",
)
def test_a_read_only_folder(bench: Bench, case: Case) -> None:
    folder = bench.start(fit__epochs=EPOCHS)
    before = bench.epochs(folder)
    with read_only(folder):
        until(lambda: not bench.info(folder).state.alive, "it ends", 60)
        bench.check(folder, case, before)
        until(lambda: not bench.processes(), "the worker gives up", 10)
    bench.resumes(folder, before)


@fault(
    "a group with one folder that is read-only",
    done="three queued runs are stopped together, the second one's folder being immutable",
    state="stopped",
    says="1 of 3 runs could not be asked to stop",
)
def test_a_read_only_member_keeps_no_other_going(bench: Bench, case: Case) -> None:
    folders = [rundir.create(bench.runs_dir, "knn") for _ in range(3)]
    for folder in folders:
        rundir.write_json(folder / rundir.REQUEST, {"queued_at": 1.0, "device": "cpu", "group": "night"})
    with read_only(folders[1]), pytest.raises(RunError, match="could not be asked") as refused:
        groups.stop_group(bench.runs_dir, "night")
    assert case.is_said(str(refused.value))
    assert folders[1].name in str(refused.value)
    assert [case.has_state(bench.info(folder).state) for folder in folders] == [True, False, True]
    assert bench.info(folders[1]).state is State.QUEUED


@fault(
    "run folder deleted while it trains",
    done="rm -r of the folder of a running training",
    says="There is no run",
)
def test_a_deleted_folder(bench: Bench, case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, other = bench.start(epochs=1), bench.queue(**KNN)
    shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)
    until(lambda: bench.info(other).state is State.FINISHED, "the queue goes on without it")
    until(lambda: not bench.processes(), "nothing of it is left", 10)
    monkeypatch.setenv("DHC_RUNS_DIR", str(bench.runs_dir))
    assert case.is_said(texts(open_page("live", run=folder.name)))


@fault(
    "data folder gone before the start",
    done="the pictures are deleted while the run waits",
    state="failed",
    says="Its pictures could not be read",
)
def test_pictures_that_are_gone(bench: Bench, case: Case, tmp_path: Path, tiny_data: Path) -> None:
    copy = shutil.copytree(tiny_data, tmp_path / "copy")
    folder = bench.waiting(data__path=str(copy))
    shutil.rmtree(copy)
    launch.work(bench.runs_dir)
    until(lambda: not bench.info(folder).state.alive, "it ends")
    bench.check(folder, case, bench.epochs(folder))
    shutil.copytree(tiny_data, copy)
    launch.resume(bench.runs_dir, folder.name)
    until(lambda: bench.info(folder).epochs_done > 0, "with the pictures back it trains")


@fault(
    "data folder gone while it trains",
    done="the pictures are deleted after the first epoch",
    state="finished",
)
def test_pictures_that_vanish_later_are_not_missed(bench: Bench, case: Case, tmp_path: Path, tiny_data: Path) -> None:
    copy = shutil.copytree(tiny_data, tmp_path / "copy")
    folder = bench.start(epochs=1, data__path=str(copy), fit__epochs=12)
    shutil.rmtree(copy)
    bench.check(folder, case, bench.epochs(folder), within=60)


@fault(
    "a picture is damaged",
    done="a training picture is emptied while the run waits",
    state="failed",
    says="Its pictures could not be read",
)
def test_a_damaged_picture_is_named(bench: Bench, case: Case, tmp_path: Path, tiny_data: Path) -> None:
    copy = shutil.copytree(tiny_data, tmp_path / "copy")
    victim = next((copy / "train_images").iterdir())
    folder = bench.waiting(data__path=str(copy))
    victim.write_bytes(b"")
    launch.work(bench.runs_dir)
    until(lambda: not bench.info(folder).state.alive, "it ends")
    bench.check(folder, case, bench.epochs(folder))
    assert victim.name in bench.shown(folder)
    assert "Traceback" not in bench.shown(folder)
    skipping = bench.queue(data__path=str(copy), data__skip_bad=True, fit__epochs=1)
    until(lambda: bench.info(skipping).state is State.FINISHED, "without it it trains")
    assert victim.name in (skipping / rundir.LOG).read_text()


@fault(
    "settings edited by hand",
    done="config.json of a queued run gets epochs = -1",
    state="failed",
    says="Its settings are not sound",
)
def test_settings_edited_by_hand(bench: Bench, case: Case) -> None:
    folder = bench.waiting()
    record = rundir.read_json(folder / rundir.CONFIG)
    assert record is not None
    record["fit"]["epochs"] = -1
    rundir.write_json(folder / rundir.CONFIG, record)
    launch.work(bench.runs_dir)
    until(lambda: not bench.info(folder).state.alive, "it ends")
    bench.check(folder, case, bench.epochs(folder))
    assert "fit.epochs cannot be -1" in bench.shown(folder)


@fault(
    "a backend that is not installed",
    done="a run with the backend jax or torch, queued before that was removed; a new one is refused",
    state="failed",
    says="Restart with TensorFlow",
)
def test_a_missing_backend(bench: Bench, case: Case) -> None:
    missing = [name for name in ("jax", "torch") if not _installed(name)]
    if not missing:
        pytest.skip("every backend is installed here")
    with pytest.raises(DeviceError, match=f"{missing[0]} is not installed here: choose another backend"):
        bench.queue(device__backend=missing[0])
    folder = bench.waiting(device__backend=missing[0])  # as queued while it still was
    launch.work(bench.runs_dir)
    until(lambda: not bench.info(folder).state.alive, "it ends")
    bench.check(folder, case, bench.epochs(folder))
    assert f"{missing[0]} is not installed here" in bench.shown(folder)


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """No file can come or go in the folder; for root, whom modes do not bind, by the immutable flag."""
    root = sys.platform == "linux" and os.geteuid() == 0
    mode = stat.S_IMODE(folder.stat().st_mode)
    if root:
        if subprocess.run(["chattr", "+i", str(folder)], capture_output=True, check=False).returncode:
            pytest.skip("this file system knows no immutable folders, and root is refused nothing else")
    else:
        folder.chmod(mode & 0o555)
    try:
        yield
    finally:
        if root:
            subprocess.run(["chattr", "-i", str(folder)], check=True)
        else:
            folder.chmod(mode)


def _installed(name: str) -> bool:
    command = [sys.executable, "-c", f"import {name}"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
