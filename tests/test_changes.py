"""Rate, factor and patience changed while a network trains: each holds from its epoch on, whatever happens in between."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner, Result
from make_run import make_run
from test_resume import EXACT, figures, go_on, new_run, start, wait_for_epoch

from dhc.analysis.detectors import Case, rate_drops
from dhc.analysis.overlay import curve
from dhc.analysis.progress import Patience, patience
from dhc.cli import cli
from dhc.config import RunConfig, find_field
from dhc.errors import UserError
from dhc.figures.curves import learning_curves, learning_rate
from dhc.figures.overlay import Line, overlay
from dhc.models.schedules import changed_rate, rate_of_epoch
from dhc.runs import rundir
from dhc.runs.course import Branch, Change, ChangeRequest, Course, change_text, changeable
from dhc.runs.events import EventLog
from dhc.runs.records import EPOCH_COLUMNS, History
from dhc.runs.rundir import RunWriter
from dhc.runs.store import Store

EPOCHS = 14  # enough that a change in the second is made long before the last
ASKED = {"learning_rate": 3e-4, "patience": 2, "factor": 0.5, "asked_at": 1_764_000_000.0}


def train(config: RunConfig, folder: Path, during: Callable[[int], object]) -> History:
    """Train in this process; `during` is called while each epoch (from 1) runs."""
    import keras

    from dhc.data.select import load_for_run
    from dhc.models.build import compiled_model
    from dhc.training.loop import fit

    rundir.write_json(folder / rundir.CONFIG, config.model_dump())
    data = load_for_run(config.data, seed=0)
    callback = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: during(epoch + 1))
    with RunWriter(folder) as writer:
        fit(config, compiled_model(config, len(data.classes)), data, writer, lambda: False, [callback])
    return Store(folder.parent).history(folder.name)


def request(folder: Path, epoch: int, values: dict[str, Any]) -> Callable[[int], None]:
    def during(running: int) -> None:
        if running == epoch:
            rundir.write_json(folder / rundir.CHANGE, values)

    return during


@pytest.mark.slow
def test_a_change_goes_on_as_kerass_own_callback_would(tiny_config: RunConfig, tmp_path: Path) -> None:
    import keras
    import numpy as np

    values = {"fit.epochs": 7, "schedule.patience": 1, "schedule.factor": 0.1, "optimizer.learning_rate": 1e-3}
    folder = rundir.create(tmp_path, "vgg16")
    config = tiny_config.with_values(values | {"schedule.min_lr": 0.0, "schedule.min_delta": 0.05})
    asks = request(folder, 1, ASKED), request(folder, 7, {"patience": 9})
    history = train(config, folder, lambda epoch: [ask(epoch) for ask in asks])
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.Adam(1e-3))
    oracle = keras.callbacks.ReduceLROnPlateau("val_accuracy", 0.1, 1, mode="max", min_delta=0.05, min_lr=0.0)
    oracle.set_model(model)
    oracle.on_train_begin()
    rates = []
    for epoch, accuracy in enumerate(history.epochs["val_accuracy"], start=1):
        if epoch == 2:
            model.optimizer.learning_rate, oracle.factor, oracle.patience = 3e-4, 0.5, 2
        rates.append(float(np.float32(model.optimizer.learning_rate)))
        oracle.on_epoch_end(epoch - 1, {"val_accuracy": accuracy})
    assert history.epochs["learning_rate"].astype(np.float32).tolist() == rates
    assert history.steps == {
        2: {"learning_rate": (pytest.approx(1e-3), 3e-4), "factor": (0.1, 0.5), "patience": (1, 2)}
    }
    assert 2 not in history.lr_changes["epoch"].tolist(), "a person's change is no drop of the schedule"
    assert Course.of(folder).changes == [Change(epoch=2, **ASKED)]
    assert not (folder / rundir.CHANGE).exists()
    assert notes(folder) == ["the change that was asked for was not made: no further epoch began"]
    assert (folder / rundir.STATES / "epoch-00001" / "state.npz").is_file()


@pytest.mark.slow
@pytest.mark.usefixtures("forked")
def test_a_changed_run_that_was_killed_ends_as_one_that_was_not(tiny_config: RunConfig, tmp_path: Path) -> None:
    values = {"fit.epochs": EPOCHS, "schedule.name": "cosine", "schedule.min_lr": 0.0, "device.device": "cpu"}
    config = tiny_config.with_values(values)
    broken, whole = new_run(config, tmp_path / "broken"), new_run(config, tmp_path / "whole")
    process = start(broken)
    wait_for_epoch(broken, 2, process)
    ChangeRequest(learning_rate=3e-4, asked_at=1.0).write(broken)
    while process.poll() is None and not (broken / rundir.COURSE).exists():
        pass
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, "it was over before it could be killed"
    (broken / rundir.PROCESS).unlink()
    ChangeRequest(learning_rate=3e-4, asked_at=1.0).write(broken)  # as if it was killed before it could remove it
    go_on(broken)
    (change,) = Course.of(broken).changes
    shutil.copy(broken / rundir.COURSE, whole / rundir.COURSE)
    assert start(whole).wait() == 0, (whole / rundir.LOG).read_text()
    pd.testing.assert_frame_equal(figures(whole), figures(broken), check_exact=True)
    histories = [Store(folder.parent).history(folder.name) for folder in (whole, broken)]
    pd.testing.assert_frame_equal(*(history.changes for history in histories))
    before = rate_of_epoch(config, change.epoch - 1)
    planned = [
        rate_of_epoch(config, epoch) * (3e-4 / before if epoch >= change.epoch - 1 else 1) for epoch in range(EPOCHS)
    ]
    assert histories[0].epochs["learning_rate"].tolist() == pytest.approx(planned, rel=1e-6)
    assert set(EXACT) <= set(histories[0].epochs)


@pytest.fixture(scope="module")
def model() -> Any:
    import keras

    network = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    network.compile(keras.optimizers.Adam(1e-3))
    return network


@pytest.fixture
def begin(model: Any, tmp_path: Path) -> Callable[..., Path]:
    """The start of an epoch in a process of its own, as far as `Changes` is concerned; returns the run's folder."""
    from dhc.training.changes import Changes
    from dhc.training.patience import plateau
    from dhc.training.telemetry import LearningRate

    folder = rundir.create(tmp_path, "vgg16")

    def run(epoch: int, *, config: RunConfig | None = None, keep: Callable[[int], object] = lambda epoch: None) -> Path:
        config = config or RunConfig()
        with RunWriter(folder) as writer:
            writer.event("resume", epoch=epoch)
            rate = LearningRate(writer, announce=True)
            by_epoch = None if config.schedule.name == "plateau" else lambda epoch: rate_of_epoch(config, epoch)
            changes = Changes(writer, config, keep, plateau=plateau(config), learning_rate=rate, timetable=by_epoch)
            changes.set_model(model)
            changes.on_train_begin()
            changes.on_epoch_begin(epoch - 1)
        return folder

    return run


