"""The command line's say over runs: names, tags, marks, trash, disk, kill."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from make_run import make_run

from dhc.cli import cli
from dhc.errors import ConfigError, RunError
from dhc.jobs import launch, trash
from dhc.models.presets import preset_config
from dhc.runs import rundir
from dhc.runs.contract import Labels
from dhc.runs.labels import read_labels
from dhc.runs.store import Store

ROOT = Path(__file__).parents[1]


@pytest.fixture
def run(tmp_path: Path, tiny_data: Path) -> Path:
    return make_run(tmp_path, tiny_data, epochs=2)


def runs(folder: Path, *arguments: str) -> Result:
    """In this very process; RunError is what `main` makes a sentence and status 2 of."""
    return CliRunner().invoke(cli, ["runs", *arguments, "--runs", str(folder.parent)], catch_exceptions=False)


def test_labels_are_given_and_taken(run: Path) -> None:
    assert "is called the good one" in runs(run, "rename", run.name, "the  good one").output
    assert runs(run, "tag", run.name, "night", "dropout 0.3").output.strip().endswith("night, dropout 0.3")
    runs(run, "note", run.name, "what came of it")
    runs(run, "star", run.name)
    runs(run, "archive", run.name)
    expected = Labels(
        name="the good one", tags=("night", "dropout 0.3"), note="what came of it", star=True, archived=True
    )
    assert read_labels(run) == expected
    assert "the good one  *  (archived)" in runs(run, "list").output
    assert "dropout 0.3" in runs(run, "untag", run.name, "night", "never had").output
    for command in (["unstar"], ["unarchive"]):
        runs(run, *command, run.name)
    runs(run, "rename", run.name, "")
    runs(run, "note", run.name, "")
    assert read_labels(run) == Labels(tags=("dropout 0.3",))


def test_which_setting_to_keep_is_said_with_its_reasons_and_as_json(run: Path, tiny_data: Path) -> None:
    better = make_run(run.parent, tiny_data, epochs=2, accuracy=1.0, settings={"model.conv_dropout": 0.1})
    sentence = runs(run, "decide").output
    assert sentence.startswith(
        "Keep dropout 0.1 (1.000). Next is dropout 0.6, 22.2 points (2 of 9 pictures) behind: too few val pictures"
    )
    assert "\nLuck: McNemar's exact test" in runs(run, "decide", "--why").output
    record = json.loads(runs(run, "decide", run.name, better.name, "--json").output)
    assert record["advice"] == sentence.strip()
    assert (record["best"]["run"], record["runner_up"]["run"], record["test"]) == (better.name, run.name, "McNemar")
    assert {repeat["like"] for repeat in record["repeats"]} == {better.name, run.name}
    assert all(repeat["seed"] > 0 for repeat in record["repeats"])
    assert record["seconds_of_repeats"] == len(record["repeats"]) * Store(run.parent).run(run.name).seconds
    assert "is alone" in runs(run, "decide", run.name).output
    with pytest.raises(RunError, match="none of these runs is in a group called “nobody”"):
        runs(run, "decide", "--group", "nobody")
    assert "no runs in" in runs(run.parent / "empty" / "x", "decide").output


def test_a_list_holds_what_a_search_finds(run: Path, tiny_data: Path) -> None:
    other = make_run(run.parent, tiny_data, epochs=2, settings={"model.conv_dropout": 0.1, "model.dense_dropout": 0.2})
    assert run.name in runs(run, "list", "--where", "dropout>0.2 state=finished").output
    assert other.name not in runs(run, "list", "--where", "dropout>0.2").output
    assert "passes --where zebra" in runs(run, "list", "--where", "zebra").output
    with pytest.raises(
        ConfigError, match=r"does not understand “epochz>3”: nothing is called epochz; write for example"
    ):
        runs(run, "list", "--where", "epochz>3")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["rename", "{id}", "x" * 81], "up to 80 characters"),
        (["tag", "{id}", "x" * 31], "up to 30 characters"),
        (["star", "../../etc"], "is not a run's name"),
        (["kill", "{id}"], "there is no process to kill"),
        (["restore", "{id}"], "there is no run '.*' in the trash"),
        (["restore", "../.."], "there is no run '../..' in the trash"),
    ],
)
def test_what_cannot_be_done_is_a_sentence(run: Path, arguments: list[str], message: str) -> None:
    with pytest.raises(RunError, match=message):
        runs(run, *(text.format(id=run.name) for text in arguments))


def test_labels_that_cannot_be_saved_are_a_sentence(run: Path) -> None:
    (run / rundir.LABELS).mkdir()  # stands in for a folder that cannot be written to
    with pytest.raises(
        RunError, match=r"could not be saved: labels.json in .* is a folder, where a file belongs: remove it"
    ):
        runs(run, "star", run.name)


def test_several_are_deleted_listed_brought_back_and_removed(run: Path, tiny_data: Path) -> None:
    other = make_run(run.parent, tiny_data, epochs=2)
    alive = make_run(run.parent, tiny_data, epochs=2, how="running")
    process = runs(run, "delete", run.name, alive.name, other.name)
    assert process.exit_code == 2
    assert f"error: run {alive.name} is running: stop it before you delete it" in process.stderr
    assert Store(run.parent).ids() == [alive.name]
    items = json.loads(runs(run, "trash", "--json").output)
    assert {item["id"] for item in items} == {run.name, other.name}
    assert f"{run.name}  deleted 20" in runs(run, "trash").output
    assert runs(run, "restore", run.name).output == f"{run.name} is back\n"
    assert runs(run, "trash", "--empty").output.endswith("freed\n")
    assert runs(run, "trash").output == "the trash is empty\n"
    assert trash.trashed_runs(run.parent) == []
    assert Store(run.parent).ids() == sorted([alive.name, run.name], reverse=True)


def test_disk_tells_each_run_and_the_sums(run: Path) -> None:
    (run / rundir.BEST).write_bytes(os.urandom(3_000_000))
    values = json.loads(runs(run, "disk", "--json").output)
    assert values["runs"][run.name]["network"] >= 3_000_000
    assert values["totals"]["runs"] == values["runs"][run.name]["bytes"]
    lines = runs(run, "disk").output.splitlines()
    assert lines[1].split()[:5] == [run.name, "3", "MB", "3", "MB"]
    assert [line.split()[0] for line in lines[2:]] == ["all", "trash", "free", "states"]
    assert lines[-1].split() == ["states", "to", "branch", "from", "0", "kB", "of", "10.0", "GB", "(DHC_STATES_GB)"]
    assert values["states"] == {"used": 0, "limit": 10_000_000_000, "problem": ""}


@pytest.mark.slow
def test_kill_ends_a_real_training(forked: None, tmp_path: Path, tiny_data: Path) -> None:
    runs_dir = tmp_path / "runs"
    config = preset_config("knn").with_values({"data.path": str(tiny_data)})
    run_id = launch.launch(config, runs_dir)
    until = time.monotonic() + 120
    while "child" not in (process := rundir.read_json(runs_dir / run_id / rundir.PROCESS) or {}):
        assert time.monotonic() < until
        time.sleep(0.01)
    os.kill(process["child"]["pid"], signal.SIGSTOP)  # so that it does not end before
    assert "was killed" in runs(runs_dir / run_id, "kill", run_id).output
    while Store(runs_dir).run(run_id).state.alive:
        assert time.monotonic() < until
        time.sleep(0.05)
    assert Store(runs_dir).run(run_id).state == "killed"


def test_the_process_ends_with_status_2_and_one_sentence(run: Path) -> None:
    command = [sys.executable, "-m", "dhc", "runs", "kill", run.name, "--runs", str(run.parent)]
    process = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert process.returncode == 2
    assert process.stderr == f"error: run {run.name} is finished: there is no process to kill\n"
