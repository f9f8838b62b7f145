"""The bench on which faults are done: real runs of a tiny network in real processes, and what is shown of them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import psutil
import pytest
from processes import processes_of

from dhc.config import RunConfig
from dhc.jobs import launch
from dhc.runs import rundir
from dhc.runs.autopsy import autopsy
from dhc.runs.status import State
from dhc.runs.store import RunInfo, Store

SOON = 5.0  # seconds after the fact within which a state must be right
PATIENCE = 120.0  # seconds that a real training may take to get somewhere on a busy machine
EPOCHS = 60


def until(holds: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
    """Wait, look, fail with a sentence."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return
        time.sleep(0.05)
    pytest.fail(f"{what}: not within {seconds:g} s")


class Bench:
    """Starts real runs in a folder of its own, tells what is recorded and shown, and leaves no process behind."""

    def __init__(self, runs_dir: Path, config: RunConfig) -> None:
        self.runs_dir, self.config = runs_dir, config

    def start(self, *, epochs: int = 3, **changes: object) -> Path:
        """Launch a run of EPOCHS epochs and return its folder once so many of them are recorded."""
        named = {name.replace("__", "."): value for name, value in changes.items()}
        run_id = launch.launch(self.config.with_values({"fit.epochs": EPOCHS, **named}), self.runs_dir)
        folder = self.runs_dir / run_id
        until(lambda: self.info(folder).epochs_done >= epochs or not self.info(folder).state.alive, f"{epochs} epochs")
        return folder

    def queue(self, **changes: object) -> Path:
        """Launch and return at once."""
        return self.start(epochs=0, **changes)

    def info(self, folder: Path) -> RunInfo:
        """Read anew, as a server that was just started would."""
        return Store(folder.parent).run(folder.name)

    def epochs(self, folder: Path) -> pd.DataFrame:
        """What is recorded of the finished epochs, but for when and how fast."""
        return Store(folder.parent).history(folder.name).epochs.drop(columns=["t", "seconds", "pictures_per_second"])

    def pid(self, folder: Path, who: str = "child") -> int:
        """Process number of the run's training or of its worker."""
        record = rundir.read_json(folder / rundir.PROCESS)
        assert record is not None
        return int(record[who]["pid"])

    def shown(self, folder: Path) -> str:
        """All words that the screen has for a run that did not finish: what happened, why, what helps."""
        found = autopsy(self.info(folder), freeable=1)
        assert found is not None
        return " | ".join([found.happened, found.told, *(offer.label for offer in found.offers)])

    def check(self, folder: Path, state: str, says: str, before: pd.DataFrame, *, within: float = SOON) -> None:
        """The state soon, the words, and every epoch that was recorded before."""
        try:
            until(lambda: self.info(folder).state == state, state, within)
        finally:
            assert self.info(folder).state == state, self.info(folder).status
        if state != "finished":
            assert says in self.shown(folder)
        self.keeps(folder, before)

    def keeps(self, folder: Path, before: pd.DataFrame) -> None:
        """Every epoch recorded before is there, unchanged."""
        pd.testing.assert_frame_equal(before, self.epochs(folder).head(len(before)), check_exact=True)

    def resumes(self, folder: Path, before: pd.DataFrame) -> None:
        """Resume goes on from what was there, and to the end."""
        on = rundir.next_epoch(folder)
        assert on > 1
        launch.resume(self.runs_dir, folder.name)
        until(lambda: self.info(folder).state is State.FINISHED, "the resumed run finishes")
        assert f"goes on with epoch {on}" in (folder / rundir.LOG).read_text(errors="replace")
        assert self.epochs(folder)["epoch"].tolist() == list(range(1, EPOCHS + 1))
        self.keeps(folder, before)

    def processes(self) -> list[psutil.Process]:
        """Living processes that work on this bench's folder."""
        return [process for process in processes_of(self.runs_dir) if process.pid != os.getpid()]


@pytest.fixture
def bench(tmp_path: Path, tiny_config: RunConfig) -> Iterator[Bench]:
    """A bench on an ordinary disk."""
    found = Bench(tmp_path / "runs", tiny_config)
    yield found
    for process in found.processes():
        process.kill()


@pytest.fixture
def small_disk(tmp_path: Path, tiny_config: RunConfig) -> Iterator[Bench]:
    """A bench on a file system of its own of 120 MB, which can really be full."""
    place = tmp_path / "disk"
    place.mkdir()
    if not mounted(place):
        pytest.skip("a file system can be mounted here by root only")
    found = Bench(place / "runs", tiny_config)
    yield found
    for process in found.processes():
        process.kill()
        process.wait(10)
    subprocess.run(["umount", "-l", str(place)], check=True)


def mounted(place: Path) -> bool:
    """Mount a small file system in memory, where that is allowed."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return False
    command = ["mount", "-t", "tmpfs", "-o", "size=120m", "tmpfs", str(place)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def fill(place: Path) -> Path:
    """Fill the disk to the last byte; returns the file that does it."""
    filler = place / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (1_000_000, 4_096, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue
    return filler