def log_of(folder: Path) -> EventLog:
    log = EventLog(folder / rundir.EVENTS)
    log.refresh()
    return log


def notes(folder: Path) -> list[str]:
    return [str(event["text"]) for event in log_of(folder).others if event["kind"] == "note"]


@pytest.mark.slow
@pytest.mark.parametrize("asked_at", [7.0, None])
@pytest.mark.parametrize("killed_after", ["the request", "the course", "the event", "the removal"])
def test_a_kill_between_two_steps_neither_loses_nor_doubles_a_change(
    begin: Callable[..., Path], killed_after: str, asked_at: float | None
) -> None:
    wish = {"patience": 5} | ({} if asked_at is None else {"asked_at": asked_at})
    folder = begin(3)
    if killed_after != "the removal":
        rundir.write_json(folder / rundir.CHANGE, wish)
    if killed_after != "the request":
        Course(changes=[Change(epoch=4, **wish)]).write(folder)
    if killed_after in ("the event", "the removal"):
        with RunWriter(folder) as writer:
            writer.event("change", epoch=4, patience=[22, 5])
    for epoch in (4, 5, 6):  # resumed from the state after epoch 3
        begin(epoch)
    assert Course.of(folder).changes == [Change(epoch=4, **wish)]
    assert not (folder / rundir.CHANGE).exists()
    assert log_of(folder).history().steps == {4: {"patience": (22, 5)}}


@pytest.mark.slow
def test_a_run_that_goes_on_from_before_a_change_makes_it_again_before_a_new_one(begin: Callable[..., Path]) -> None:
    folder = begin(2)
    Course(changes=[Change(epoch=4, learning_rate=5e-4, asked_at=1.0)]).write(folder)
    ChangeRequest(learning_rate=2e-4, asked_at=2.0).write(folder)
    begin(2)
    begin(3)
    assert len(Course.of(folder).changes) == 1
    begin(4)
    assert Course.of(folder).values_from(4) == {"learning_rate": 2e-4}
    assert not (folder / rundir.CHANGE).exists()


