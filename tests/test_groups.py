"""Groups of runs: their names, how far they are, and stopping one whole."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from make_run import How, make_run
from processes import kill_processes_of

from dhc.analysis.groups import RunGroup, run_groups
from dhc.config import RunConfig
from dhc.errors import ConfigError, RunError
from dhc.jobs.groups import MAX_NAME, free_name, generated_name, start_group, stop_group, with_date
from dhc.jobs.sweep import grid
from dhc.runs import rundir
from dhc.runs.status import State
from dhc.runs.store import Store

NOON = datetime(2026, 11, 23, 12, 5)


# --- names ------------------------------------------------------------------------------------------------------------


def test_a_generated_name_says_what_varies_and_when() -> None:
    assert generated_name(["schedule.factor", "model.conv_dropout"], NOON) == "factor × conv dropout, 23 Nov 12:05"
    assert generated_name(["schedule.name", "model.name"], NOON) == "schedule × model, 23 Nov 12:05"
    assert generated_name(["knn.k"] * 4, NOON) == "knn k × knn k × knn k × …, 23 Nov 12:05"
    assert with_date("Ladder, quick", NOON) == "Ladder, quick, 23 Nov 12:05"


@pytest.fixture
def queued(tmp_path: Path) -> Callable[..., Path]:
    """Writes a queued run's request, as launching does."""

    def write(**request: Any) -> Path:
        folder = rundir.create(tmp_path, "knn")
        rundir.write_json(folder / rundir.CONFIG, RunConfig().with_values({"model.name": "knn"}).model_dump())
        rundir.write_json(folder / rundir.REQUEST, {"queued_at": time.time(), "device": "cpu", **request})
        return folder

    return write


def test_a_name_that_is_taken_gets_a_number(tmp_path: Path, queued: Callable[..., Path]) -> None:
    assert free_name(tmp_path / "not there yet", "  two\n words ") == "two words"
    queued(group="two words")
    queued(group="two words (2)")
    queued(group=["no name"])
    assert free_name(tmp_path, "two words") == "two words (3)"
    long = "x" * 100
    queued(group=long)
    assert free_name(tmp_path, long) == "x" * (MAX_NAME - 4) + " (2)"
    with pytest.raises(ConfigError, match="the group needs a name"):
        free_name(tmp_path, " \n ")


@given(st.text(min_size=1, max_size=200))
def test_a_free_name_is_one_line_of_bounded_length(name: str) -> None:
    if name.split():
        free = free_name(Path("/nowhere"), name)
        assert 0 < len(free) <= MAX_NAME
        assert free == " ".join(free.split())


# --- how far ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def member(tmp_path: Path, tiny_data: Path) -> Callable[..., Path]:
    """Makes a run of the group "trial" on the device, of which `done` of `epochs` are behind it."""

    def make(
        how: How = "finished", *, epochs_done: int = 6, epochs: int = 6, device: str = "cpu", accuracy: float = 0.5
    ) -> Path:
        folder = make_run(tmp_path, tiny_data, epochs=epochs_done, how=how, accuracy=accuracy)
        config = RunConfig.from_json((folder / rundir.CONFIG).read_bytes()).with_values({"fit.epochs": epochs})
        rundir.write_json(folder / rundir.CONFIG, config.model_dump())
        rundir.write_json(folder / rundir.REQUEST, {"queued_at": time.time(), "device": device, "group": "trial"})
        return folder

    return make


def only(runs_dir: Path) -> RunGroup:
    (group,) = run_groups(Store(runs_dir).runs())
    return group


