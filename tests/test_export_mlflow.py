"""Runs in MLflow, read back by its own client; skipped where MLflow is not installed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from make_run import make_run

from dhc.runs import rundir
from dhc.runs.contract import write_exit
from dhc.runs.labels import change_labels

pytest.importorskip("mlflow", reason="MLflow is optional and large: pip install mlflow")
pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow's own

ROOT = Path(__file__).parents[1]
RUN, OTHER = "20260101-000000-vgg16-000a", "20260101-000001-vgg16-000b"


def imported(runs: Path, out: Path, *arguments: str) -> str:
    """Import through the command line, as a person would; what it said."""
    command = [sys.executable, "-m", "dhc", "export", *arguments, str(out), "--to", "mlflow", "--runs", str(runs)]
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout


def client(out: Path) -> Any:
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    from mlflow.tracking import MlflowClient

    return MlflowClient(tracking_uri=f"sqlite:///{out / 'mlflow.db'}")


def found(out: Path, experiment: str) -> dict[str, Any]:
    """Our run id → MLflow's run."""
    reader = client(out)
    runs = reader.search_runs([reader.get_experiment_by_name(experiment).experiment_id])
    return {run.data.tags["dhc.run_id"]: run for run in runs}


def test_a_run_is_read_back_with_settings_metrics_times_tags_and_files(tiny_data: Path, tmp_path: Path) -> None:
    folder = make_run(
        tmp_path / "runs", tiny_data, epochs=3, accuracy=8 / 9, run_id=RUN, settings={"schedule.factor": 0.5}
    )
    change_labels(folder, name="my <b>run</b>", note="a note", tags=["x", "y"])
    out = tmp_path / "ml"
    assert "1 imported" in imported(tmp_path / "runs", out, RUN)
    run = found(out, tiny_data.name)[RUN]
    assert (run.info.status, run.info.run_name) == ("FINISHED", "my <b>run</b>")
    assert (run.data.params["schedule.factor"], run.data.params["model.name"]) == ("0.5", "vgg16")
    assert "schedule.decay_rate" not in run.data.params
    assert (run.data.tags["mlflow.note.content"], run.data.tags["dhc.tags"]) == ("a note", "x, y")
    events = [json.loads(line) for line in (folder / rundir.EVENTS).read_text().splitlines()]
    epochs = [event for event in events if event["kind"] == "epoch"]
    metrics = client(out).get_metric_history(run.info.run_id, "val_accuracy")
    assert [(m.step, m.timestamp, m.value) for m in metrics] == [
        (e["epoch"], int(1000 * e["t"]), pytest.approx(e["val_accuracy"])) for e in epochs
    ]
    assert run.info.start_time == pytest.approx(1000 * (epochs[0]["t"] - 10), abs=2)
    assert run.info.end_time == pytest.approx(1000 * epochs[-1]["t"], abs=2)
    assert run.data.metrics["best_val_accuracy"] == pytest.approx(8 / 9)
    names = {file.path for file in client(out).list_artifacts(run.info.run_id)}
    assert {"config.json", "predictions.npz", "summary.json", "environment.json"} == names


def test_a_second_import_adds_nothing_and_one_by_force_replaces(tiny_data: Path, tmp_path: Path) -> None:
    make_run(tmp_path / "runs", tiny_data, epochs=2, run_id=RUN)
    make_run(tmp_path / "runs", tiny_data, epochs=2, run_id=OTHER, how="failed")
    out = tmp_path / "ml"
    imported(tmp_path / "runs", out, RUN)
    assert "1 imported, 1 were there already" in imported(tmp_path / "runs", out, "--all")
    runs = found(out, tiny_data.name)
    assert {run_id: run.info.status for run_id, run in runs.items()} == {RUN: "FINISHED", OTHER: "FAILED"}
    imported(tmp_path / "runs", out, RUN, "--force")
    again = found(out, tiny_data.name)
    assert again[RUN].info.run_id != runs[RUN].info.run_id
    assert again[OTHER].info.run_id == runs[OTHER].info.run_id


def test_a_run_that_was_still_going_is_replaced_and_a_stopped_one_counts_as_killed(
    tiny_data: Path, tmp_path: Path
) -> None:
    folder = make_run(tmp_path / "runs", tiny_data, epochs=2, run_id=RUN, how="running")
    out = tmp_path / "ml"
    imported(tmp_path / "runs", out, RUN)
    assert found(out, tiny_data.name)[RUN].info.status == "RUNNING"
    write_exit(folder, "stopped", "asked to")
    imported(tmp_path / "runs", out, RUN)
    assert found(out, tiny_data.name)[RUN].info.status == "KILLED"


def test_the_network_is_copied_only_when_asked_for(tiny_data: Path, tmp_path: Path) -> None:
    folder = make_run(tmp_path / "runs", tiny_data, epochs=2, run_id=RUN)
    (folder / rundir.BEST).write_bytes(b"weights")
    imported(tmp_path / "runs", tmp_path / "ml", RUN, "--network")
    run = found(tmp_path / "ml", tiny_data.name)[RUN]
    assert "best.keras" in {file.path for file in client(tmp_path / "ml").list_artifacts(run.info.run_id)}
