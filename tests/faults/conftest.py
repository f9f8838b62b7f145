"""The bench on which faults are done: real runs of a tiny network in real processes, and what is shown of them."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import psutil
import pytest
from networks import plain_network
from prefork import Prefork
from processes import kill_processes_of, processes_of

from dhc.config import RunConfig
from dhc.jobs import launch
from dhc.runs import rundir
from dhc.runs.autopsy import autopsy
from dhc.runs.status import State
from dhc.runs.store import RunInfo, Store
from faults.cases import Case

SOON = 5.0  # seconds after the fact within which a state must be right
PATIENCE = 120.0  # seconds that a real training may take to get somewhere on a busy machine
ENDLESS = 5000  # epochs of a run that is over only when the test ends it
EPOCHS = 16  # of a run that is resumed, and then trains to its end
KNN = {"model__name": "knn"}  # a run of a second


def until(holds: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
    """Wait, look, fail with a sentence."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return
        time.sleep(0.05)
    pytest.fail(f"{what}: not within {seconds:g} s")


@pytest.fixture
def case(request: pytest.FixtureRequest) -> Case:
    """The test's row of the register."""
    mark = request.node.get_closest_marker("fault")
    assert mark is not None, "a test of a fault is registered with @fault"
    return Case(**mark.kwargs)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Function) -> Iterator[None]:
    """A test that passes without having looked for its whole row fails all the same: the table would promise too much."""
    yield
    if (row := item.funcargs.get("case")) is not None:
        assert not row.unasked, f"the register says of “{row.name}” what its test does not look for: {row.unasked}"


class Bench:
    """Starts real runs in a folder of its own, tells what is recorded and shown, and leaves no process behind."""

    def __init__(self, runs_dir: Path, config: RunConfig) -> None:
        self.runs_dir, self.config = runs_dir, config
        self.knn = config.with_values({"model.name": "knn"})

    def start(self, *, epochs: int = 3, **changes: object) -> Path:
        """Launch a run that does not end by itself and return its folder once so many epochs are recorded."""
        run_id = launch.launch(self._config(changes), self.runs_dir)
        folder = self.runs_dir / run_id
        until(lambda: self.info(folder).epochs_done >= epochs or not self.info(folder).state.alive, f"{epochs} epochs")
        return folder

    def queue(self, **changes: object) -> Path:
        """Launch and return at once."""
        return self.start(epochs=0, **changes)

    def waiting(self, **changes: object) -> Path:
        """A run in the queue with nobody at work on it, as after a restart of the machine; `launch.work` sets it going."""
        config = self._config(changes)
        folder = rundir.create(self.runs_dir, config.model.name)
        rundir.write_json(folder / rundir.CONFIG, config.model_dump())
        rundir.write_json(folder / rundir.REQUEST, {"queued_at": time.time(), "device": "cpu"})
        return folder

    def _config(self, changes: dict[str, object]) -> RunConfig:
        named = {name.replace("__", "."): value for name, value in changes.items()}
        return self.config.with_values({"fit.epochs": ENDLESS, **named})

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

    @contextmanager
    def paused(self, folder: Path) -> Iterator[None]:
        """The training stands still meanwhile."""
        training = self.pid(folder)
        os.kill(training, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(training, signal.SIGCONT)

    def shown(self, folder: Path) -> str:
        """All words that the screen has for a run that did not finish: what happened, why, what helps."""
        page = autopsy(self.info(folder), freeable=1)
        assert page is not None
        return " | ".join([page.headline, page.reason, *(offer.label for offer in page.offers)])

    def check(self, folder: Path, case: Case, before: pd.DataFrame, *, within: float = SOON) -> None:
        """The case's state soon, its words, and every epoch that was recorded before."""
        try:
            until(lambda: case.has_state(self.info(folder).state), case.state, within)
        finally:
            assert case.has_state(self.info(folder).state), self.info(folder).status
        if case.words:
            assert case.is_said(self.shown(folder)), self.shown(folder)
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

    def clear(self) -> None:
        """End every process of the bench."""
        kill_processes_of(self.runs_dir)


@pytest.fixture
def started_bench(tmp_path: Path, tiny_data: Path) -> Iterator[Bench]:
    """A bench on an ordinary disk, whose processes are started as for a person, Keras and all."""
    bench = Bench(tmp_path / "runs", plain_network(tiny_data))
    yield bench
    bench.clear()


@pytest.fixture
def bench(started_bench: Bench, forked: None) -> Bench:
    """The same, with processes forked from one that has Keras imported."""
    return started_bench


@pytest.fixture(scope="session")
def dead_runs(tmp_path_factory: pytest.TempPathFactory, tiny_data: Path, prefork: Prefork | None) -> dict[State, Path]:
    """Two runs of EPOCHS epochs that really ended after three: the training alone was killed, and its worker with it.

    Their states were right within SOON, and they lost no epoch.
    """
    bench = Bench(tmp_path_factory.mktemp("dead") / "runs", plain_network(tiny_data))
    with pytest.MonkeyPatch.context() as patch:
        if prefork is not None:
            patch.setattr(subprocess, "Popen", prefork.popen)
        return {
            State.KILLED: _killed_run(bench, State.KILLED, "child"),
            State.CRASHED: _killed_run(bench, State.CRASHED, "worker", "child"),
        }


def _killed_run(bench: Bench, state: State, *victims: str) -> Path:
    folder = bench.start(fit__epochs=EPOCHS)
    before = bench.epochs(folder)
    for who in victims:
        os.kill(bench.pid(folder, who), signal.SIGKILL)
    until(lambda: bench.info(folder).state is state, state, SOON)
    bench.keeps(folder, before)
    until(lambda: not bench.processes(), "nothing is left")
    return folder


@pytest.fixture
def killed(bench: Bench, dead_runs: dict[State, Path]) -> Path:
    """A copy, in the bench's folder of runs, of a run whose training was killed after three epochs."""
    return copied(dead_runs[State.KILLED], bench)


@pytest.fixture
def crashed(bench: Bench, dead_runs: dict[State, Path]) -> Path:
    """A copy of one whose worker was killed too, so that nobody recorded its end."""
    return copied(dead_runs[State.CRASHED], bench)


def copied(folder: Path, bench: Bench) -> Path:
    """The same run in the bench's folder of runs."""
    return shutil.copytree(folder, bench.runs_dir / folder.name)


@pytest.fixture
def small_disk(tmp_path: Path, tiny_data: Path, forked: None) -> Iterator[Bench]:
    """A bench on a file system of its own of 120 MB, which can really be full."""
    place = tmp_path / "disk"
    place.mkdir()
    if not mounted(place):
        pytest.skip("a file system can be mounted here by root only")
    bench = Bench(place / "runs", plain_network(tiny_data))
    yield bench
    bench.clear()
    until(lambda: not bench.processes(), "they are gone", 10)
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
