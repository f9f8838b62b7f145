"""Links to lessons: what the catalogue names exists, each lesson is reached from somewhere, and each link is drawn where it belongs."""

from __future__ import annotations

from pathlib import Path

import pytest
from chart_names import chart_names
from screens import ROOT, open_page, sent

from dhc.analysis import coach
from dhc.config import fields
from dhc.teaching.catalogue import COURSE, LESSONS
from dhc.teaching.words import LANGUAGES, labels, words
from dhc.ui.shell import glossary
from dhc.ui.widgets import learn

FROM_THE_COURSE_ALONE: set[str] = set()  # lessons on what no screen shows


def test_what_leads_to_a_lesson_exists() -> None:
    rules = coach.read_rules(coach.RULES.read_text(encoding="utf-8"))
    there = {
        "settings": {field.name for field in fields()},
        "terms": {term.name for term in glossary.terms()},
        "marks": {rule.id for rule in rules},
        "charts": chart_names(),
    }
    wrong = {
        (lesson.name, kind, name)
        for lesson in COURSE
        for kind, names in there.items()
        for name in getattr(lesson, kind)
        if name not in names
    }
    assert wrong == set()


def test_the_charts_names_are_read_from_the_source() -> None:
    names = chart_names()
    assert {"accuracy", "loss", "rate", "planned_rates", "dhc_confusion_matrix", "rate-search"} <= names
    assert names >= {"layers", "dhc_settings_factor", "dhc-replay"}
    assert not any("{" in name for name in names)


def test_every_lesson_is_reached_from_some_place_besides_the_course() -> None:
    lonely = {one.name for one in COURSE if not (one.settings or one.terms or one.marks or one.charts)}
    assert lonely == FROM_THE_COURSE_ALONE


def test_each_lesson_says_in_a_line_what_it_shows() -> None:
    for language in LANGUAGES:
        assert set(labels(language, "lines").texts) >= set(LESSONS)


def test_a_link_says_what_it_leads_to_and_many_are_listed() -> None:
    title = words("en", "schedules").title
    assert learn.of_setting("schedule.patience") == f"Lesson: [{title}](lessons?lesson=schedules)"
    assert learn.of_setting("optimizer.learning_rate").startswith("Lessons: [")
    assert learn.of_setting("optimizer.learning_rate").count("](lessons?lesson=") >= 2
    assert learn.of_setting("data.path") == learn.of_term("wall") == learn.of_mark("nothing") == ""
    assert learn.of_chart("rate-search-20260102-000000-vgg16-0002") == learn.of_chart("rate-search") != []
    assert learn.of_chart("rate-search-others") == []


@pytest.mark.pages
def test_the_form_the_coach_and_the_charts_link_to_lessons(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DHC_RUNS_DIR", str(ROOT / "runs"))
    monkeypatch.setenv("DHC_DATA_DIR", str(tmp_path))
    marked = "20261124-042501-vgg16-747c"  # an example whose learning rate fell
    at = open_page("live", run=marked)
    charts = sent(at, "plot")
    assert [lesson for chart in charts if chart["name"].startswith("accuracy") for lesson in chart["lessons"]] == [
        [words("en", "overfitting").title, "lessons?lesson=overfitting"]
    ]
    said = [str(element.value) for element in at.markdown if "badge[" in str(element.value)]
    assert any(learn.of_mark("rate-drops") in text for text in said)
    form = open_page("train")
    patience = next(box for box in form.number_input if box.label.startswith("Patience"))
    assert patience.help.endswith(learn.of_setting("schedule.patience"))