def put_link(place: Path) -> None:
    (place.parent / "elsewhere").write_text('{"patience": 5}')
    place.symlink_to(place.parent / "elsewhere")


NONSENSE: dict[str, Callable[[Path], object]] = {
    "learning_rate in change.request.json cannot be true": lambda place: place.write_text('{"learning_rate": 1e9}'),
    "factor and patience in": lambda place: place.write_text('{"factor": 1, "patience": 2.5, "learning_rate": 1e-3}'),
    "it is not a regular file": put_link,
    "is not a regular file": lambda place: os.mkfifo(place),
    "it is larger than": lambda place: place.write_text(" " * rundir.SMALL + "{}"),
    "holds no JSON object": lambda place: place.write_bytes(b"\xff{"),
    "names nothing to change": lambda place: place.write_text('{"dropout": 0.5}'),
}


@pytest.mark.slow
def test_what_cannot_be_made_is_said_removed_and_changes_nothing(begin: Callable[..., Path], model: Any) -> None:
    folder = begin(1)
    before = float(model.optimizer.learning_rate)
    for reason, put in NONSENSE.items():
        put(folder / rundir.CHANGE)
        begin(2)
        assert reason in notes(folder)[-1]
        assert not os.path.lexists(folder / rundir.CHANGE)
    rundir.write_json(folder / rundir.CHANGE, {"patience": 5})
    begin(2, config=RunConfig().with_values({"schedule.name": "cosine"}))
    assert "patience has no effect in this run" in notes(folder)[-1]
    (folder / rundir.CHANGE).mkdir()
    begin(2)
    assert (folder / rundir.CHANGE).is_dir()
    assert float(model.optimizer.learning_rate) == before
    assert not (folder / rundir.COURSE).exists()


@pytest.mark.slow
def test_without_room_for_the_state_the_change_is_made_and_without_room_for_itself_it_waits(
    begin: Callable[..., Path],
) -> None:
    def full(epoch: int) -> None:
        raise OSError(28, "No space left on device")

    folder = begin(1)
    (folder / rundir.COURSE).mkdir()
    ChangeRequest(factor=0.5, asked_at=1.0).write(folder)
    begin(2, keep=full)
    assert "waits" in notes(folder)[-1]
    assert (folder / rundir.CHANGE).exists()
    (folder / rundir.COURSE).rmdir()
    begin(3, keep=full)
    assert "could not be kept: No space left" in notes(folder)[-1]
    assert log_of(folder).history().steps == {3: {"factor": (0.8, 0.5)}}


@pytest.mark.slow
def test_a_course_that_was_edited_into_nonsense_is_said(begin: Callable[..., Path]) -> None:
    folder = begin(1)
    assert notes(folder) == []
    rundir.write_json(folder / rundir.COURSE, {"changes": [{"epoch": 1, "patience": "five"}]})
    begin(1)
    assert "course.json cannot be read whole" in notes(folder)[-1]


def test_a_timetable_goes_on_times_what_was_set_over_what_it_had() -> None:
    def halving(epoch: int) -> float:
        return 0.5**epoch

    assert [changed_rate(halving, None, epoch, 0) for epoch in range(3)] == [1, 0.5, 0.25]
    assert [changed_rate(halving, (2, 0.1), epoch, 0.02) for epoch in (2, 3, 4, 9)] == [0.1, 0.05, 0.025, 0.02]
    assert [changed_rate(halving, (2, 0.01), epoch, 0.02) for epoch in (2, 5)] == [0.01, 0.01]
    assert changed_rate(lambda epoch: 0.0, (2, 0.1), 5, 0.0) == 0.1


def test_a_rate_set_during_a_warm_up_rises_to_none_that_no_state_may_have() -> None:
    config = RunConfig().with_values({"schedule.name": "cosine", "schedule.warmup_epochs": 10})
    rates = [changed_rate(lambda epoch: rate_of_epoch(config, epoch), (0, 2.0), epoch, 0.0) for epoch in range(11)]
    assert rates[:5] == pytest.approx([2, 4, 6, 8, 10])
    assert rates[5:] == [find_field("optimizer.learning_rate").high] * 6


