"""``python -m dhc sweep``: what it prints, what it refuses, its exit status."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commands import Completed, dhc
from make_run import make_run

from dhc.runs import rundir
from dhc.runs.store import Store

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("forked")]


def sweep(*arguments: str) -> Completed:
    return dhc("sweep", *arguments)


def test_a_sweep_of_neighbours_is_run_to_its_end_and_told(tiny_data: Path, tmp_path: Path) -> None:
    options = [
        "--data",
        str(tiny_data),
        "--preset",
        "knn",
        "--grid",
        "knn.k=1..3",
        "--runs",
        str(tmp_path),
        "--name",
        "few or many",
    ]
    process = sweep(*options)
    assert process.returncode == 0, process.stderr
    assert process.stdout.startswith("3 runs in the group few or many\n\n1/3  knn.k=1, fit.seed=0  (")
    table = process.stdout.rpartition("\n\n")[2].splitlines()
    assert table[0].split() == ["knn.k", "fit.seed", "best", "val_accuracy", "epoch", "seconds", "status", "run"]
    assert [line.split()[0] for line in table[1:]] == ["1", "2", "3"]
    runs = Store(tmp_path).runs()
    assert {info.group for info in runs} == {"few or many"}
    assert sorted(line.split()[2] for line in table[1:]) == sorted(f"{info.best_val_accuracy:.3f}" for info in runs)

    again = sweep(*options, "--json", "--repeats", "2")
    record = json.loads(again.stdout)
    assert record["group"] == "few or many (2)"
    assert [(run["settings"]["knn.k"], run["settings"]["fit.seed"]) for run in record["runs"]] == [
        (k, seed) for seed in (0, 1) for k in (1, 2, 3)
    ]
    assert {run["status"] for run in record["runs"]} == {"finished"}


def test_repeats_are_summed_up_and_a_failed_run_is_status_1(tiny_data: Path, tmp_path: Path) -> None:
    options = ["--data", str(tiny_data), "--preset", "knn", "--runs", str(tmp_path)]
    process = sweep(*options, "--grid", "knn.metric=euclidean, cosine", "--repeats", "2")
    assert process.returncode == 0, process.stderr
    means = process.stdout.partition("mean best val_accuracy by settings:\n")[2].splitlines()
    assert len(means) == 2
    assert all("2 seeds)  knn.metric=" in line for line in means)
    process = sweep(*options, "--grid", "knn.k=1, 25")  # of 24 training pictures
    assert process.returncode == 1
    assert "failed: knn.k is 25, but there are only 24 training pictures" in process.stdout
    assert [line.split()[-2] for line in process.stdout.splitlines()[-2:]] == ["finished", "failed"]


def test_detached_it_queues_a_named_group_with_its_rule(tiny_data: Path, tmp_path: Path) -> None:
    process = sweep(
        *("--data", str(tiny_data), "--preset", "knn", "--grid", "knn.k=1,2"),
        *("--stop-hopeless", "--detach", "--runs", str(tmp_path)),
    )
    assert process.returncode == 0, process.stderr
    for run_id in process.stdout.split():
        request = rundir.read_json(tmp_path / run_id / rundir.REQUEST)
        assert request is not None
        assert request["rule"] == "median"
        assert request["group"].startswith("knn k, ")


def test_a_group_is_stopped_by_its_name(tiny_data: Path, tmp_path: Path) -> None:
    folder = make_run(tmp_path, tiny_data, how="running")
    rundir.write_json(folder / rundir.REQUEST, {"queued_at": 1.0, "device": "cpu", "group": "knn k, 23 Nov 10:15"})
    command = ["runs", "stop-group", "knn k, 23 Nov 10:15", "--runs"]
    process = dhc(*command, str(tmp_path))
    assert process.stdout == f"{folder.name} was asked to stop\n"
    assert (folder / rundir.STOP).exists()
    process = dhc(*command, str(tmp_path / "none"))
    assert (process.returncode, "has no run that trains or waits" in process.stderr) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "Missing option '--grid'"),
        (["--grid", "schedule.factor"], "'schedule.factor' is not a setting: write NAME=VALUE"),
        (["--grid", "schedule.factor=0.5, x"], "schedule.factor cannot be 'x': it takes 0 < x < 1"),
        (["--grid", "knn.k=1..3"], "knn.k has no effect with model.name vgg16"),
        (
            ["--grid", "schedule.factor=0.5", "--grid", "schedule.factor=0.8"],
            "schedule.factor has two --grid: write all its values in one",
        ),
        (["--grid", "schedule.factor=0.5", "--repeats", "0"], "a sweep has at most 200 runs"),
        (["--grid", "schedule.factor=0.5"], "/nowhere” does not exist"),
    ],
)
def test_bad_input_is_one_sentence_and_status_2_and_nothing_is_queued(
    tmp_path: Path, arguments: list[str], sentence: str
) -> None:
    process = sweep("--data", "/nowhere", *arguments, "--runs", str(tmp_path / "runs"))
    assert process.returncode == 2
    assert sentence in process.stderr
    assert "Traceback" not in process.stderr
    assert not (tmp_path / "runs").exists()
