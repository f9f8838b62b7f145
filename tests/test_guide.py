"""The guides of the tuning tools: docs/tuning.md, the panels that open a section of it, the commands that name one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from docs_pages import DOCS, commands
from streamlit.testing.v1 import AppTest

from dhc.cli import cli
from dhc.ui.shell import guide

PANELS = Path(__file__).parents[1] / "dhc" / "ui"
PARTS = ("**What it shows.**", "**How to read it.**", "**What it does not say.**", "**Source")
OPENED = re.compile(r'guide\.draw\("([^"]+)"\)|"\w+": "([a-z]+(?:-[a-z]+)+)"')  # by a call, or in the table of panels
WITHOUT_COMMAND = {"what-it-looked-at"}  # a terminal shows no maps
POPOVER = "from dhc.ui.shell import guide\nguide.draw('how-sure')"


def named_by_commands() -> set[str]:
    epilogs = [command.epilog or "" for _, command in commands("dhc", cli)]
    return {anchor for text in epilogs for anchor in re.findall(r"docs/tuning\.md#(\S+)", text)}


def opened_by_panels() -> set[str]:
    sources = [path.read_text(encoding="utf-8") for path in PANELS.rglob("*.py")]
    users = [text for text in sources if re.search(r"import .*\bguide\b", text)]
    return {first or second for text in users for first, second in OPENED.findall(text)}


def test_every_guide_says_what_it_shows_and_what_not_and_who_says_so() -> None:
    headings = re.findall(r"^## (.+)", (DOCS / "tuning.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert [text.splitlines()[0] for text in guide.sections().values()] == [f"##### {name}" for name in headings]
    for anchor, text in guide.sections().items():
        places = [text.find(part) for part in PARTS]
        assert places == sorted(places), anchor
        assert -1 not in places, anchor
        targets = re.findall(r"\]\(([^)]+)\)", text)
        assert all(target.startswith("https://") for target in targets), "a popover has no pages beside it"
        assert targets, anchor


def test_each_guide_has_its_panel_and_its_command() -> None:
    assert opened_by_panels() == set(guide.sections())
    assert named_by_commands() == set(guide.sections()) - WITHOUT_COMMAND


@pytest.mark.pages
def test_a_panel_opens_its_guide_and_an_app_without_docs_has_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    at = AppTest.from_string(POPOVER, default_timeout=30)
    at.session_state["dhc_guide_how-sure"] = True
    at.run()
    assert "a temperature changes no answer" in at.markdown[0].value
    monkeypatch.setattr(guide, "PAGE", tmp_path / "tuning.md")
    guide.sections.cache_clear()
    assert not AppTest.from_string(POPOVER, default_timeout=30).run().get("popover")
    guide.sections.cache_clear()