def test_what_a_branch_sets_anew_ends_what_was_changed_before_it() -> None:
    changes = [Change(epoch=3, patience=5, learning_rate=1e-4), Change(epoch=8, learning_rate=2e-4)]
    went_on = Course(changes=changes, branches=[Branch(epoch=6)])
    assert went_on.sets("patience", 2) is None
    assert went_on.sets("patience", 3) == went_on.sets("patience", 9) == changes[0]
    other = Course(changes=changes, branches=[Branch(epoch=6, before={"schedule.patience": 22}, schedule="restart")])
    assert [other.sets(name, 7) for name in ("patience", "learning_rate")] == [None, None]
    assert other.sets("learning_rate", 8) == changes[1]


def test_only_what_has_an_effect_can_be_changed() -> None:
    config, timetable = RunConfig(), RunConfig().with_values({"schedule.name": "cosine"})
    assert changeable(config, Course()) == ("learning_rate", "factor", "patience")
    assert changeable(timetable, Course()) == ("learning_rate",)
    assert changeable(config, Course(branches=[Branch(epoch=2, schedule="hold")])) == ("learning_rate",)
    assert changeable(RunConfig().with_values({"model.name": "knn"}), Course()) == ()
    assert (
        change_text({"learning_rate": (1e-3, 3e-4), "patience": (22.0, 5.0)}) == "rate 0.001 → 0.0003, patience 22 → 5"
    )


def test_a_damaged_change_in_the_log_hides_no_epoch(tmp_path: Path) -> None:
    place = tmp_path / rundir.EVENTS
    bad = [{"learning_rate": 3}, {"learning_rate": ["a", 1]}, {"patience": [1, 2, 3]}, {"epoch": 0}]
    good = {"kind": "change", "epoch": 4, "learning_rate": [0.001, 0.0003], "patience": [22, 5]}
    lines = [{"kind": "change", "epoch": 2, **values} for values in bad] + [good]
    place.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    log = log_of(tmp_path)
    assert log.damaged_lines == len(bad)
    assert log.history().steps == {4: {"learning_rate": (0.001, 0.0003), "patience": (22, 5)}}


def changed_history(*, epochs: int = 6) -> History:
    """Epochs at 0.001, from the fourth on at 0.0003 by hand and with patience 5; none of them the schedule's."""
    empty = History.empty()
    rows = [
        {
            "t": e,
            "epoch": e,
            "loss": 2 / e,
            "accuracy": e / 10,
            "val_loss": 2 / e,
            "val_accuracy": e / 10,
            "seconds": 1.0,
        }
        | {"learning_rate": 1e-3 if e < 4 else 3e-4, "pictures_per_second": 9.0, "best": True}
        for e in range(1, epochs + 1)
    ]
    change = {
        "epoch": [4],
        "learning_rate_old": 1e-3,
        "learning_rate_new": 3e-4,
        "patience_old": 22.0,
        "patience_new": 5.0,
    }
    table = pd.DataFrame({**change, "factor_old": float("nan"), "factor_new": float("nan")})
    return History(empty.batches, pd.DataFrame(rows, columns=list(EPOCH_COLUMNS)), empty.lr_changes, changes=table)


def test_the_curves_say_what_was_changed_where_and_the_coach_lays_it_on_no_schedule() -> None:
    history = changed_history()
    words = "rate 0.001 → 0.0003, patience 22 → 5"
    figure = learning_curves(history, metric="accuracy")
    (mark,) = [trace for trace in figure.data if trace.uid == "changes"]
    assert (list(mark.x), list(mark.customdata)) == ([3], [f"changed from epoch 4 on: {words}"])
    assert [note.text for note in figure.layout.annotations] == [words]
    line = Line("a", "a", "a", "#000", {"accuracy": curve(history, "accuracy", "epoch")})
    overlaid = [trace for trace in overlay([line], ["accuracy"]).data if trace.uid == "a-accuracy-changes"]
    assert [(list(t.x), list(t.y), list(t.customdata)) for t in overlaid] == [
        ([3], [pytest.approx(0.3)], [f"changed from epoch 4 on: {words}"])
    ]
    assert rate_drops(Case(history, RunConfig(), 3)) is None
    assert "changes" not in [trace.uid for trace in learning_curves(History.empty(), metric="accuracy").data]


def test_the_rate_as_it_stands_is_that_of_the_latest_of_epoch_drop_and_change() -> None:
    assert History.empty().rate is None
    assert changed_history(epochs=3).rate == 3e-4, "set for the epoch that runs"
    assert changed_history().rate == 3e-4
    assert list(learning_rate(changed_history(epochs=3)).data[0].y) == pytest.approx([1e-3] * 3 + [3e-4])


