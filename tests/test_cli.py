"""The command line: what it prints, what it refuses, its exit status."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from commands import ROOT, dhc, dhc_process
from make_run import make_run

from dhc.runs import rundir


@pytest.mark.slow
def test_train_runs_to_its_end_and_runs_list_tells_of_it(forked: None, tiny_data: Path, tmp_path: Path) -> None:
    settings = ["--set", "fit.epochs=2", "--set", "model.width=0.03", "--set", "data.classes=3", "--set", "knn.k=3"]
    process = dhc("train", "--data", str(tiny_data), "--preset", "quick", *settings, "--runs", str(tmp_path))
    assert process.returncode == 0, process.stderr
    assert "note: knn.k has no effect with model.name vgg16: leave it out, or choose model.name knn\n" in process.stderr
    assert "epoch 2/2" in process.stdout
    (row,) = json.loads(dhc_process("runs", "list", "--json", "--runs", str(tmp_path)).stdout)
    assert (row["status"], row["epoch"], row["epochs"]) == ("finished", 2, 2)
    assert 0 <= row["best_val_accuracy"] <= 1
    report = dhc("evaluate", row["id"], "--runs", str(tmp_path), "--split", "test", "--json")
    assert len(json.loads(report.stdout)["classes"]) == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "--data", "/nowhere"], "does not exist"),
        (["train", "--data", ".", "--set", "fit.epoch=1"], "there is no setting 'fit.epoch'; the settings are"),
        (["train", "--data", ".", "--set", "model.width=9"], "model.width cannot be 9.0: it takes 0 < x ≤ 2"),
        (["train", "--data", ".", "--preset", "slow"], "'slow' is not one of 'quick', 'report', 'report-meant'"),
        (["train"], "Missing option '--data'"),
        (["runs", "show", "../../etc"], "is not a run's name"),
        (["runs", "stop", "20260101-000000-vgg16-0000"], "there is no run"),
        (["evaluate", "20260101-000000-vgg16-0000"], "there is no run"),
        (["data", "make", "."], "not empty"),
        (["data", "check", "/nowhere"], ""),
    ],
)
def test_bad_input_is_one_sentence_and_status_2(arguments: list[str], message: str) -> None:
    process = dhc(*arguments)
    assert process.returncode == 2
    assert message in process.stderr
    assert "Traceback" not in process.stderr


def test_a_bug_of_ours_is_a_traceback_a_sentence_and_status_3(tmp_path: Path) -> None:
    """A real process, with a `Store` that breaks as only a bug can: by a bare ValueError, which is no person's mistake."""
    code = (
        "import sys, dhc.cli\n"
        "def broken(runs_dir): raise ValueError('an invariant does not hold')\n"
        "sys.modules['dhc.cli.runs'].Store = broken\n"
        "dhc.cli.main()"
    )
    command = [sys.executable, "-c", code, "runs", "list", "--runs", str(tmp_path)]
    process = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert process.returncode == 3
    assert process.stdout == ""
    assert process.stderr.startswith("Traceback (most recent call last):")
    *_, error, sentence = process.stderr.splitlines()
    assert error == "ValueError: an invariant does not hold"
    assert sentence == "error: something of ours broke (ValueError): please report it with the traceback above"


def test_runs_are_shown_stopped_deleted(tiny_data: Path, tmp_path: Path) -> None:
    folder = make_run(tmp_path, tiny_data, epochs=3)
    runs = ["--runs", str(tmp_path)]
    assert "finished" in dhc("runs", "list", *runs).stdout
    values = json.loads(dhc("runs", "show", folder.name, "--json", *runs).stdout)
    assert values["config"]["fit"]["epochs"] == 3
    assert "only a queued or running one" in dhc("runs", "stop", folder.name, *runs).stderr
    assert dhc("runs", "delete", folder.name, *runs).returncode == 0
    assert json.loads(dhc("runs", "list", "--json", *runs).stdout) == []


def test_evaluate_prints_scikit_learns_report(tiny_data: Path, tmp_path: Path) -> None:
    from sklearn.metrics import classification_report

    from dhc.runs.predictions import read_predictions

    folder = make_run(tmp_path, tiny_data, epochs=3, accuracy=0.7)
    p = read_predictions(folder)
    expected = classification_report(p.y_true, p.predicted, labels=range(3), target_names=p.classes, zero_division=0)
    assert dhc("evaluate", folder.name, "--runs", str(tmp_path)).stdout.strip() == expected.strip()


def test_data_check_lists_what_is_wrong_and_says_so_by_its_status(tiny_data: Path, tmp_path: Path) -> None:
    import shutil

    assert dhc("data", "check", str(tiny_data)).returncode == 0
    broken = tmp_path / "broken"
    shutil.copytree(tiny_data, broken)
    victim = next((broken / "val_images").iterdir())
    victim.write_bytes(b"no picture")
    process = dhc("data", "check", str(broken), "--json")
    assert process.returncode == 1
    assert any(
        victim.name in finding["text"] or any(victim.name in file for file in finding["files"])
        for finding in json.loads(process.stdout)
    )


def test_the_command_line_reads_the_servers_runs(
    tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_run(tmp_path, tiny_data, epochs=2)
    monkeypatch.setenv("DHC_RUNS_DIR", str(tmp_path))
    assert folder.name in dhc("runs", "list").stdout


def test_doctor_tells_device_and_speed() -> None:
    diagnosis = json.loads(dhc("doctor", "--json").stdout)
    assert diagnosis["device"] == "cpu" or diagnosis["device"].startswith("gpu:")
    assert set(diagnosis["expected"]) == {"quick", "report", "cnn7", "cnn3"}
    assert diagnosis["expected"]["quick"] > diagnosis["expected"]["report"] > 0


def test_every_command_has_help() -> None:
    for command in (
        [],
        ["data"],
        ["data", "make"],
        ["data", "check"],
        ["train"],
        ["knn"],
        ["ladder"],
        ["runs"],
        ["runs", "list"],
        ["evaluate"],
        ["predict"],
        ["doctor"],
    ):
        process = dhc(*command, "--help")
        assert process.returncode == 0
        assert "Usage:" in process.stdout


def test_a_run_without_predictions_says_so(tmp_path: Path) -> None:
    folder = rundir.create(tmp_path, "vgg16")
    process = dhc("evaluate", folder.name, "--runs", str(tmp_path))
    assert process.returncode == 2
    assert "has not finished an epoch" in process.stderr
