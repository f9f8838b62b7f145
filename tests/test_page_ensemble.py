"""The panel *Together*: what two runs or more answer together, its pictures, its suggestion, and what stands in the address."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from make_run import make_run
from screens import address, click, open_page, page_links, sent, texts
from streamlit.testing.v1 import AppTest

from dhc.analysis import selection
from dhc.analysis.ensemble import SharedAnswers, combine, line_up
from dhc.analysis.significance import verdict
from dhc.runs import rundir
from dhc.runs.predictions import read_predictions
from dhc.ui.runs.compare.ensemble_pictures import groups

pytestmark = pytest.mark.pages

IDS = [f"20260101-00000{n}-vgg16-000a" for n in range(4)]
FEW = "20260101-000009-vgg16-000a"  # judged on two of the classes
CODE = (
    "from dhc.ui.shell import session\nfrom dhc.ui.runs.compare import ensemble\nensemble.draw(session.store().runs())"
)


@pytest.fixture(scope="module")
def all_runs(tmp_path_factory: pytest.TempPathFactory, eight_classes: Path) -> Path:
    """Four runs from the best down, the last one a branch of the first; and one on other pictures."""
    runs = tmp_path_factory.mktemp("runs")
    for number, run_id in enumerate(IDS):
        settings = {"fit.seed": number}
        make_run(
            runs, eight_classes, run_id=run_id, epochs=2, accuracy=0.7 - number / 50, seed=number, settings=settings
        )
    make_run(runs, eight_classes, run_id=FEW, epochs=2, accuracy=0.99, seed=8, settings={"data.classes": 2})
    branch = {"run": IDS[0], "epoch": 1, "schedule": "continue"}
    rundir.write_json(runs / IDS[3] / rundir.COURSE, {"branches": [branch]})
    return runs


@pytest.fixture
def runs(all_runs: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DHC_RUNS_DIR", str(all_runs))
    return all_runs


@pytest.fixture
def answers(runs: Path) -> SharedAnswers:
    return line_up({run_id: read_predictions(runs / run_id) for run_id in IDS})


def panel(**asked: str) -> AppTest:
    """An app with nothing but the panel, of all runs, opened at that address."""
    at = AppTest.from_string(CODE, default_timeout=30)
    for name, value in asked.items():
        at.query_params[name] = value
    at.run()
    assert not at.exception
    assert not at.error, [error.value for error in at.error]
    return at


def files(at: AppTest) -> list[str]:
    return [tile["tooltip"].split(":")[0] for grid in sent(at, "gallery") for tile in grid["tiles"]]


def test_its_figures_are_those_of_the_runs_and_strangers_and_kin_are_named(answers: SharedAnswers) -> None:
    at = panel()
    together = combine(answers)
    assert {metric.label: metric.value for metric in at.metric}["Together"] == f"{together.accuracy:.3f}"
    said = texts(at)
    assert verdict(together.table, together.p) in said
    assert "Left out, judged on other val pictures or classes:" in said
    assert "D goes on from A: they share epochs" in said
    path = selection.greedy(answers)
    assert selection.suggestion_text(path, len(answers.ids)) in said
    assert selection.choice_text(selection.judge_choice(answers)) in said
    assert "and those of A, B, C, D are not here." in said
    bars = json.loads(sent(at, "plot")[0]["figure"])["data"]
    assert sum(sum(bar["y"]) for bar in bars) == len(answers.ids)


def test_a_bar_opens_its_pictures_and_one_of_them_what_each_member_said(answers: SharedAnswers) -> None:
    at = panel()
    counts = answers.right.sum(axis=0)
    number = int(np.bincount(counts).argmax())
    click(at, "dhc_ensemble_bars", {"customdata": number})
    assert address(at, "ensemble_show") == str(number)
    shown = files(at)
    assert 0 < len(shown) <= 30
    assert set(shown) <= set(answers.ids[counts == number])
    click(at, "dhc_ensemble_grid", 0)
    place = int(address(at, "ensemble_picture") or -1)
    assert answers.ids[place] == shown[0]
    said = texts(at)
    assert all(f"**{letter}** " in said for letter in "ABCD")
    assert said.count(":green[:material/check_circle: recognised]") in (number, number + 1)


def test_members_and_group_stand_in_the_address_and_the_suggestion_is_taken_at_a_click(answers: SharedAnswers) -> None:
    two = answers.of(IDS[1:3])
    at = panel(ensemble=f"{IDS[2]},{IDS[1]},nonsense", ensemble_show="broken")
    assert at.metric[0].value == f"{combine(two).accuracy:.3f}"
    assert "Not selected, or not there, so no members: nonsense." in texts(at)
    broken = groups(two, combine(two))["broken"]
    assert set(files(at)) == set(two.ids[broken])
    best = [IDS[place] for place in selection.suggested(selection.greedy(answers))]
    at.button(key="dhc_ensemble_take").click().run()
    assert not at.exception
    assert address(at, "ensemble") == (None if len(best) == len(IDS) else ",".join(best))
    assert at.metric[0].value == f"{combine(answers.of(best)).accuracy:.3f}"
    at.button_group(key="dhc_ensemble_members").set_value([IDS[0]]).run()
    assert "Choose a second member" in texts(at)


def test_a_clicked_pair_leads_to_its_flip_board(runs: Path) -> None:
    at = open_page("runs", select=",".join(IDS), panel="ensemble", ensemble_pair="0,2", ensemble_measure="kappa")
    assert not at.exception
    assert "**A** and **C** give the same answer to" in texts(at)
    way = page_links(at)["Open their flip board"]
    assert f"pair_a={IDS[0]}" in way
    assert f"pair_b={IDS[2]}" in way


def test_a_run_that_cannot_be_read_is_left_out_and_two_are_needed(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for run_id in IDS[:3]:
        (tmp_path / run_id).symlink_to(runs / run_id)
    torn = tmp_path / IDS[3]
    torn.mkdir()
    for file in (runs / IDS[3]).iterdir():
        (torn / file.name).write_bytes(file.read_bytes()[: None if file.name != rundir.PREDICTIONS else 100])
    monkeypatch.setenv("DHC_RUNS_DIR", str(tmp_path))
    said = texts(panel())
    assert f"Left out: {IDS[3]}, because predictions.npz" in said
    for run_id in IDS[1:3]:
        (tmp_path / run_id).unlink()
    assert "Two runs with answers to the same val pictures are needed" in texts(panel())