def test_the_patience_used_up_is_counted_against_the_one_that_holds() -> None:
    history = changed_history()
    history.epochs["val_accuracy"] = [0.5, 0.1, 0.1, 0.1, 0.1, 0.1]
    course = Course(changes=[Change(epoch=5, patience=3)])
    assert patience(history, patience=22, min_lr=1e-5, course=course) == Patience(1, 3), "dropped after epoch 5"
    assert patience(history, patience=22, min_lr=1e-5) == Patience(5, 22)
    assert (
        patience(history, patience=22, min_lr=1e-5, course=Course(changes=[Change(epoch=7, patience=3)])).patience == 3
    )


def command(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(cli, ["runs", "change", folder.name, *arguments, "--runs", str(folder.parent)])


@pytest.fixture
def training(tmp_path: Path, tiny_data: Path) -> Path:
    """A run of 9 epochs of which 6 are done; this very process is the one that trains it."""
    return make_run(tmp_path, tiny_data, epochs=6, how="running", settings={"fit.epochs": 9})


def test_a_change_is_asked_for_added_to_and_taken_back_by_a_command(training: Path) -> None:
    said = command(training, "--learning-rate", "3e-4")
    assert said.output == f"{training.name}: from epoch 8 on, rate 0.001 → 0.0003\n"
    record = json.loads(command(training, "--patience", "5", "--learning-rate", "1e-5", "--json").output)
    assert record["from_epoch"] == 8
    assert (record["learning_rate"], record["patience"]) == ([1e-3, 1e-5], [22, 5])
    assert "its minimum is 0.0001" in record["note"]
    assert ChangeRequest.of(training).values == {"learning_rate": 1e-5, "patience": 5}
    assert "taken back" in command(training, "--take-back").output
    assert not (training / rundir.CHANGE).exists()
    assert "no change was waiting" in command(training, "--take-back").output


@pytest.mark.parametrize(
    ("settings", "arguments", "reason"),
    [
        ({}, [], "nothing to change in run {}: name a learning rate or a factor or a patience"),
        ({}, ["--factor", "1"], "schedule.factor cannot be 1.0: it takes 0 < x < 1"),
        ({}, ["--patience", "0"], "schedule.patience cannot be 0: it takes 1 ≤ n ≤ 10000"),
        ({}, ["--learning-rate", "1e9"], "optimizer.learning_rate cannot be 1000000000.0: it takes 0 < x ≤ 10"),
        ({}, ["--patience", "22"], "nothing to change in run {}: its patience is 22 already"),
        ({}, ["--take-back", "--patience", "2"], "--take-back goes alone"),
        (
            {"schedule.name": "cosine"},
            ["--factor", "0.5"],
            "factor cannot be changed in run {}: it is of ReduceLROnPlateau",
        ),
        ({"model.name": "knn"}, ["--learning-rate", "1"], "run {} compares pictures"),
        ({"fit.epochs": 6}, ["--patience", "2"], "the last epoch of run {} is running"),
    ],
)
def test_what_cannot_be_changed_is_refused_in_a_sentence(
    tmp_path: Path, tiny_data: Path, settings: dict[str, Any], arguments: list[str], reason: str
) -> None:
    folder = make_run(tmp_path, tiny_data, epochs=5, how="running", settings={"fit.epochs": 9} | settings)
    error = command(folder, *arguments).exception
    assert isinstance(error, UserError)
    assert reason.format(folder.name) in str(error)
    assert "\n" not in str(error)
    assert not (folder / rundir.CHANGE).exists()


def test_only_a_run_that_trains_can_be_changed(tmp_path: Path, tiny_data: Path, training: Path) -> None:
    ended = make_run(tmp_path, tiny_data, epochs=2)
    assert "is finished: only a network that trains" in str(command(ended, "--patience", "2").exception)
    rundir.write_json(training / rundir.REQUEST, {"queued_at": 1.0, "search": {"low": 1e-7, "high": 1.0}})
    assert "searches for a learning rate" in str(command(training, "--patience", "2").exception)
    rundir.write_json(training / rundir.REQUEST, {"queued_at": 1.0})
    put_link(training / rundir.CHANGE)
    assert isinstance(command(training, "--patience", "2").exception, UserError)
    assert (training / "elsewhere").read_text() == '{"patience": 5}'
