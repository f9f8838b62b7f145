"""The story of the report: each rung has its words and numbers in both languages, and its screen tells what was measured here."""

from __future__ import annotations

from pathlib import Path

import pytest
from make_run import make_run
from screens import address, open_page, page_links, sent, texts

from dhc.files import gate
from dhc.jobs import launch
from dhc.models.ladder import RUNGS
from dhc.runs.status import State
from dhc.runs.store import Store
from dhc.teaching.facts import story
from dhc.teaching.words import LANGUAGES, labels

NAMES = list(RUNGS)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("rung", NAMES)
def test_every_rung_is_told_with_numbers_that_are_computed(rung: str, language: str) -> None:
    said = labels(language, f"story-{rung}")
    assert list(said.texts) == ["title", "changed", "expected", "report"]
    told = [said(name, **story.values(rung)) for name in said.texts]
    assert "{" not in "".join(told)


def test_the_numbers_are_those_of_the_report() -> None:
    said = labels("ro", "story-vgg16")
    assert said("report", **story.values("vgg16")).startswith(
        "0,888 pe imaginile de test și 0,89 pe validare, în 250 de epoci"
    )
    assert story.values("cnn3")["filters"] == "16, 32, 64"
    assert story.values("cnn3")["hidden"] == "3000, 1000"
    assert story.values("cnn5")["reported_gain"] == pytest.approx(0.12)
    assert story.values("vgg16")["parameters"] == 35_514_947
    assert story.values("knn")["chance"] == pytest.approx(1 / 96)


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_data: Path) -> Path:
    """Runs of two rungs; what is started stays in the queue."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "tiny").symlink_to(tiny_data)
    monkeypatch.setenv("DHC_RUNS_DIR", str(tmp_path / "runs"))
    monkeypatch.setenv("DHC_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setattr(launch, "start_worker", lambda runs_dir, device: None)
    for number, (rung, right) in enumerate({"cnn3": 4, "cnn3-dropout": 6}.items()):
        run_id = f"20260101-00000{number}-{rung}-000a"
        make_run(
            tmp_path / "runs",
            tmp_path / "data" / "tiny",
            run_id=run_id,
            settings=dict(RUNGS[rung].marks),
            accuracy=right / 9,
        )
    return tmp_path / "runs"


@pytest.mark.pages
def test_the_screen_tells_what_was_measured_here_and_builds_the_ladder_up(runs: Path) -> None:
    at = open_page("story", rung="cnn3-dropout")
    assert not at.exception
    assert "val_accuracy 0.667, 6 of 6 epochs" in texts(at)
    assert "+0.222 against the step before." in texts(at)
    (rail,) = sent(at, "course")
    assert rail["place"] == f"Step 4 of {len(RUNGS)}"
    assert rail["previous"]["href"].startswith("story?rung=cnn3&")
    assert rail["next"]["href"] == "story?rung=cnn5&lang=en"
    assert "run=20260101-000001-cnn3-dropout-000a" in page_links(at)["Live"]
    assert (
        '"customdata":["","","20260101-000000-cnn3-000a","20260101-000001-cnn3-dropout-000a"]'
        in sent(at, "plot")[0]["figure"]
    )


@pytest.mark.pages
def test_a_missing_rung_is_offered_with_its_time_and_is_told_in_romanian(runs: Path) -> None:
    at = open_page("story", rung="cnn5", lang="ro")
    assert not at.exception
    assert "Nimeni nu a rulat-o încă" in texts(at)
    (button,) = [button for button in at.button if button.key == "dhc_story_run"]
    assert button.label.startswith("Rulează această treaptă (circa ")
    button.click().run()
    (queued,) = [info for info in Store(runs).runs() if info.state is State.QUEUED]
    assert queued.config is not None
    assert queued.config.model.name == "cnn5"
    assert not [button for button in at.button if button.key == "dhc_story_run"]


@pytest.mark.pages
def test_in_a_read_only_view_nothing_is_started_and_without_pictures_the_report_is_told_all_the_same(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "is_shut", lambda: True)
    at = open_page("story", rung="cnn5")
    assert not at.exception
    assert "The full dashboard can run it." in texts(at)
    monkeypatch.setenv("DHC_RUNS_DIR", str(tmp_path / "none"))
    monkeypatch.setenv("DHC_DATA_DIR", str(tmp_path / "none"))
    at = open_page("story", rung="<script>")
    assert not at.exception
    assert "It needs pictures" in texts(at)
    assert address(at, "rung") is None