def test_a_group_by_hand(tmp_path: Path, member: Callable[..., Path], queued: Callable[..., Path]) -> None:
    best = member(accuracy=8 / 9)
    member("failed", epochs_done=3)
    member("running", epochs_done=2, epochs=8)
    queued(group="trial")
    queued(group="")
    group = only(tmp_path)
    assert group.counts == {State.QUEUED: 1, State.RUNNING: 1, State.FINISHED: 1, State.FAILED: 1}
    assert group.fraction == pytest.approx((1 + 1 + 2 / 8 + 0) / 4)
    assert group.seconds_left == pytest.approx(10.0 * (6 + 1))  # ten seconds an epoch; nearest neighbours count as one
    assert group.best is not None
    assert group.best.folder == best
    assert len(group.alive) == 2


def test_devices_work_side_by_side_and_nothing_is_guessed(tmp_path: Path, member: Callable[..., Path]) -> None:
    member("running", epochs_done=2, epochs=8)
    member("running", epochs_done=1, epochs=3, device="gpu:0")
    assert only(tmp_path).seconds_left == pytest.approx(60.0)
    first = member("running", epochs_done=1, epochs=2, device="gpu:1")
    (first / rundir.EVENTS).unlink()
    assert only(tmp_path).seconds_left is None


def test_a_group_that_has_ended_has_nothing_left(tmp_path: Path, member: Callable[..., Path]) -> None:
    member()
    member("stopped", epochs_done=2, epochs=9)
    group = only(tmp_path)
    assert (group.fraction, group.seconds_left, group.alive) == (1.0, 0.0, ())


def test_groups_with_a_run_alive_come_first(
    tmp_path: Path, member: Callable[..., Path], queued: Callable[..., Path]
) -> None:
    queued(group="waits")
    member()
    assert [group.name for group in run_groups(Store(tmp_path).runs())] == ["waits", "trial"]
    assert run_groups([]) == ()


# --- stopping ---------------------------------------------------------------------------------------------------------


def test_stopping_a_group_leaves_others_and_what_has_ended(
    tmp_path: Path, member: Callable[..., Path], queued: Callable[..., Path]
) -> None:
    finished_run, running, waiting, other = member(), member("running"), queued(group="trial"), queued(group="other")
    assert stop_group(tmp_path, "trial") == sorted([running.name, waiting.name])
    store = Store(tmp_path)
    states = [store.run(folder.name).state for folder in (finished_run, running, waiting, other)]
    assert states == [State.FINISHED, State.STOPPING, State.STOPPED, State.QUEUED]
    for name in ("trial x", ""):
        with pytest.raises(RunError, match="no run that trains or waits"):
            stop_group(tmp_path / "empty", name)


@pytest.fixture
def runs_dir(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "runs"
    yield folder
    kill_processes_of(folder)


@pytest.mark.slow
@pytest.mark.usefixtures("forked")
def test_a_sweep_of_factors_runs_in_order_and_is_stopped_whole(tiny_config: RunConfig, runs_dir: Path) -> None:
    base = tiny_config.with_values({"fit.epochs": 2})
    configs = grid(base, {"schedule.factor": (0.3, 0.5)}) + grid(
        base.with_values({"fit.epochs": 5000}), {"schedule.factor": (0.8,)}
    )
    name, ids = start_group([*configs, configs[0]], runs_dir, "three factors")
    store = Store(runs_dir)
    end = time.monotonic() + 200
    while store.run(ids[2]).epochs_done < 2 and time.monotonic() < end:
        time.sleep(0.1)
    group = run_groups(store.runs())[0]
    assert group.counts == {State.QUEUED: 1, State.RUNNING: 1, State.FINISHED: 2}
    assert 0.5 < group.fraction < 0.6
    assert group.seconds_left is not None
    assert stop_group(runs_dir, name) == sorted(ids[2:])
    while run_groups(store.runs())[0].alive and time.monotonic() < end:
        time.sleep(0.1)
    states = {info.id: (info.state, info.epochs_done > 0) for info in store.runs()}
    finished, stop_state = (State.FINISHED, True), State.STOPPED
    assert [states[run_id] for run_id in ids] == [finished, finished, (stop_state, True), (stop_state, False)]
    assert (runs_dir / ids[2] / rundir.BEST).is_file()
