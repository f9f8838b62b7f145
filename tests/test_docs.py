"""README and docs/ tell the truth: generated pages are current, links lead somewhere, commands exist."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from docs_pages import PAGES, ROOT, modules, summary

README = ROOT / "README.md"


def test_every_module_says_what_it_is() -> None:
    silent = [str(path) for path in modules() if not summary(path) and path != Path("dhc/__init__.py")]
    assert not silent


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_generated_pages_are_current(page: Path) -> None:
    assert page.read_text(encoding="utf-8") == PAGES[page](), "run `make docs` (or `python tests/test_docs.py`)"


def test_every_file_that_the_readme_names_is_there() -> None:
    text = README.read_text(encoding="utf-8")
    named = re.findall(r"\]\(((?!http)[^)#]+)\)|`((?:dhc|pages|tests|benchmarks|docs|runs)/[\w./-]+\.\w+)`", text)
    missing = [name for pair in named for name in pair if name and not (ROOT / name).exists()]
    assert not missing


def test_the_readme_names_every_command_that_it_shows() -> None:
    from dhc.cli import cli

    shown = set(re.findall(r"python -m dhc (\w+)", README.read_text(encoding="utf-8")))
    assert shown == set(cli.commands)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    for page, write in PAGES.items():
        page.write_text(write(), encoding="utf-8")
