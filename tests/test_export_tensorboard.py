"""Event files that TensorBoard's own reader reads back, written without TensorFlow."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from make_run import make_run

from dhc.errors import RunError
from dhc.export.tensorboard import write_tensorboard
from dhc.runs import rundir
from dhc.runs.store import Store

pytest.importorskip("tensorboard", reason="TensorBoard is optional: pip install tensorboard")

ROOT = Path(__file__).parents[1]
RUN = "20260101-000000-vgg16-000a"
# TensorBoard's own switch (tensorboard.compat) for reading without TensorFlow, which would take seconds to load.
READ = """
import json, sys, types
sys.modules["tensorboard.compat.notf"] = types.ModuleType("notf")
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import metadata
from tensorboard.util.tensor_util import make_ndarray
log = EventAccumulator(sys.argv[1])
log.Reload()
found = {"scalars": {}, "settings": None, "status": None}
for tag in log.Tags()["tensors"]:
    content = log.SummaryMetadata(tag).plugin_data.content
    if tag == metadata.SESSION_START_INFO_TAG:
        start = metadata.parse_session_start_info_plugin_data(content)
        found["group"] = start.group_name
        found["settings"] = {
            name: value.number_value if value.HasField("number_value") else value.bool_value if value.HasField("bool_value") else value.string_value
            for name, value in start.hparams.items()
        }
    elif tag == metadata.SESSION_END_INFO_TAG:
        found["status"] = metadata.parse_session_end_info_plugin_data(content).status
    else:
        found["scalars"][tag] = [[e.step, e.wall_time, float(make_ndarray(e.tensor_proto))] for e in log.Tensors(tag)]
print(json.dumps(found))
"""


def read(folder: Path) -> dict[str, Any]:
    process = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", READ, str(folder)], capture_output=True, text=True, check=True
    )
    events: dict[str, Any] = json.loads(process.stdout)
    return events


@pytest.fixture
def store(tiny_data: Path, tmp_path: Path) -> Store:
    make_run(tmp_path / "runs", tiny_data, epochs=3, accuracy=8 / 9, run_id=RUN, settings={"schedule.factor": 0.5})
    return Store(tmp_path / "runs")


def test_the_curves_come_back_under_keras_names_with_the_training_s_times(store: Store, tmp_path: Path) -> None:
    write_tensorboard(store.runs(), store, tmp_path / "logs")
    epochs = store.history(RUN).epochs
    train, validation = (read(tmp_path / "logs" / RUN / name)["scalars"] for name in ("train", "validation"))
    assert set(train) == {"epoch_loss", "epoch_accuracy", "epoch_learning_rate"}
    assert set(validation) == {"epoch_loss", "epoch_accuracy"}
    for scalars, tag, column in (
        (train, "epoch_accuracy", "accuracy"),
        (train, "epoch_learning_rate", "learning_rate"),
        (validation, "epoch_loss", "val_loss"),
        (validation, "epoch_accuracy", "val_accuracy"),
    ):
        steps, times, values = zip(*scalars[tag], strict=True)
        assert list(steps) == [1, 2, 3]
        assert list(times) == pytest.approx(epochs["t"].tolist(), abs=1e-3)
        assert list(values) == pytest.approx(epochs[column].tolist(), rel=1e-6)


def test_the_hparams_tab_finds_settings_best_accuracy_and_how_it_ended(store: Store, tmp_path: Path) -> None:
    write_tensorboard(store.runs(), store, tmp_path / "logs")
    events = read(tmp_path / "logs" / RUN)
    assert events["group"] == RUN
    assert events["settings"]["schedule.factor"] == 0.5
    assert events["settings"]["model.name"] == "vgg16"
    assert events["settings"]["data.skip_bad"] is False
    assert "schedule.decay_rate" not in events["settings"], "it has no effect with this schedule"
    ((step, _, best),) = events["scalars"]["best_val_accuracy"]
    assert (step, best) == (3, pytest.approx(8 / 9))
    assert events["status"] == 1, "STATUS_SUCCESS"


def test_a_failed_run_and_one_without_epochs_are_told_as_such(tiny_data: Path, tmp_path: Path) -> None:
    make_run(tmp_path / "runs", tiny_data, epochs=2, how="failed", run_id=RUN)
    empty = tmp_path / "runs" / "20260101-000001-vgg16-000b"
    empty.mkdir()
    store = Store(tmp_path / "runs")
    write_tensorboard(store.runs(), store, tmp_path / "logs")
    assert read(tmp_path / "logs" / RUN)["status"] == 2, "STATUS_FAILURE"
    assert read(tmp_path / "logs" / empty.name)["scalars"] == {}
    assert not (tmp_path / "logs" / empty.name / "train").exists()


def test_figures_that_are_no_numbers_are_left_out(store: Store, tmp_path: Path) -> None:
    with rundir.RunWriter(tmp_path / "runs" / RUN) as writer:
        writer.event("epoch", epoch=4, loss=float("nan"), accuracy=0.5, learning_rate=1e-3, seconds=1.0)
    write_tensorboard(store.runs(), store, tmp_path / "logs")
    train = read(tmp_path / "logs" / RUN / "train")["scalars"]
    assert (len(train["epoch_loss"]), len(train["epoch_accuracy"])) == (3, 4)


def test_neither_tensorflow_nor_a_second_copy_gets_in(store: Store, tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from dhc.runs.store import Store; from dhc.export.tensorboard import write_tensorboard as w\n"
        "s = Store(Path(sys.argv[1])); w(s.runs(), s, Path(sys.argv[2])); w(s.runs(), s, Path(sys.argv[2]), force=True)\n"
        "print('tensorboard' in sys.modules, 'tensorflow' in sys.modules)"
    )
    process = subprocess.run(
        [sys.executable, "-c", code, str(store.runs_dir), str(tmp_path / "logs")],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    assert process.stdout.split() == ["True", "False"]
    assert len(read(tmp_path / "logs" / RUN / "train")["scalars"]["epoch_loss"]) == 3
    assert len(list((tmp_path / "logs" / RUN / "train").iterdir())) == 1


def test_what_is_there_is_refused_and_other_files_are_left_alone(store: Store, tmp_path: Path) -> None:
    write_tensorboard(store.runs(), store, tmp_path / "logs")
    with pytest.raises(RunError, match="already exists"):
        write_tensorboard(store.runs(), store, tmp_path / "logs")
    foreign = tmp_path / "logs" / RUN / "train" / "events.out.tfevents.1.host"
    foreign.write_bytes(b"")
    write_tensorboard(store.runs(), store, tmp_path / "logs", force=True)
    assert foreign.exists()
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="is a file: name a folder"):
        write_tensorboard(store.runs(), store, tmp_path / "file")
