"""The panel *How sure?* and its command."""

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

pytestmark = pytest.mark.pages

IDS = [f"20260101-00000{n}-vgg16-000a" for n in range(3)]
PANEL = (
    "from dhc.ui.shell import session\nfrom dhc.ui.runs.compare import sureness\nsureness.draw(session.store().runs())"
)


@pytest.fixture
def runs(tmp_path: Path, eight_classes: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two runs with answers, one of them with label smoothing, and one whose answers were deleted."""
    for number, smoothing in enumerate((0.0, 0.1, 0.0)):
        settings = {"fit.label_smoothing": smoothing}
        make_run(tmp_path, eight_classes, run_id=IDS[number], epochs=2, settings=settings, accuracy=0.5 + number / 10)
    (tmp_path / IDS[2] / rundir.PREDICTIONS).unlink()
    monkeypatch.setenv("DHC_RUNS_DIR", str(tmp_path))
    return tmp_path


def open_panel() -> AppTest:
    at = AppTest.from_string(PANEL, default_timeout=30).run()
    assert not at.exception
    return at


def test_two_runs_stand_in_one_figure_and_what_smoothing_did_is_said(runs: Path) -> None:
    at = open_panel()
    reliability, coverage = (json.loads(chart["figure"]) for chart in sent(at, "plot"))
    assert [trace["type"] for trace in reliability["data"]] == ["scatter", *["scatter", "bar"] * 2]
    assert {trace["uid"] for trace in coverage["data"]} == {*IDS[:2], "threshold"}
    table = at.dataframe[0].value
    assert len(table) == 2
    assert "2 of the 3 selected runs" in texts(at)
    assert "trained with label smoothing 0.1: it was taught to be 91% sure at most" in texts(at)


def test_a_threshold_says_what_it_holds_back(runs: Path) -> None:
    at = open_panel()
    assert "then answers 100% of the pictures" in texts(at)
    at.slider(key="dhc_sureness_threshold").set_value(100).run()
    assert ": 0 mistakes held back" not in texts(at)


def test_without_answers_it_says_so(runs: Path) -> None:
    (runs / IDS[0] / rundir.PREDICTIONS).unlink()
    of_some = PANEL.replace("runs())", f"runs(), {{{IDS[0]!r}, {IDS[2]!r}}})").replace("draw(", "draw(some(", 1)
    at = AppTest.from_string(f"def some(runs, ids): return [run for run in runs if run.id in ids]\n{of_some})").run()
    assert "None of the selected runs has answers yet" in texts(at)
    next(button for button in at.button if button.label == "Select the best run").click().run()
    assert at.query_params["select"] == IDS[1]


def test_the_command_prints_the_same_figures_as_text_and_json(runs: Path) -> None:
    words = ["sureness", IDS[0], IDS[1], "--runs", str(runs), "--threshold", "0.5"]
    text = CliRunner().invoke(cli, words)
    rows = json.loads(CliRunner().invoke(cli, [*words, "--json"]).output)
    assert [row["id"] for row in rows] == IDS[:2]
    for row in rows:
        assert f"ECE {row['ece']:.3f}" in text.output
        assert sum(one["count"] for one in row["bins"]) == row["pictures"]
    assert "from confidence 0.5 on" in text.output
    assert "is no number from 0 to 1" in CliRunner().invoke(cli, [*words[:-1], "2"]).output
