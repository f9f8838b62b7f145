"""The panel *Read it*, which reads a sweep, and its command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from make_run import make_run
from screens import sent, texts
from streamlit.testing.v1 import AppTest

from dhc.cli import cli
from dhc.runs import rundir
from dhc.runs.contract import Request
from dhc.runs.store import Store

pytestmark = pytest.mark.pages

PANEL = (
    "from dhc.ui.shell import session\nfrom dhc.ui.runs.compare import reading\nreading.draw(session.store().runs())"
)
FACTORS = (0.3, 0.5, 0.7)


@pytest.fixture
def runs(tmp_path: Path, tiny_data: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A grid of factor and dropout, whose best factor is the largest, drawn by name; and a run that failed."""
    folder, number = tmp_path / "runs", 0
    for factor in FACTORS:
        for dropout in (0.1, 0.2):
            settings = {"schedule.factor": factor, "model.conv_dropout": dropout}
            how = {"epochs": 2, "accuracy": round(9 * (factor + dropout / 5)) / 9, "settings": settings}
            run = make_run(folder, tiny_data, run_id=f"20260101-00000{number}-vgg16-000a", **how)  # type: ignore[arg-type]
            Request.change(run, group="two", design="random")
            number += 1
    broken = make_run(
        folder,
        tiny_data,
        run_id="20260101-000009-vgg16-000a",
        epochs=1,
        how="failed",
        settings={"schedule.factor": 0.8},
    )
    (broken / rundir.PREDICTIONS).unlink()
    monkeypatch.setenv("DHC_RUNS_DIR", str(folder))
    monkeypatch.setenv("DHC_DATA_DIR", str(tiny_data.parent))
    return folder


def open_panel() -> AppTest:
    at = AppTest.from_string(PANEL, default_timeout=30).run()
    assert not at.exception
    return at


def test_an_edge_is_said_and_widened_at_a_click(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dhc.jobs.launch.start_worker", lambda *_: None)
    at = open_panel()
    assert "lies at the edge of what was tried (0.3 to 0.7)" in texts(at)
    button = next(button for button in at.button if "widen" in button.key)
    before = len(Store(runs).runs())
    button.click().run()
    assert len(Store(runs).runs()) > before


def test_failed_runs_are_crosses_and_what_more_runs_are_worth_is_said(runs: Path) -> None:
    at = open_panel()
    isolation, pairs, tuning = (json.loads(chart["figure"])["data"] for chart in sent(at, "plot"))
    assert [trace["uid"] for trace in isolation] == ["best", "failed"]
    assert pairs[0]["type"] == "heatmap"
    assert {trace["uid"] for trace in tuning} >= {"band", "expected"}
    assert "drawn runs like these the best is expected at" in texts(at)
    assert "so far 6 have" in texts(at)


def test_of_a_grid_it_is_said_why_nobody_knows(runs: Path) -> None:
    for info in Store(runs).runs():
        Request.change(info.folder, design="grid")
    assert "Of a grid, or of runs chosen by hand" in texts(open_panel())


def test_of_few_drawn_runs_it_is_said_how_many_it_takes(runs: Path) -> None:
    for info in Store(runs).runs()[4:]:
        Request.change(info.folder, design="grid")
    assert "shows once 5 runs with drawn settings have finished; so far" in texts(open_panel())


def test_the_command_says_the_same_as_text_and_json(runs: Path) -> None:
    words = ["read-sweep", "two", "--runs", str(runs)]
    result = json.loads(CliRunner().invoke(cli, [*words, "--json"]).output)
    assert len(result["runs"]) == 6
    (factor,) = [one for one in result["settings"] if one["name"] == "schedule.factor"]
    assert [one["value"] for one in factor["best"]] == list(FACTORS)
    assert factor["edge"]["value"] == 0.7
    text = CliRunner().invoke(cli, words).output
    assert "it lies at the edge of what was tried; try 0.9" in text
    assert "Another 10 are worth" in text
    assert "shows once 50 runs with different settings have finished; so far 6 have" in text
    assert result["importance"]["shares"] == {}
    assert result["importance"]["problem"] in text
    missing = CliRunner().invoke(cli, ["read-sweep", "three", "--runs", str(runs)])
    assert "there is no group and no run 'three'" in str(missing.exception)
