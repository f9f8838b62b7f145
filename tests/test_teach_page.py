"""The Teach screen and a class as a pupil attends it, run without a browser."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from screens import address, open_page, page_links, texts

from dhc.files import gate
from dhc.teaching import letterbox
from dhc.teaching.catalogue import COURSE, LESSONS
from dhc.teaching.classrooms import Classroom, add, read_classrooms
from dhc.teaching.handout import handout, marked
from dhc.teaching.words import LANGUAGES
from dhc.ui.teach import answers, before

pytestmark = pytest.mark.pages


@pytest.fixture
def runs(tmp_path: Path, eight_classes: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DHC_RUNS_DIR", str(tmp_path))
    monkeypatch.setenv("DHC_DATA_DIR", str(eight_classes.parent))
    return tmp_path


@pytest.fixture
def code(runs: Path) -> str:
    return add(runs, Classroom(title="7b *bold*", lessons=("convolution",), language="ro"))


def test_a_class_is_made_deleted_and_brought_back(runs: Path) -> None:
    at = open_page("teach")
    at.text_input(key="dhc_teach_new_title").set_value("7b").run()
    at.multiselect(key="dhc_teach_new_lessons").set_value(["convolution"]).run()
    at.button(key="dhc_teach_new_save").click().run()
    ((made, room),) = read_classrooms(runs).items()
    assert (room.title, room.lessons) == ("7b", ("convolution",))
    assert address(at, "class") == made
    assert at.metric[0].value == made
    at.button(key="dhc_teach_delete").click().run()
    assert not read_classrooms(runs)
    at.button(key="dhc_teach_undo").click()
    del at.session_state["dhc_teach_deleted"]
    at.run()
    assert not at.toast, "the second half of a double click"
    assert not read_classrooms(runs)
    at.session_state["dhc_teach_deleted"] = (made, room)
    at.run()
    at.button(key="dhc_teach_undo").click().run()
    assert read_classrooms(runs) == {made: room}
    assert not at.exception


def test_classes_that_cannot_be_read_are_not_said_to_be_none(runs: Path) -> None:
    (runs / "classes.json").write_text("{", encoding="utf-8")
    at = open_page("teach")
    assert "cannot be read" in at.error[0].value
    assert "no class yet" not in texts(at)


def test_the_form_holds_the_class_where_it_is_opened_after_the_page_ran_again(runs: Path, code: str) -> None:
    at = open_page("teach", **{"class": code, "lang": "en"}).run()
    lessons = at.multiselect(key=f"dhc_teach_{code}_lessons")
    assert [lessons.options[place] for place in lessons.proto.default] == ["Convoluția"]
    assert at.text_input(key=f"dhc_teach_{code}_title").proto.default == "7b *bold*"
    at.button(key=f"dhc_teach_{code}_save").click().run()
    assert read_classrooms(runs)[code] == Classroom(title="7b *bold*", lessons=("convolution",), language="ro")
    assert not at.exception


def test_a_class_without_a_name_is_refused_with_a_sentence(runs: Path) -> None:
    at = open_page("teach")
    at.button(key="dhc_teach_new_save").click().run()
    assert "class needs a name" in at.toast[0].value
    assert not read_classrooms(runs)


def test_answers_are_shown_by_question_and_counted_anew(runs: Path, code: str) -> None:
    at = open_page("teach", **{"class": code})
    assert at.button(key="dhc_teach_renew").disabled
    letterbox.open_box(runs)
    for answer in (17.0, 17.0):
        letterbox.post(code, "convolution", answer)
    at.run()
    letterbox.post(code, "convolution", 3.5)
    at.run()
    assert re.search("answers: 3, 67% right", texts(at))
    assert "3,5: **1**" in texts(at), "numbers as the class's language writes them"
    letterbox.post(code, "convolution", 4.5)  # while the page is looked at
    letterbox.close_box()
    at.button(key="dhc_teach_renew").click().run()
    assert "No answer yet" in texts(at)
    at.button(key="dhc_teach_recount").click().run()
    assert "answers: 4" in texts(at)


def test_a_pupils_first_answer_is_counted_in_a_read_only_view_alone(
    runs: Path, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = open_page("lessons", **{"class": code, "lesson": "convolution"})
    assert address(at, "class") == code
    letterbox.open_box(runs)
    at.text_input(key="dhc_answer_convolution").set_value("3").run()
    assert letterbox.length(runs) == 0
    monkeypatch.setattr(gate, "is_shut", lambda: True)
    at.text_input(key="dhc_answer_convolution").set_value("17").run()
    at.text_input(key="dhc_answer_convolution").set_value("18").run()
    letterbox.close_box()
    assert letterbox.counts(runs, code, read_classrooms(runs)[code]) == {"convolution": {17.0: 1}}
    links = page_links(at)
    assert all(f"class={code}" in query for label, query in links.items() if label == "Lessons")


def test_a_code_opens_its_lessons_and_a_wrong_one_says_so(
    runs: Path, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "is_shut", lambda: True)
    at = open_page("lessons")
    at.text_input(key="dhc_class_code").set_value("AAAAAA").run()
    assert "no class with this code" in texts(at)
    at.text_input(key="dhc_class_code").set_value(code[:3].lower() + " " + code[3:]).run()
    assert address(at, "class") == code
    assert "7b *bold*" in texts(at)
    at = open_page("teach", **{"class": code})
    assert "full dashboard" in texts(at)
    assert not at.metric


def test_a_full_letter_box_is_said_and_emptied(runs: Path, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(letterbox, "LIMIT", 0)
    letterbox.open_box(runs)
    letterbox.close_box()
    (runs / letterbox.FILE).write_bytes(b"x\n")
    monkeypatch.setattr(letterbox, "LINE", 0)
    at = open_page("teach", **{"class": code})
    assert "letter box for answers is full" in texts(at)
    at.button(key="dhc_teach_empty").click().run()
    assert not at.exception
    assert "letter box" not in texts(at)
    monkeypatch.setattr(answers, "ROOM", 1 << 60)  # as if the disk had no room
    at = open_page("teach", **{"class": code})
    assert "Those counted stay" in texts(at)


def test_an_answer_that_is_not_taken_is_said_and_sent_again(
    runs: Path, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "is_shut", lambda: True)
    at = open_page("lessons", **{"class": code, "lesson": "convolution", "lang": "en"})
    at.text_input(key="dhc_answer_convolution").set_value("3").run()
    assert "could not be counted" in texts(at)
    letterbox.open_box(runs)
    at.text_input(key="dhc_answer_convolution").set_value("17").run()
    assert "has been counted" in texts(at)
    assert letterbox.counts(runs, code, read_classrooms(runs)[code]) == {"convolution": {3.0: 1}}, "the first one"
    at = open_page("lessons", **{"class": code, "lesson": "stride", "lang": "en"})
    at.text_input(key="dhc_answer_stride").set_value("31").run()
    letterbox.close_box()
    assert "counted" not in texts(at), "a lesson that is not the class's"


@pytest.mark.parametrize("language", LANGUAGES)
def test_papers_hold_each_lesson_and_no_answer_where_none_belongs(language: str) -> None:
    paper = handout(COURSE, language, "hand_out", "<b>7b</b>").decode()
    assert "<b>7b" not in paper
    assert "{" not in re.sub(r"<style>.*?</style>", "", paper, flags=re.DOTALL)
    assert paper.count("<section>") == len(COURSE)
    lesson = [LESSONS["convolution"]]
    questions, answers = (handout(lesson, language, kind).decode() for kind in ("questions", "questions_answers"))
    assert "17" not in re.sub(r"<style>.*?</style>", "", questions, flags=re.DOTALL)
    assert "<p>17</p>" in answers


def test_marked_escapes_what_is_no_markup_of_ours() -> None:
    assert marked("a **b** <i>c</i>\n\nd `e` [f](http://x)") == (
        "<p>a <strong>b</strong> &lt;i&gt;c&lt;/i&gt;</p><p>d <code>e</code> f</p>"
    )


def test_what_the_lessons_look_at_is_queued_before_the_class(
    runs: Path, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[object, object]] = []
    monkeypatch.setattr(before, "launch", lambda config, _, search: asked.append((config, search)))
    monkeypatch.setattr(before, "launch_all", lambda many, _: asked.extend((config, None) for config in many))
    monkeypatch.setitem(LESSONS, "convolution", replace(LESSONS["convolution"], needs=tuple(before.NEEDS)))
    at = open_page("teach", **{"class": code})
    at.button(key="dhc_teach_before").click().run()
    assert not at.exception
    searches = [search for _, search in asked if search is not None]
    rates = [config.optimizer.learning_rate for config, search in asked if search is None]  # type: ignore[attr-defined]
    assert len(searches) == 1
    assert len(rates) == 6, "a first run, two repeats, one at ten times the rate, one on shuffled labels and its twin"
    assert max(rates) == pytest.approx(10 * min(rates))


def test_what_another_tab_has_queued_is_not_queued_again(
    runs: Path, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dhc.jobs.launch.start_worker", lambda *_: None)
    monkeypatch.setitem(LESSONS, "convolution", replace(LESSONS["convolution"], needs=tuple(before.NEEDS)))
    one, other = (open_page("teach", **{"class": code}) for _ in range(2))
    one.button(key="dhc_teach_before").click().run()
    queued = sorted(path.name for path in runs.iterdir() if path.is_dir())
    assert len(queued) == 7
    other.button(key="dhc_teach_before").click().run()
    assert "queued already" in other.toast[0].value
    assert sorted(path.name for path in runs.iterdir() if path.is_dir()) == queued
    assert "All that these lessons need" not in texts(one), "it is on its way"
