"""The Lessons screen as a course, without a browser: its contents, the line from lesson to lesson, the answer, hostile addresses."""

from __future__ import annotations

from pathlib import Path

import pytest
from screens import address, open_page, page_links, sent, texts

from dhc.teaching.catalogue import COURSE, LESSONS
from dhc.teaching.words import common, words
from dhc.ui.lessons import course

pytestmark = pytest.mark.pages


@pytest.fixture(autouse=True)
def empty_house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RUNS", "DATA"):
        monkeypatch.setenv(f"DHC_{name}_DIR", str(tmp_path))


def test_the_contents_name_every_lesson_in_order_and_the_ways_beside_them() -> None:
    at = open_page("lessons", lang="ro")
    assert not at.exception
    (contents,) = sent(at, "course")
    *groups, tours = contents["groups"]
    cards = [card for group in groups for card in group["lessons"]]
    assert [card["name"] for card in cards] == contents["course"] == list(LESSONS)
    assert [card["number"] for card in cards] == [str(place) for place in range(1, len(COURSE) + 1)]
    assert set(course.ICONS) == set(LESSONS)
    assert cards[0]["href"] == f"lessons?lesson={COURSE[0].name}&lang=ro"
    assert {card["name"] for card in tours["lessons"]} >= {"story", "teach"}
    assert contents["words"]["go_on"] == "Continuă cu: {title}"
    assert contents["lang"] == "ro"


def test_a_lesson_says_where_it_stands_and_leads_on_in_its_language() -> None:
    at = open_page("lessons", lesson="softmax", lang="ro")
    assert not at.exception
    (rail,) = sent(at, "course")
    place = list(LESSONS).index("softmax")
    before, after = COURSE[place - 1], COURSE[place + 1]
    assert rail["place"] == common("ro", "place", number=place + 1, count=len(COURSE))
    assert rail["previous"] == {
        "href": f"lessons?lesson={before.name}&lang=ro",
        "title": words("ro", before.name).title,
    }
    assert rail["next"]["href"] == f"lessons?lesson={after.name}&lang=ro"
    assert f"lesson={after.name}" in page_links(at)[common("ro", "next", title=words("ro", after.name).title)]
    assert rail["contents"] == "lessons?lesson=&lang=ro"


def test_only_a_right_answer_makes_a_lesson_done() -> None:
    at = open_page("lessons", lesson="convolution")
    box = at.text_input(key="dhc_answer_convolution")
    for given, is_done in (("", False), ("16", False), ("seventeen", False), ("17", True)):
        box.set_value(given).run()
        assert sent(at, "course")[0]["done"] is is_done
    assert common("en", "right") in texts(at)


@pytest.mark.parametrize("hostile", ["<script>", "../../etc", "🦊" * 300, "dropout "])
def test_a_lesson_that_is_none_leads_to_the_contents(hostile: str) -> None:
    at = open_page("lessons", lesson=hostile, lang=hostile)
    assert not at.exception
    assert sent(at, "course")[0]["shape"] == "cards"
    assert address(at, "lesson") is None


def test_a_link_in_a_text_leads_to_a_lesson_and_keeps_what_links_keep() -> None:
    at = open_page("train", run="20260101-000000-none-0000")
    at.session_state["dhc-keyboard"] = {"link": "lessons?lesson=softmax&lang="}
    at.run()
    assert not at.exception
    assert address(at, "lesson") == "softmax"
    assert address(at, "lang") is None
    assert at.title[0].value.endswith("Lessons")
