"""The read model: states from files and processes, event logs that grow, folders that are no runs."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dhc.config import RunConfig
from dhc.errors import RunError
from dhc.jobs.queue import queue
from dhc.runs import rundir
from dhc.runs.contract import Process, write_exit
from dhc.runs.events import EventLog
from dhc.runs.identity import identify
from dhc.runs.predictions import read_predictions
from dhc.runs.rundir import RunWriter
from dhc.runs.status import State, status_of
from dhc.runs.store import Store, by_activity, log_tail

EPOCH = {
    "loss": 1.0,
    "accuracy": 0.5,
    "val_loss": 1.5,
    "learning_rate": 1e-3,
    "seconds": 2.0,
    "pictures_per_second": 10.0,
}


def make_folder(runs_dir: Path, **epochs: float) -> Path:
    folder = rundir.create(runs_dir, "vgg16")
    rundir.write_json(folder / rundir.CONFIG, RunConfig().model_dump())
    rundir.write_json(folder / rundir.REQUEST, {"queued_at": 1.0, "device": "cpu"})
    return folder


def test_states_follow_from_the_files(tmp_path: Path) -> None:
    folder = make_folder(tmp_path)
    assert status_of(folder).state is State.QUEUED
    Process(child=identify(os.getpid()), host=socket.gethostname()).write(folder)
    assert status_of(folder).state is State.RUNNING
    (folder / rundir.STOP).touch()
    assert status_of(folder).state is State.STOPPING
    for how in ("finished", "stopped", "failed", "killed"):
        write_exit(folder, how, "why")
        assert (status_of(folder).state, status_of(folder).reason) == (State(how), "why")


def test_a_link_in_a_circle_hides_no_other_run(tmp_path: Path) -> None:
    folder = make_folder(tmp_path)
    name = "20260101-000000-vgg16-0001"
    (tmp_path / name).symlink_to(name)
    assert [info.id for info in Store(tmp_path).all()] == [folder.name]


def test_a_queued_run_that_is_stopped_never_starts(tmp_path: Path) -> None:
    folder = make_folder(tmp_path)
    (folder / rundir.STOP).touch()
    assert status_of(folder).state is State.STOPPED


def test_a_dead_process_without_a_word_has_crashed(tmp_path: Path) -> None:
    folder = make_folder(tmp_path)
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    Process(child=identify(child.pid), host=socket.gethostname()).write(folder)
    assert status_of(folder).state is State.RUNNING
    child.kill()
    time.sleep(0.2)  # not reaped yet: a zombie must not count as alive
    assert status_of(folder).state is State.CRASHED
    child.wait()
    assert status_of(folder).state is State.CRASHED


@pytest.mark.parametrize(
    "change",
    [
        {"ticks": 1},
        {"boot": "another"},
        {"ticks": "x", "boot": None},
        {"pid": "x"},
        {"pid": 2**70},
        {"pid": -5},
        {"pid": None},
    ],
)
def test_a_reused_pid_or_a_senseless_one_is_not_alive(tmp_path: Path, change: dict[str, object]) -> None:
    folder = make_folder(tmp_path)
    rundir.write_json(
        folder / rundir.PROCESS,
        {"child": {**identify(os.getpid()).model_dump(), **change}, "host": socket.gethostname()},
    )
    assert status_of(folder).state is State.CRASHED


def test_a_clock_that_was_set_back_kills_nobody(tmp_path: Path) -> None:
    folder = make_folder(tmp_path)
    me = identify(os.getpid()).model_dump()
    rundir.write_json(
        folder / rundir.PROCESS, {"child": {**me, "created": me["created"] + 3600}, "host": socket.gethostname()}
    )
    assert status_of(folder).state is State.RUNNING


def test_without_ticks_the_start_time_decides(tmp_path: Path) -> None:
    folder = make_folder(tmp_path)
    for shift, state in ((0.0, State.RUNNING), (3600.0, State.CRASHED)):
        me = {"pid": os.getpid(), "created": (identify(os.getpid()).created or 0) + shift}
        rundir.write_json(folder / rundir.PROCESS, {"child": me, "host": socket.gethostname()})
        assert status_of(folder).state is state


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root is refused nothing")
def test_a_folder_that_cannot_be_read_is_said_to_be_closed(tmp_path: Path) -> None:
    folder = make_folder(tmp_path)
    folder.chmod(0)
    status = status_of(folder)
    folder.chmod(0o700)
    assert (status.state, status.cause) == (State.CRASHED, "folder")
    assert "neither read nor written to by this user" in status.reason


def test_a_folder_from_another_machine_is_not_alive_here(tmp_path: Path) -> None:
    folder = make_folder(tmp_path)
    foreign = identify(os.getpid()).model_copy(update={"boot": "another", "machine": "another"})
    Process(child=foreign, host="elsewhere").write(folder)
    assert status_of(folder).state is State.CRASHED


def write_epochs(folder: Path, accuracies: list[float]) -> None:
    with RunWriter(folder) as writer:
        best = -1.0
        for number, value in enumerate(accuracies, 1):
            writer.event("epoch", epoch=number, val_accuracy=value, best=value > best, **EPOCH)
            best = max(best, value)


def test_a_run_is_listed_with_its_best_epoch(tmp_path: Path) -> None:
    folder = make_folder(tmp_path)
    write_epochs(folder, [0.2, 0.6, 0.6, 0.4])
    info = Store(tmp_path).run(folder.name)
    assert (info.epochs_done, info.best_epoch, info.best_val_accuracy, info.seconds) == (4, 2, 0.6, 8.0)
    assert info.epochs_total == 250
    assert json.loads(json.dumps(info.as_dict()))["status"] == "queued"


def test_a_runs_json_has_the_keys_that_scripts_rely_on(tmp_path: Path) -> None:
    record = Store(tmp_path).run(make_folder(tmp_path).name).as_dict()
    values = {"status": "queued", "epoch": 0, "epochs": 250, "queued_at": 1.0, "device": "cpu", "reason": ""}
    values |= {
        "cause": "",
        "tags": [],
        "star": False,
        "archived": False,
        "example": False,
        "branches": [],
        "changes": [],
    }
    none = "best_val_accuracy best_epoch seconds pictures_per_second problem name note accuracy val_accuracy group design parent bet search sought"
    assert record == {
        "id": record["id"],
        **values,
        **dict.fromkeys(none.split()),
        "config": RunConfig().model_dump(),
    }


def test_runs_of_one_second_are_listed_as_they_were_queued(tmp_path: Path) -> None:
    for ending, queued_at in (("vgg16-000c", 5.1), ("vgg16-000a", 5.2), ("cnn3-000b", 5.3)):
        folder = tmp_path / f"20260101-000000-{ending}"
        folder.mkdir()
        rundir.write_json(folder / rundir.REQUEST, {"queued_at": queued_at, "device": "cpu"})
    (tmp_path / "20260101-000001-vgg16-000d").mkdir()
    assert [info.id[-4:] for info in Store(tmp_path).runs()] == ["000d", "000b", "000a", "000c"]


def test_runs_by_activity_are_those_that_train_then_the_queue_in_its_order_then_the_newest(tmp_path: Path) -> None:
    requests: dict[str, dict[str, float]] = {
        "20260101-000000-vgg16-000a": {"queued_at": 1.0},  # trains
        "20260101-000001-vgg16-000b": {"queued_at": 2.0, "place": 9.0},  # moved to the end of the queue
        "20260101-000002-vgg16-000c": {"queued_at": 3.0, "place": 1e300},  # edited by hand
        "20260101-000003-vgg16-000d": {"queued_at": 4.0},
        "20260101-000004-vgg16-000e": {"queued_at": 5.0},  # ended
        "20260101-000005-vgg16-000f": {"queued_at": 6.0},  # ended
    }
    for run_id, request in requests.items():
        (tmp_path / run_id).mkdir()
        rundir.write_json(tmp_path / run_id / rundir.REQUEST, request | {"device": "cpu"})
    Process(child=identify(os.getpid())).write(tmp_path / "20260101-000000-vgg16-000a")
    for ended in ("20260101-000004-vgg16-000e", "20260101-000005-vgg16-000f"):
        write_exit(tmp_path / ended, "finished", "", cause="done")
    runs = Store(tmp_path).runs()
    ordered = by_activity(reversed(runs))
    assert [info.id[-1] for info in ordered] == ["a", "c", "d", "b", "f", "e"]
    waiting = [folder.name for folder in queue(tmp_path, "cpu")]
    assert [info.id for info in ordered if info.state is State.QUEUED] == waiting


def test_foreign_folders_and_broken_runs_do_not_hide_the_others(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "README.md").write_text("x")
    broken = make_folder(tmp_path)
    (broken / rundir.CONFIG).write_text("{")
    (broken / rundir.EVENTS).write_bytes(b"\x00\xff\n" * 10)
    empty = rundir.create(tmp_path, "vgg16")
    good = make_folder(tmp_path)
    found = {info.id: info for info in Store(tmp_path).runs()}
    assert set(found) == {broken.name, empty.name, good.name}
    assert "does not hold a run's settings" in found[broken.name].problem
    assert "missing" in found[empty.name].problem
    assert found[empty.name].state is State.CRASHED
    assert found[good.name].problem == ""


def test_no_folder_means_no_runs(tmp_path: Path) -> None:
    assert Store(tmp_path / "none").runs() == []


def test_an_ended_run_is_seen_anew_when_its_files_change(tmp_path: Path) -> None:
    folder, store = make_folder(tmp_path), Store(tmp_path)
    write_epochs(folder, [0.5])
    write_exit(folder, "stopped", "asked")
    assert store.run(folder.name).epochs_done == 1
    write_epochs(folder, [0.5, 0.7])
    assert store.run(folder.name).best_val_accuracy == 0.7


def test_a_torn_last_line_waits_for_its_other_half(tmp_path: Path) -> None:
    path = tmp_path / rundir.EVENTS
    line = json.dumps({"kind": "epoch", "epoch": 1, "val_accuracy": 0.5, "best": True, "t": 1.0, **EPOCH})
    path.write_text(line + "\n" + line[:5])
    log = EventLog(path)
    assert log.refresh()
    assert len(log.history().epochs) == 1
    assert not log.refresh()
    with path.open("a") as file:
        file.write(line[5:].replace('"epoch": 1', '"epoch": 2') + "\n")
    assert log.refresh()
    assert log.history().epochs["epoch"].tolist() == [1, 2]
    assert log.damaged_lines == 0


def test_a_damaged_line_in_the_middle_hides_nothing_after_it(tmp_path: Path) -> None:
    folder = make_folder(tmp_path)
    write_epochs(folder, [0.1])
    with (folder / rundir.EVENTS).open("ab") as file:
        file.write(
            b'\xff{"kind": 3}\n[1]\n{"kind": "epoch", "epoch": "two"}\n{"kind": "batch", "loss": "x"}\n'
            + b"[" * 200_000
            + b"\n"
        )
    with RunWriter(folder) as writer:
        writer.event("epoch", epoch=2, val_accuracy=0.3, best=True, **EPOCH)
    log = EventLog(folder / rundir.EVENTS)
    log.refresh()
    assert log.history().epochs["epoch"].tolist() == [1, 2]
    assert log.damaged_lines == 5


def test_a_replaced_log_is_read_anew(tmp_path: Path) -> None:
    folder = make_folder(tmp_path)
    write_epochs(folder, [0.1, 0.2, 0.3])
    log = EventLog(folder / rundir.EVENTS)
    log.refresh()
    (folder / rundir.EVENTS).unlink()
    write_epochs(folder, [0.9])
    log.refresh()
    assert log.history().epochs["val_accuracy"].tolist() == [0.9]


def test_nan_is_written_as_null_and_read_as_nan(tmp_path: Path) -> None:
    with RunWriter(tmp_path) as writer:
        writer.event("batch", epoch=1, position=0.1, loss=float("nan"), accuracy=0.5, pictures_per_second=1.0)
    log = EventLog(tmp_path / rundir.EVENTS)
    log.refresh()
    assert np.isnan(log.history().batches["loss"].iloc[0])


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=20), st.lists(st.integers(1, 200), max_size=10))
def test_reading_in_any_pieces_gives_the_same_history(
    tmp_path_factory: pytest.TempPathFactory, values: list[float], cuts: list[int]
) -> None:
    whole = tmp_path_factory.mktemp("whole")
    write_epochs(whole, values)
    data = (whole / rundir.EVENTS).read_bytes()
    path = tmp_path_factory.mktemp("pieces") / rundir.EVENTS
    log, start = EventLog(path), 0
    path.touch()
    for cut in [*cuts, len(data)]:
        with path.open("ab") as file:
            file.write(data[start : start + cut])
        start += cut
        log.refresh()
    assert log.history().epochs["val_accuracy"].tolist() == values


def test_a_history_without_batches_is_made_anew_only_where_something_was_added_to_it(tmp_path: Path) -> None:
    log = EventLog(tmp_path / rundir.EVENTS, batches=False)
    with RunWriter(tmp_path) as writer:
        writer.event("epoch", epoch=1, val_accuracy=0.1, best=True, **EPOCH)
        assert log.refresh()
        history = log.history()
        writer.event("batch", epoch=2, position=1.5, loss=1.0, accuracy=0.5, pictures_per_second=1.0)
        writer.event("note", text="a note")
        assert log.refresh()
        assert log.history() is history
        assert [event["kind"] for event in log.others] == ["note"]
        writer.event("epoch", epoch=2, val_accuracy=0.2, best=True, **EPOCH)
        assert log.refresh()
        assert log.history().epochs["val_accuracy"].tolist() == [0.1, 0.2]
        writer.event("resume", epoch=2)
        assert log.refresh()
        assert log.history().epochs["val_accuracy"].tolist() == [0.1]


def save_predictions(folder: Path, **changes: object) -> None:
    values = {
        "ids": np.array(["a", "b"]),
        "y_true": np.array([0, 1]),
        "y_pred": np.array([[0, 0], [0, 1]]),
        "best_epoch": np.int64(2),
        "probabilities": np.eye(2, dtype=np.float32),
        "classes": np.array(["x", "y"]),
        **changes,
    }
    np.savez(folder / rundir.PREDICTIONS, **values)


def test_predictions_are_read_back(tmp_path: Path) -> None:
    save_predictions(tmp_path)
    p = read_predictions(tmp_path)
    assert p.predicted.tolist() == [0, 1]
    assert p.classes == ("x", "y")


@pytest.mark.parametrize(
    "changes",
    [
        {"y_pred": np.array([[0, 2]])},
        {"best_epoch": np.int64(0)},
        {"best_epoch": np.int64(3)},
        {"probabilities": np.eye(3)},
        {"y_true": np.array([0])},
        {"ids": np.array([{"code": 1}, None], dtype=object)},
        {"y_true": np.array([-1, 0])},
    ],
)
def test_predictions_that_do_not_fit_together_are_refused(tmp_path: Path, changes: dict[str, object]) -> None:
    save_predictions(tmp_path, **changes)
    with pytest.raises(RunError, match="damaged"):
        read_predictions(tmp_path)


@pytest.mark.parametrize("content", [b"", b"PK", b"not a zip", b"\x80\x04N."])
def test_broken_predictions_are_refused_in_a_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / rundir.PREDICTIONS).write_bytes(content)
    with pytest.raises(RunError, match="cannot be read"):
        read_predictions(tmp_path)


def test_without_predictions_the_reason_is_said(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="has not finished an epoch"):
        read_predictions(tmp_path)


def test_the_logs_tail_is_its_end_and_leaves_out_the_backends_chatter(tmp_path: Path) -> None:
    chatter = "I0000 00:00:1795451510.252534    8158 port.cc:153] oneDNN custom operations are on.\n"
    (tmp_path / rundir.LOG).write_text(chatter + "".join(f"line {i}\n" for i in range(100)) + chatter)
    assert log_tail(tmp_path, lines=3) == "line 97\nline 98\nline 99"
    assert log_tail(tmp_path / "none") == ""
