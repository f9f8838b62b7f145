"""From where one can go on with a run, the child run that does, and what is refused. Hand-made folders, no training."""

from __future__ import annotations

import json
import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import archives
import numpy as np
import pytest
from click.testing import CliRunner, Result
from make_run import make_run, write_training

from dhc.analysis.course import is_as_set
from dhc.cli import cli
from dhc.config import RunConfig
from dhc.errors import ConfigError, RunError, UserError
from dhc.jobs import branch as branching
from dhc.jobs import trash
from dhc.jobs.places import places
from dhc.runs import rundir
from dhc.runs.contract import Exit, Process, RateSearch, Request, UsedPictures
from dhc.runs.course import Branch, Change, Course
from dhc.runs.dynamics import read_dynamics
from dhc.runs.identity import identify
from dhc.runs.predictions import read_predictions
from dhc.runs.states import STATE
from dhc.runs.store import Store
from dhc.training.state import newest

EPOCHS, BEST, MIDDLE = 6, 4, 2
SETTINGS = {"model.width": 1 / 32, "schedule.patience": 3, "schedule.min_lr": 1e-6, "fit.keep_states_every": 2}
PLATEAU = {"best": 0.5, "wait": 1, "cooldown_counter": 0}


@pytest.fixture
def parent(tmp_path: Path, tiny_data: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A finished run of six epochs that kept the states of 2 and 6, and its best network, of epoch 4."""
    monkeypatch.setattr("dhc.jobs.launch.start_worker", lambda *_: None)  # what it queues waits
    data = tmp_path / "data"
    shutil.copytree(tiny_data, data)
    folder = make_run(tmp_path / "runs", data, epochs=EPOCHS, best_epoch=BEST, settings=SETTINGS)
    (folder / rundir.BEST).write_bytes(archives.network())
    for epoch, rate in ((MIDDLE, 1e-3), (EPOCHS, 5e-4)):
        archives.write_state(folder / rundir.STATES, epoch, rate=rate, next_rate=rate / 2, counters=[PLATEAU])
    return folder


def queue(parent: Path, *words: Any, **options: Any) -> Path:
    return parent.parent / branching.branch(parent.parent, parent.name, *words, **options)


def kinds(folder: Path) -> list[tuple[int, str, tuple[str, ...], str]]:
    return [(place.epoch, place.network, place.kinds, place.problem) for place in places(folder).places]


def test_places_are_kept_states_by_epoch_and_the_best_network(parent: Path) -> None:
    assert kinds(parent) == [
        (MIDDLE, "state", ("every",), ""),
        (EPOCHS, "state", ("last", "every"), ""),
        (BEST, "best", ("best",), ""),
    ]
    Course(changes=[Change(epoch=MIDDLE + 1, factor=0.5)]).write(parent)
    archives.write_state(parent / rundir.RESUME, 5)
    assert kinds(parent)[:2] == [(MIDDLE, "state", ("change", "every"), ""), (5, "state", (), "")], "of resume/ as well"
    first = places(parent).places[0].standing
    assert first is not None
    assert (first.rate, first.next_rate, first.wait) == (1e-3, 5e-4, 1)


def test_a_child_has_all_that_its_parent_had_and_needs_it_no_more(parent: Path) -> None:
    Course(changes=[Change(epoch=2, factor=0.5), Change(epoch=5, patience=9)]).write(parent)
    write_training(parent, parent.parents[1] / "data", epochs=EPOCHS)
    (parent / rundir.DYNAMICS / "epoch-00001.npy").unlink()
    (parent / rundir.DYNAMICS / "epoch-00001.npy").symlink_to(parent / rundir.CONFIG)  # a stranger's: left where it is
    child = queue(parent, MIDDLE, 3, {"schedule.factor": "0.25"}, name="deeper", note="why not")
    info = Store(child.parent).run(child.name)
    assert (info.state, info.epochs_done, info.epochs_total, info.parent) == ("queued", MIDDLE, 5, parent.name)
    assert (info.labels.name, info.labels.note) == ("deeper", "why not")
    assert info.course.branches == [Branch(run=parent.name, epoch=MIDDLE, before={"schedule.factor": 0.5})]
    assert info.course.changes == [Change(epoch=2, factor=0.5)], "what was changed later never happened here"
    assert info.course.settings_after(3) == {}, "the branch gave it another value"
    state = f"{rundir.RESUME}/epoch-0000{MIDDLE}/{STATE}"
    assert (child / state).samefile(parent / rundir.STATES / f"epoch-0000{MIDDLE}" / STATE), "it costs nothing twice"
    assert Store(child.parent).history(child.name).epochs["epoch"].tolist() == [1, 2]
    assert Store(child.parent).log(child.name).last["branch"]["run"] == parent.name
    trash.empty(parent.parent, [trash.delete(parent.parent, parent.name)])
    taken = newest(child / rundir.RESUME, 5, archives.SPECS)
    assert taken is not None
    assert taken.record.epoch == MIDDLE
    assert read_predictions(child).y_pred.shape[0] == MIDDLE
    dynamics = read_dynamics(child)
    assert dynamics is not None
    assert dynamics.epochs.tolist() == [MIDDLE]


def test_a_child_of_the_best_network_knows_nothing_of_later_epochs(parent: Path) -> None:
    child = queue(parent, "best", 1, {"model.conv_dropout": 0.0, "fit.early_stopping": 3}, "restart")
    ours, theirs = read_predictions(child), read_predictions(parent)
    np.testing.assert_array_equal(ours.y_pred, theirs.y_pred[:BEST])
    np.testing.assert_array_equal(ours.probabilities, theirs.probabilities)
    (branch,) = Course.of(child).branches
    assert (branch.network, branch.schedule, branch.epoch) == ("best", "restart", BEST)
    assert branch.before == {"model.conv_dropout": 0.6, "fit.early_stopping": 0}
    assert rundir.next_epoch(child) == BEST + 1
    assert not list(child.rglob(STATE)), "the optimizer begins afresh"


def test_a_grandchild_knows_both_junctions_and_two_at_one_epoch_are_one(parent: Path) -> None:
    child = queue(parent, MIDDLE, 6, {"schedule.factor": 0.5}, "restart")
    twin = queue(child, MIDDLE, 2, {"schedule.patience": 7})
    (branch,) = Course.of(twin).branches
    assert (branch.run, branch.schedule) == (child.name, "restart"), "nothing was trained in between"
    assert branch.before == {"schedule.factor": 0.8, "schedule.patience": 3}
    later = archives.write_state(child / rundir.RESUME, 3).name
    with (child / rundir.EVENTS).open("a") as file:
        file.write(
            json.dumps({"t": 1.0, "kind": "epoch", "epoch": 3, "val_accuracy": 0.5, "learning_rate": 1e-3}) + "\n"
        )
    grandchild = queue(child, 3, 1)
    assert [branch.epoch for branch in Course.of(grandchild).branches] == [MIDDLE, 3]
    assert (grandchild / rundir.RESUME / later).is_dir()
    assert Course.of(grandchild).beginning == MIDDLE, "the schedule goes on from where it was begun anew"


def test_a_rate_that_is_named_is_set_even_where_the_run_began_with_it(parent: Path) -> None:
    plan = branching.plan(parent, EPOCHS, 2, {"optimizer.learning_rate": 1e-3})
    assert plan.branch.before == {"optimizer.learning_rate": 5e-4}
    assert plan.rates.rates == (1e-3, 1e-3)
    assert branching.plan(parent, EPOCHS, 2).rates.rates == (2.5e-4, 2.5e-4), "else it goes on as it stood"
    assert branching.plan(parent, EPOCHS, 2, schedule="hold").rates.rates == (5e-4, 5e-4)


@pytest.mark.parametrize(
    ("words", "refusal"),
    [
        ((MIDDLE, 2, {"model.width": 1}), "model.width cannot change where a run goes on"),
        ((MIDDLE, 2, {"optimizer.name": "sgd"}), "what the optimizer keeps: start a copy"),
        ((MIDDLE, 2, {"optimizer.ema_momentum": 0.9}), "what the optimizer keeps"),
        ((MIDDLE, 2, {"fit.batch_size": 64}), "fit.batch_size cannot change"),
        ((MIDDLE, 2, {"fit.seed": 1}), "fit.seed cannot change"),
        ((MIDDLE, 2, {"data.path": "elsewhere"}), "decides on the pictures"),
        ((MIDDLE, 2, {"device.precision": "float32"}), "device.precision cannot change"),
        ((MIDDLE, 2, {"schedule.factor": 2}), "schedule.factor cannot be 2"),
        ((MIDDLE, 2, {"schedule.facto": 0.5}), "there is no setting 'schedule.facto'"),
        ((EPOCHS, None), "nothing is left to train after epoch 6 of 6"),
        ((EPOCHS, 50_000), "fit.epochs cannot be 50006"),
        ((3, 1), "no state was kept after epoch 3: go on from 2 or 6 or best"),
    ],
)
def test_what_would_be_another_run_is_refused_in_a_sentence(parent: Path, words: tuple[Any, ...], refusal: str) -> None:
    with pytest.raises((ConfigError, RunError), match=refusal):
        queue(parent, *words)
    assert [entry.name for entry in parent.parent.iterdir()] == [parent.name]


def edited(**changes: Any) -> Callable[[Path], object]:
    return lambda place: (place / STATE).write_bytes(archives.state(EPOCHS, **changes))


def arrays(values: dict[str, Any]) -> Callable[[Path], object]:
    text = np.array(json.dumps(archives.record(EPOCHS)))
    return lambda place: (place / STATE).write_bytes(archives.npz_of(**values, told=text))


def bomb(place: Path) -> None:
    with (place / STATE).open("wb") as file:
        np.savez_compressed(
            file, v0=np.zeros(30_000_000, np.float32), told=np.array(json.dumps(archives.record(EPOCHS)))
        )


def swapped(make: Callable[[Path], object]) -> Callable[[Path], object]:
    def swap(place: Path) -> None:
        (place / STATE).unlink()
        make(place / STATE)

    return swap


@pytest.mark.parametrize(
    ("damage", "refusal"),
    [
        (lambda place: os.truncate(place / STATE, 300), "damaged or was edited"),
        (lambda place: (place / STATE).write_bytes((place / STATE).read_bytes().replace(b"\0\0\x80?", b"\0\0\x81?", 1)), "no sound archive"),
        (edited(epoch=5), "record of other epochs"),
        (edited(best=7.0), "record that cannot be true"),
        (arrays({"v0": np.array([np.nan])}), "not finite"),
        (arrays({"v0": np.array(["text"])}), "not finite"),
        (bomb, "more than any network of such settings"),
        (swapped(os.mkfifo), "not a regular file"),
        (swapped(lambda path: path.symlink_to("/etc/hostname")), "not a regular file"),
        (lambda place: (place / rundir.BEST).unlink(), "some of its files are gone"),
        (lambda place: (place / rundir.PREDICTIONS).write_bytes(archives.predictions(epochs=3)), "predictions of other epochs"),
    ],
    ids=["cut", "bit", "epoch", "best", "nan", "text", "bomb", "pipe", "link", "gone", "answers"],
)  # fmt: skip
def test_a_state_that_a_stranger_may_have_made_is_judged_first(
    parent: Path, damage: Callable[[Path], object], refusal: str
) -> None:
    damage(parent / rundir.STATES / f"epoch-0000{EPOCHS}")
    with pytest.raises(RunError, match=refusal):
        queue(parent, EPOCHS, 2)
    assert [entry.name for entry in parent.parent.iterdir()] == [parent.name], "nothing half-made stays"
    assert queue(parent, MIDDLE, 2).is_dir(), "the other state serves"


def as_knn(folder: Path) -> None:
    config = rundir.read_json(folder / rundir.CONFIG)
    assert config is not None
    config["model"]["name"] = "knn"
    rundir.write_json(folder / rundir.CONFIG, config)


def relabel(folder: Path) -> None:
    table = folder.parents[1] / "data" / "train.csv"
    rows = table.read_text().splitlines()
    used = [row.split(",") for row in rows[1:]]
    classes = sorted({label for _, label in used})
    files = [f"train_images/{file}" for file, _ in used]
    UsedPictures(classes=classes, train={"files": files, "labels": [classes.index(label) for _, label in used]}).write(
        folder
    )
    table.write_text("\n".join(rows[:-1]) + "\n")


def without_states(folder: Path) -> None:
    shutil.rmtree(folder / rundir.STATES)
    (folder / rundir.BEST).unlink()


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        (as_knn, "compares pictures and has no epochs"),
        (lambda folder: Request.change(folder, search=RateSearch()), "searches for a learning rate"),
        (without_states, "has saved no state and no network yet"),
        (lambda folder: (without_states(folder), Request.change(folder, example=True)), "stored without its network"),
        (relabel, r"other train pictures than .* has now \(1 picture gone\): put them back"),
        (lambda folder: shutil.rmtree(folder.parents[1] / "data"), "the pictures of run .* cannot be read"),
        (lambda folder: (folder / rundir.CONFIG).write_text("{"), "does not hold a run's settings"),
    ],
    ids=["knn", "search", "nothing", "example", "pictures", "folder", "config"],
)
def test_a_run_that_cannot_be_gone_on_with_says_why(
    parent: Path, change: Callable[[Path], object], refusal: str
) -> None:
    change(parent)
    for epoch in (EPOCHS, "best"):
        with pytest.raises(RunError, match=refusal):
            queue(parent, epoch, 1)
    assert places(parent).usable == ()


def test_a_parent_that_trains_serves_and_one_that_loses_a_file_just_now_leaves_nothing_behind(parent: Path) -> None:
    (parent / rundir.EXIT).unlink()
    (parent / rundir.SUMMARY).unlink()
    me = identify(os.getpid())
    Process(child=me, worker=me, host=socket.gethostname(), run=parent.name).write(parent)
    assert Store(parent.parent).run(parent.name).state == "running"
    assert queue(parent, MIDDLE, 1).is_dir()
    plan = branching.plan(parent, EPOCHS, 1)
    before = sorted(parent.parent.iterdir())
    (parent / rundir.EVENTS).write_text("")
    with pytest.raises(RunError, match="lacks epoch 6"):
        branching.queue(parent.parent, parent.name, plan)
    shutil.rmtree(parent / rundir.STATES)
    with pytest.raises(UserError, match="some of its files are gone"):
        branching.queue(parent.parent, parent.name, plan)
    assert sorted(parent.parent.iterdir()) == before
    assert Exit.read(parent) is None


def test_events_of_a_run_that_was_broken_off_are_cut_where_the_later_of_two_equal_epochs_ends(parent: Path) -> None:
    lines = (parent / rundir.EVENTS).read_text()
    again = "".join(
        json.dumps({"t": 9.0, "kind": "epoch", "epoch": epoch, "val_accuracy": 0.75, "learning_rate": 1e-3}) + "\n"
        for epoch in (2, 3)
    )
    torn = '{"t": 9.5, "kind": "epo'
    (parent / rundir.EVENTS).write_text(lines + '{"t": 8.0, "kind": "resume", "epoch": 2}\n' + again + torn)
    child = queue(parent, MIDDLE, 1)
    history = Store(child.parent).history(child.name).epochs
    assert history["epoch"].tolist() == [1, 2]
    assert history["val_accuracy"].tolist()[1] == 0.75
    assert (child / rundir.EVENTS).read_text().count("\n") == lines.count("\n") + 3


def test_a_longer_cosine_than_the_one_until_then_is_no_undisturbed_run(parent: Path) -> None:
    cosine = RunConfig.model_validate(rundir.read_json(parent / rundir.CONFIG)).with_values({"schedule.name": "cosine"})
    rundir.write_json(parent / rundir.CONFIG, cosine.model_dump())
    store = Store(parent.parent)
    longer, as_long = (store.run(queue(parent, MIDDLE, more).name) for more in (6, EPOCHS - MIDDLE))
    assert longer.course.branches[0].before == {"fit.epochs": EPOCHS}
    assert not is_as_set(longer)
    assert as_long.course.branches[0].before == {}
    assert is_as_set(as_long), "it has the rates of one that was never broken off"


def go_on(parent: Path, *words: str) -> Result:
    return CliRunner().invoke(cli, ["go-on", parent.name, "--runs", str(parent.parent), *words])


def test_the_command_lists_the_places_and_says_what_the_schedule_will_do(parent: Path) -> None:
    os.truncate(parent / rundir.STATES / f"epoch-0000{EPOCHS}" / STATE, 300)
    lines = go_on(parent, "--list").output.splitlines()
    assert lines[0].split() == [
        "epoch",
        "2",
        "state",
        "(one",
        "of",
        "every",
        "n)",
        "goes",
        "on",
        "at",
        "rate",
        "0.0005",
    ]
    assert lines[1].startswith("epoch      6  state (last, one of every n)")
    assert "damaged or was edited" in lines[1]
    assert lines[2].split()[:4] == ["epoch", "4", "best", "network"]
    listed = json.loads(go_on(parent, "--list", "--json").output)
    assert [(place["epoch"], place["network"]) for place in listed["places"]] == [
        (2, "state"),
        (6, "state"),
        (4, "best"),
    ]
    words = (
        "--from",
        "2",
        "--epochs",
        "3",
        "--set",
        "schedule.factor=0.25",
        "--schedule",
        "restart",
        "--name",
        "again",
    )
    described = json.loads(go_on(parent, *words, "--json").output)
    assert described["says"].startswith("The rate begins anew at 0.001 and the plateau counts from nothing")
    assert (described["parent"], described["epoch"], described["epochs"]) == (parent.name, 2, 5)
    assert described["learning_rates"] == {"3": 1e-3, "4": 1e-3, "5": 1e-3}
    assert Store(parent.parent).run(described["id"]).labels.name == "again"
    result = go_on(parent, "--from", "best", "--epochs", "2", "--detach")
    assert "goes on with" in result.output
    assert "from epoch 4, up to epoch 6" in result.output
    assert "is no epoch: write its number, best or last" in go_on(parent, "--from", "second").output
    assert str(go_on(parent, "--from", "5").exception).startswith(
        "no state was kept after epoch 5: go on from 2 or best"
    )
