"""The room that kept states may take, and in which order they go beyond it: on hand-made folders."""

from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path

import archives
import pytest

from dhc.config import RunConfig
from dhc.jobs import trash
from dhc.runs import budget, disk, rundir
from dhc.runs.contract import Labels, Process, Summary, write_exit
from dhc.runs.course import Change, Course
from dhc.runs.identity import identify
from dhc.runs.states import STATE, epoch_of, state_folders
from dhc.training.keep import keep_state

SIZE = 1_000_000  # bytes of a state, beside what its record takes
OLD, STARRED, NEW, LIVE = (f"2026010{day}-000000-vgg16-000a" for day in (1, 2, 3, 4))


def make(runs_dir: Path, run_id: str) -> Path:
    """A run that kept the states of epochs 2 (one of every two), 3 (before a change), 5 (the best) and 7 (the last)."""
    folder = runs_dir / run_id
    folder.mkdir(parents=True)
    rundir.write_json(folder / rundir.CONFIG, RunConfig().with_values({"fit.keep_states_every": 2}).model_dump())
    (folder / rundir.BEST).write_bytes(os.urandom(SIZE))
    (folder / rundir.PREDICTIONS).write_bytes(archives.predictions(epochs=7))
    for epoch in (2, 3, 5, 7):
        place = folder / rundir.STATES / f"epoch-{epoch:05d}"
        place.mkdir(parents=True)
        (place / STATE).write_bytes(os.urandom(SIZE))
        os.link(folder / rundir.BEST, place / rundir.BEST)
        os.link(folder / rundir.PREDICTIONS, place / rundir.PREDICTIONS)
    Summary(best_epoch=5).write(folder)
    Course(changes=[Change(epoch=4, factor=0.5)]).write(folder)
    if run_id == LIVE:
        me = identify(os.getpid())
        Process(child=me, worker=me, host=socket.gethostname(), run=run_id).write(folder)
    else:
        write_exit(folder, "finished", "made for a test")
    return folder


@pytest.fixture
def runs_dir(tmp_path: Path) -> Path:
    for run_id in (OLD, STARRED, NEW, LIVE):
        make(tmp_path, run_id)
    Labels(star=True).write(tmp_path / STARRED)
    return tmp_path


def kept(runs_dir: Path) -> dict[str, list[int]]:
    return {
        run.name[6:8]: sorted(map(epoch_of, state_folders(run / rundir.STATES))) for run in sorted(runs_dir.iterdir())
    }


def test_the_oldest_runs_states_go_first_and_each_runs_in_the_order_of_their_worth(
    runs_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone: list[tuple[str, int]] = []
    for states in range(15, 3, -1):
        before = kept(runs_dir)
        monkeypatch.setenv(budget.VARIABLE, f"{(states * 1.01 + 0.2) / 1000}")
        room = budget.make_room(runs_dir)
        assert room.used == budget.room(runs_dir).used <= room.limit
        gone += [(run, epoch) for run, epochs in before.items() for epoch in epochs if epoch not in kept(runs_dir)[run]]
    order = [2, 3, 5, 7]
    assert gone == [*(("01", e) for e in order), *(("03", e) for e in order), *(("02", e) for e in order)]
    monkeypatch.setenv(budget.VARIABLE, "0")
    assert budget.make_room(runs_dir).used > 4 * SIZE
    assert kept(runs_dir)["04"] == order, "those of a run that trains stay"
    for run in runs_dir.iterdir():
        assert (run / rundir.BEST).stat().st_size == SIZE, "never a best network"
        assert (run / rundir.PREDICTIONS).is_file()


def test_what_is_linked_costs_once_and_what_another_run_holds_too_frees_nothing(
    runs_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = budget.room(runs_dir).used
    assert 16 * SIZE < before < 17 * SIZE, "the networks and predictions are the runs' own"
    for name in (NEW, LIVE):
        shutil.rmtree(runs_dir / name)
    twin = make(runs_dir, NEW)
    for epoch in (2, 3, 5, 7):
        (twin / rundir.STATES / f"epoch-0000{epoch}" / STATE).unlink()
        os.link(
            runs_dir / OLD / rundir.STATES / f"epoch-0000{epoch}" / STATE,
            twin / rundir.STATES / f"epoch-0000{epoch}" / STATE,
        )
    assert budget.room(runs_dir).used < 9 * SIZE
    monkeypatch.setenv(budget.VARIABLE, f"{7.5 / 1000}")
    budget.make_room(runs_dir)
    assert kept(runs_dir) == {"01": [], "02": [2, 3, 5, 7], "03": [3, 5, 7]}


def test_a_training_keeps_what_is_still_wanted_and_without_room_no_more_than_it_must(
    runs_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = runs_dir / LIVE
    for epoch in (9, 10, 11):
        archives.write_state(run / rundir.RESUME, epoch)
        assert keep_state(run, epoch, best_epoch=9, every=2, spare=False)
    assert kept(runs_dir)["04"] == [2, 3, 9, 10, 11], "one of every two, before a change, the best, the last"
    place = run / rundir.STATES / "epoch-00011" / STATE
    assert place.samefile(run / rundir.RESUME / "epoch-00011" / STATE), "it costs nothing twice"
    monkeypatch.setenv(budget.VARIABLE, "0")
    archives.write_state(run / rundir.RESUME, 12)
    assert not keep_state(run, 12, best_epoch=9, every=2, spare=True), "there is no room for one of every two more"
    assert kept(runs_dir) == {"01": [], "02": [], "03": [], "04": [2, 3, 9, 10]}
    assert keep_state(run, 12, best_epoch=9, every=2, spare=False), "but for the last one"


def test_links_are_no_states_and_what_is_in_the_trash_is_not_counted(runs_dir: Path, tmp_path: Path) -> None:
    for name in (STARRED, NEW, LIVE):
        shutil.rmtree(runs_dir / name)
    before = budget.room(runs_dir).used
    elsewhere = make(tmp_path / "elsewhere", OLD)
    (runs_dir / STARRED).symlink_to(elsewhere)
    (runs_dir / NEW).mkdir()
    (runs_dir / NEW / rundir.STATES).symlink_to(elsewhere / rundir.STATES)
    (runs_dir / OLD / rundir.STATES / "epoch-00009").symlink_to(elsewhere / rundir.STATES / "epoch-00002")
    assert budget.room(runs_dir).used == before
    place = trash.delete(runs_dir, OLD)
    assert budget.room(runs_dir).used == 0
    trash.restore(runs_dir, place)
    assert budget.room(runs_dir).used == before
    used = disk.usage(runs_dir / OLD)
    assert used.resume > 4 * SIZE
    assert disk.drop_resume_state(runs_dir, OLD) == used.resume
    assert not (runs_dir / OLD / rundir.STATES).exists()
    assert (elsewhere / rundir.STATES / "epoch-00002" / STATE).is_file()


@pytest.mark.parametrize("text", ["ten", "-1", "nan", "inf", "1e99", "5 GB"])
def test_a_limit_that_is_none_is_said_in_a_sentence(text: str) -> None:
    most, problem = budget.limit({budget.VARIABLE: text})
    assert most == 10 * budget.GB
    assert problem == f"DHC_STATES_GB is {text!r}, no number of gigabytes: 10 are taken until it is one"
    assert budget.limit({budget.VARIABLE: " 2.5 "}) == (2_500_000_000, "")
    assert budget.limit({}) == (10 * budget.GB, "")
