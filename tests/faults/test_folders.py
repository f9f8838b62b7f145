"""Faults of the disk, the run folder, the pictures and the settings, done for real on running trainings."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dhc.errors import DeviceError, RunError
from dhc.jobs import groups, launch
from dhc.jobs import queue as queues
from dhc.runs import rundir
from dhc.runs.status import State
from faults.cases import case
from faults.conftest import Bench, fill, until

pytestmark = pytest.mark.slow


@case(
    "disk full while it trains",
    done="a small file system is filled to the last byte, then freed",
    state="failed",
    says="The disk was full",
)
def test_a_disk_that_fills_up(small_disk: Bench) -> None:
    folder = small_disk.start()
    before = small_disk.epochs(folder)
    filler = fill(small_disk.runs_dir.parent)
    until(lambda: not small_disk.info(folder).state.alive, "it ends", 60)
    small_disk.check(folder, "failed", "The disk was full", before)
    assert "Free disk space" in small_disk.shown(folder)
    filler.unlink()
    assert not list(folder.glob(".saving*"))
    small_disk.resumes(folder, before)


@case("disk full at launch", done="a run is started on a full file system", state="", says="No space left on device")
def test_a_full_disk_refuses_a_launch(small_disk: Bench) -> None:
    small_disk.runs_dir.mkdir()
    fill(small_disk.runs_dir.parent)
    with pytest.raises(OSError, match="No space left on device"):
        launch.launch(small_disk.config, small_disk.runs_dir)
    assert [path for path in small_disk.runs_dir.iterdir() if path.is_dir()] == []


@case(
    "disk full while runs wait",
    done="the file system is filled to 30 MB between two runs, then freed",
    state="queued",
    says="the disk is full",
)
def test_a_queue_waits_for_a_full_disk(small_disk: Bench) -> None:
    first = small_disk.start(epochs=1)
    second = small_disk.queue(fit__epochs=1)
    filler = small_disk.runs_dir.parent / "filler"
    filler.write_bytes(b"x" * (shutil.disk_usage(small_disk.runs_dir).free - 30_000_000))
    launch.stop(small_disk.runs_dir, first.name)

    def says() -> str:
        worker = queues.worker_of(small_disk.runs_dir, "cpu")
        return worker.waits if worker else ""

    until(lambda: "the disk is full" in says(), "the worker says what it waits for", 60)
    assert small_disk.info(second).state is State.QUEUED
    filler.unlink()
    until(lambda: small_disk.info(second).state is State.FINISHED, "the queue goes on")


@case(
    "folder made read-only",
    done="chattr +i (root) or chmod -w on the run's folder while it trains, later undone",
    state="crashed",
    says="Its folder could not be written to",
)
def test_a_read_only_folder(bench: Bench) -> None:
    folder = bench.start()
    before = bench.epochs(folder)
    with read_only(folder):
        until(lambda: not bench.info(folder).state.alive, "it ends", 60)
        bench.check(folder, "crashed", "Its folder could not be written to", before)
        until(lambda: not bench.processes(), "the worker gives up", 10)
    bench.resumes(folder, before)


@case(
    "a group with one folder that is read-only",
    done="three queued runs are stopped together, the second one's folder being immutable",
    state="stopped",
    says="of 3 runs 1 could not be asked to stop",
)
def test_a_read_only_member_keeps_no_other_going(bench: Bench) -> None:
    folders = [rundir.create(bench.runs_dir, "knn") for _ in range(3)]
    for folder in folders:
        rundir.write_json(folder / rundir.REQUEST, {"queued_at": 1.0, "device": "cpu", "group": "night"})
    with read_only(folders[1]), pytest.raises(RunError, match="of 3 runs 1 could not be asked to stop") as refused:
        groups.stop_group(bench.runs_dir, "night")
    assert folders[1].name in str(refused.value)
    assert [bench.info(f).state for f in folders] == [State.STOPPED, State.QUEUED, State.STOPPED]


@case(
    "run folder deleted while it trains",
    done="rm -r of the folder of a running training",
    state="",
    says="there is no run",
)
def test_a_deleted_folder(bench: Bench) -> None:
    folder, other = bench.start(epochs=1), bench.queue(fit__epochs=1)
    shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)
    until(lambda: bench.info(other).state is State.FINISHED, "the queue goes on without it")
    until(lambda: not bench.processes(), "nothing of it is left", 10)


@case(
    "data folder gone before the start",
    done="the pictures are deleted while the run waits",
    state="failed",
    says="Its pictures could not be read",
)
def test_pictures_that_are_gone(bench: Bench, tmp_path: Path, tiny_data: Path) -> None:
    copy = shutil.copytree(tiny_data, tmp_path / "copy")
    first = bench.start(epochs=1)
    folder = bench.queue(data__path=str(copy))
    shutil.rmtree(copy)
    launch.stop(bench.runs_dir, first.name)
    until(lambda: not bench.info(folder).state.alive, "it ends")
    bench.check(folder, "failed", "Its pictures could not be read", bench.epochs(folder))
    shutil.copytree(tiny_data, copy)
    launch.resume(bench.runs_dir, folder.name)
    until(lambda: bench.info(folder).epochs_done > 0, "with the pictures back it trains")


@case(
    "data folder gone while it trains", done="the pictures are deleted after the first epoch", state="finished", says=""
)
def test_pictures_that_vanish_later_are_not_missed(bench: Bench, tmp_path: Path, tiny_data: Path) -> None:
    copy = shutil.copytree(tiny_data, tmp_path / "copy")
    folder = bench.start(data__path=str(copy), fit__epochs=20)
    shutil.rmtree(copy)
    bench.check(folder, "finished", "", bench.epochs(folder), within=60)


@case(
    "a picture is damaged",
    done="a training picture is emptied while the run waits",
    state="failed",
    says="Its pictures could not be read",
)
def test_a_damaged_picture_is_named(bench: Bench, tmp_path: Path, tiny_data: Path) -> None:
    copy = shutil.copytree(tiny_data, tmp_path / "copy")
    victim = next((copy / "train_images").iterdir())
    victim.write_bytes(b"")
    folder = bench.queue(data__path=str(copy))
    until(lambda: not bench.info(folder).state.alive, "it ends")
    bench.check(folder, "failed", "Its pictures could not be read", bench.epochs(folder))
    assert victim.name in bench.shown(folder)


@case(
    "settings edited by hand",
    done="config.json of a queued run gets epochs = -1",
    state="failed",
    says="Its settings are not sound",
)
def test_settings_edited_by_hand(bench: Bench) -> None:
    first = bench.start(epochs=1)
    folder = bench.queue()
    record = rundir.read_json(folder / rundir.CONFIG)
    assert record is not None
    record["fit"]["epochs"] = -1
    rundir.write_json(folder / rundir.CONFIG, record)
    launch.stop(bench.runs_dir, first.name)
    until(lambda: not bench.info(folder).state.alive, "it ends")
    bench.check(folder, "failed", "Its settings are not sound", bench.epochs(folder))
    assert "fit.epochs cannot be -1" in bench.shown(folder)


@case(
    "a backend that is not installed",
    done="a run with the backend jax or torch, queued before that was removed; a new one is refused",
    state="failed",
    says="Restart with TensorFlow",
)
def test_a_missing_backend(bench: Bench) -> None:
    missing = [name for name in ("jax", "torch") if not _installed(name)]
    if not missing:
        pytest.skip("every backend is installed here")
    with pytest.raises(DeviceError, match=f"{missing[0]} is not installed here: choose another backend"):
        bench.queue(device__backend=missing[0])
    config = bench.config.with_values({"device.backend": missing[0]})
    folder = rundir.create(bench.runs_dir, config.model.name)  # as queued while it still was
    rundir.write_json(folder / rundir.CONFIG, config.model_dump())
    rundir.write_json(folder / rundir.REQUEST, {"queued_at": time.time(), "device": "cpu"})
    launch.start_worker(bench.runs_dir, "cpu")
    until(lambda: not bench.info(folder).state.alive, "it ends")
    bench.check(folder, "failed", "Restart with TensorFlow", bench.epochs(folder))
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
