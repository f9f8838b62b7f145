"""The glossary: every term that a screen is said to use stands on it, none is useless, and links to terms lead to one."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from glossary_words import stands_in, texts
from screens import ROOT, open_page
from test_examples_unchanged import examples_alone

from dhc.config import fields
from dhc.ui.shell import glossary
from dhc.ui.shell.frame import PAGES

TERMS = glossary.terms()


@pytest.fixture(scope="module")
def screens(tmp_path_factory: pytest.TempPathFactory, eight_classes: Path) -> Iterator[dict[str, str]]:
    """What each screen says of the examples and of a data set."""
    place = tmp_path_factory.mktemp("glossary")
    with examples_alone(place):
        (place / "data").mkdir()
        (place / "data" / "stand-in").symlink_to(eight_classes)
        yield texts()


@pytest.mark.pages
def test_each_screen_uses_the_terms_that_it_is_said_to_use(screens: dict[str, str]) -> None:
    missing = {
        (term.name, screen)
        for term in TERMS
        for screen in term.screens
        if not any(stands_in(word, screens[screen]) for word in term.words)
    }
    assert missing == set(), "correct `screens` in dhc/ui/shell/glossary.toml"


@pytest.mark.pages
def test_each_spelling_stands_on_a_screen(screens: dict[str, str]) -> None:
    unused = [
        word for term in TERMS for word in term.words if not any(stands_in(word, text) for text in screens.values())
    ]
    assert unused == [], "correct `words` in dhc/ui/shell/glossary.toml"


def test_a_term_of_no_screen_is_one_of_the_documentation() -> None:
    pages = [ROOT / "README.md", *(path for path in (ROOT / "docs").rglob("*.md") if path.name != "glossary.md")]
    prose = "\n".join(path.read_text(encoding="utf-8") for path in pages)
    useless = [
        term.name
        for term in TERMS
        if not term.screens and not any(stands_in(word, prose) for word in term.name.split(", "))
    ]
    assert useless == []


def test_terms_are_told_apart_and_say_something() -> None:
    slugs = [term.slug for term in TERMS]
    assert len(set(slugs)) == len(slugs)
    assert all(term.text.endswith(".") and len(term.text) < 330 for term in TERMS)
    assert {screen for term in TERMS for screen in term.screens} <= {page.label for page in PAGES}


def test_the_settings_that_terms_explain_exist() -> None:
    named = [name for term in TERMS for name in term.settings]
    assert set(named) <= {field.name for field in fields()}
    for field in fields():
        glossary.explained(field.help, *glossary.names_of_setting(field.name))


def test_every_link_to_a_term_names_one() -> None:
    names = {term.name for term in TERMS}
    calls = [call for path in (ROOT / "dhc" / "ui").rglob("*.py") for call in _calls(path)]
    linked = {argument.value for call in calls for argument in call.args[1:] if isinstance(argument, ast.Constant)}
    assert linked
    assert linked <= names


def _calls(path: Path) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) == "explained":
            yield node


def test_a_link_to_no_term_is_an_error_of_ours() -> None:
    with pytest.raises(KeyError):
        glossary.explained("A help text.", "patiense")


def test_search_finds_a_term_by_any_of_its_spellings() -> None:
    def found(search: str) -> set[str]:
        return {term.name for term in TERMS if term.fits(search)}

    assert {"F1", "precision", "recall"} <= found("f1") | found("precision") | found("recall")
    assert "learning rate" in found("LR")
    assert "overfitting" in found("by heart")
    assert found("xyzzy") == set()


def test_the_menu_opens_at_the_term_of_the_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DHC_RUNS_DIR", str(tmp_path))
    monkeypatch.setenv("DHC_DATA_DIR", str(tmp_path))
    at = open_page("train", term="patience")
    shown = [element.value for element in at.markdown if "On this screen" in element.value]
    assert len(shown) == 1
    assert shown[0].startswith("**patience**: ")
    assert "overfitting" in shown[0]
    (search,) = [box for box in at.text_input if box.key == glossary.SEARCH]
    search.set_value("McNemar").run()
    (shown_text,) = [element.value for element in at.markdown if "McNemar" in element.value]
    assert "patience" not in shown_text


def test_an_address_with_no_such_term_opens_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DHC_RUNS_DIR", str(tmp_path))
    monkeypatch.setenv("DHC_DATA_DIR", str(tmp_path))
    at = open_page("train", term="<b>")
    assert not at.exception
    assert "term" not in at.query_params
    assert not [box for box in at.text_input if box.key == glossary.SEARCH]
