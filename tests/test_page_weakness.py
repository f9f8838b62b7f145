"""The panel *Weak spots* and its command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from make_run import make_run
from screens import open_page, page_links, texts
from streamlit.testing.v1 import AppTest

from dhc.cli import cli

pytestmark = pytest.mark.pages

IDS = [f"20260101-00000{n}-vgg16-000a" for n in range(2)]
PANEL = (
    "from dhc.ui.shell import session\nfrom dhc.ui.runs.compare import weakness\nweakness.draw(session.store().runs())"
)


@pytest.fixture
def runs(tmp_path: Path, eight_classes: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two runs that are nearly as good."""
    for number in range(2):
        make_run(tmp_path, eight_classes, run_id=IDS[number], epochs=2, accuracy=0.7 + number / 100, seed=number)
    monkeypatch.setenv("DHC_RUNS_DIR", str(tmp_path))
    return tmp_path


def open_panel(code: str = PANEL) -> AppTest:
    at = AppTest.from_string(code, default_timeout=30).run()
    assert not at.exception
    return at


def test_each_pair_says_its_share_and_val_is_too_small_to_tell_equals_apart(runs: Path) -> None:
    said = texts(open_panel())
    assert said.count("of all mistakes (") == 5
    assert "Val is too small to tell" in said.replace("**", "")


def test_the_pictures_of_a_pair_are_a_click_away(runs: Path) -> None:
    at = open_page("runs", select=",".join(IDS), panel="weakness")
    assert not at.exception
    assert "cell=" in page_links(at)["Their pictures"]


def test_without_answers_it_says_so(runs: Path) -> None:
    for run_id in IDS:
        (runs / run_id / "predictions.npz").unlink()
    assert "None of the selected runs has answers yet" in texts(open_panel())


def test_the_command_says_the_same_as_text_and_json(runs: Path) -> None:
    words = ["weakness", IDS[0], "--versus", IDS[1], "--runs", str(runs)]
    text = CliRunner().invoke(cli, words).output
    result = json.loads(CliRunner().invoke(cli, [*words, "--json"]).output)
    assert sum(pair["share"] for pair in result["pairs"]) <= 1
    for pair in result["pairs"]:
        assert f"{pair['first']} and {pair['second']} share" in text
    assert result["versus"]["pictures"] > 0
    assert "Val is too small to tell it from" in text
