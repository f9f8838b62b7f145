"""The whole course in a browser, in both languages and by keyboard: each lesson is drawn and fits, answers are checked, what is done is
kept over a reload, every text of some lessons can be read in both themes and in Present, and the story is told to its end."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from contrast import faint_when_still
from harness import ROOT, Server, fits, settled, wait_for
from playwright.sync_api import Page, expect

from dhc.models.ladder import RUNGS
from dhc.teaching.catalogue import COURSE, Lesson
from dhc.teaching.words import common, labels, words

pytestmark = pytest.mark.errand(seconds=60)

RUNS = ("20261124-042501-vgg16-747c", "20261124-035327-vgg16-71c3")
ANSWERED = ("convolution", "dense", "softmax")  # right; the first wrong at first
LOOKED_AT = {"convolution", "softmax", "overfitting"}  # whose contrast is measured
GRID = ".st-key-dhc_lesson_grid"
PLACE = ".dhc-course-place"
FOCUSED = "document.activeElement.className"


@pytest.mark.slow
def test_the_whole_course_is_walked_by_keyboard_in_both_languages(
    page: Page, serve: Callable[..., Server], tmp_path: Path, tiny_data: Path
) -> None:
    for run in RUNS:
        shutil.copytree(ROOT / "runs" / run, tmp_path / "runs" / run)
    shutil.copytree(tiny_data, tmp_path / "data" / "stand-in")
    server = serve("app.py", env={"DHC_RUNS_DIR": str(tmp_path / "runs"), "DHC_DATA_DIR": str(tmp_path / "data")})
    page.set_viewport_size({"width": 1280, "height": 720})
    page.goto(f"{server.url}/_stcore/health")
    page.evaluate(
        """localStorage.setItem('dhc-lessons', '{"done": [5, "<b>", null], "last": []}')"""
    )  # whoever wrote that
    page.goto(f"{server.url}/lessons")
    expect(page.locator(".dhc-course-card")).to_have_count(len(COURSE) + _tours(), timeout=60_000)
    settled(page)
    expect(page.locator(".dhc-course-count")).to_have_text(common("en", "progress", done=0, count=len(COURSE)))
    too_faint = _faint(page, "contents")
    page.evaluate("window.dhcLoaded = 1")
    _tab_to(page, "dhc-course-go-on")
    page.keyboard.press("Enter")
    too_faint |= _walk(page, "en", look_at=LOOKED_AT)

    page.keyboard.press("c")
    _says_progress(page, "en")
    assert page.evaluate("window.dhcLoaded") == 1, "links do not load the page anew"
    page.reload()
    _says_progress(page, "en")
    expect(page.locator(".dhc-course-go-on")).to_have_text(re.compile("^Go on with: "))
    page.get_by_role("radio", name="Română").click()
    _says_progress(page, "ro")
    page.locator(".dhc-course-card").first.focus()
    page.keyboard.press("Enter")
    _walk(page, "ro", look_at=set())

    page.keyboard.press("c")
    page.get_by_role("link", name=labels("ro", "story")("title")).click()
    _read_story(page)
    too_faint |= _faint(page, "story")
    page.keyboard.press("c")
    for _ in range(2):
        page.locator(".dhc-course-clear").click()
    expect(page.locator(".dhc-course-count")).to_have_text(common("ro", "progress", done=0, count=len(COURSE)))
    assert too_faint == {}


def _tours() -> int:
    from dhc.ui.lessons.course import TOURS
    from dhc.ui.shell.frame import PAGES

    return sum(page.label.lower() in TOURS for page in PAGES)


def _walk(page: Page, tongue: str, *, look_at: set[str]) -> dict[str, list[str]]:
    """Go from the first lesson to the last by the key for the next; the texts that are too faint, by lesson."""
    too_faint = {}
    for number, lesson in enumerate(COURSE, start=1):
        expect(page.locator(PLACE)).to_contain_text(common(tongue, "place", number=number, count=len(COURSE)))
        expect(page.get_by_role("heading", name=words(tongue, lesson.name).title, exact=True)).to_be_visible()
        settled(page)
        wait_for(
            lambda: (page.locator(GRID).bounding_box() or {"height": 0})["height"] > 100, f"{lesson.name} is drawn"
        )
        expect(page.locator(".stException, .stMain :text('of ours broke')")).to_have_count(0)
        fits(page)
        assert page.evaluate("document.documentElement.lang") == tongue
        if tongue == "en" and lesson.name in ANSWERED:
            _answer(page, lesson)
        if tongue == "en" and lesson.name == "overfitting":
            _keeps_the_focus(page)
        if lesson.name in look_at:
            too_faint |= _faint(page, lesson.name)
            page.keyboard.press("p")
            expect(page.locator(f"{GRID}[data-dhc-large]")).to_be_visible()
            too_faint |= _faint(page, f"{lesson.name}, presented")
            page.keyboard.press("p")
            expect(page.locator("[data-dhc-large]")).to_have_count(0)
        if number < len(COURSE):
            page.keyboard.press("n")
    assert not page.locator(".dhc-course-next").count()
    return too_faint


def _answer(page: Page, lesson: Lesson) -> None:
    """Answer by keyboard; a number is wrong first, which is said and leaves the lesson undone."""
    facts, options = lesson.facts(), words("en", lesson.name).options
    if options:
        page.get_by_role("radio", name=options[0]).focus()
        for key in ["ArrowDown"] * int(facts.answer) or ["Space"]:
            page.keyboard.press(key)
    else:
        box = page.get_by_role("textbox", name=common("en", "answer"))
        for given in (facts.answer + 1 + facts.answer * facts.tolerance * 2, facts.answer):
            box.fill(f"{given:.6g}")
            box.press("Enter")
            if given != facts.answer:
                expect(page.get_by_text(common("en", "wrong"))).to_be_visible()
                expect(page.locator(".dhc-course-done")).to_have_count(0)
    expect(page.get_by_text(common("en", "right"), exact=True)).to_be_visible()
    expect(page.locator(".dhc-course-place .dhc-course-done")).to_be_visible()
    page.evaluate("document.activeElement.blur()")


def _keeps_the_focus(page: Page) -> None:
    """A slider that an arrow moves has the focus still when the server has answered, and moves on."""
    slider = page.get_by_role("slider", name=words("en", "overfitting")("patience"))
    slider.focus()
    for patience in (3, 4):
        page.keyboard.press("ArrowRight")
        page.wait_for_url(re.compile(f"of_patience={patience}"))
        settled(page)
    page.evaluate("document.activeElement.blur()")


def _says_progress(page: Page, tongue: str) -> None:
    expect(page.locator(".dhc-course-count")).to_have_text(
        common(tongue, "progress", done=len(ANSWERED), count=len(COURSE)), timeout=60_000
    )
    expect(page.locator(".dhc-course-card .dhc-course-done")).to_have_count(len(ANSWERED))
    settled(page)


def _read_story(page: Page) -> None:
    said = labels("ro", "story")
    for number, rung in enumerate(RUNGS, start=1):
        expect(page.locator(PLACE)).to_have_text(said("place", number=number, count=len(RUNGS)))
        expect(page.get_by_role("heading", name=labels("ro", f"story-{rung}")("title"), exact=True)).to_be_visible()
        settled(page)
        expect(page.locator(f"{GRID} .dhc-plot[data-drawn]")).to_be_visible()
        if number < len(RUNGS):
            page.keyboard.press("n")
    page.go_back()
    expect(page.locator(PLACE)).to_have_text(said("place", number=len(RUNGS) - 1, count=len(RUNGS)))
    settled(page)


def _tab_to(page: Page, name: str) -> None:
    """Press Tab until what has that class has the focus."""
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate(FOCUSED) == name:
            return
    raise AssertionError(f"Tab does not reach {name}")


def _faint(page: Page, what: str) -> dict[str, list[str]]:
    """Texts of less contrast than 4.5 : 1, in each theme."""
    found = {}
    for theme in ("dark", "light"):
        page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        settled(page)
        if lines := faint_when_still(page):
            found[f"{what}, {theme}"] = lines
    return found
