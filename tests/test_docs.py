"""README and docs/ tell the truth: links lead somewhere, and what they name is there.

`python tests/test_docs.py` (or `make docs`) writes the generated pages anew.
"""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from docs_pages import DOCS, PAGES, ROOT, modules, summary

README = ROOT / "README.md"
# Pages written by hand; not the changelog, which names what was there once.
HANDWRITTEN = sorted(
    {README, ROOT / "CONTRIBUTING.md", ROOT / "runs" / "README.md", *DOCS.rglob("*.md")} - {DOCS / "map.md"}
)
FOLDERS = "dhc|pages|tests|benchmarks|docs|runs"
EXAMPLE_FILES = {"pages/notes.py"}  # made by docs/extending.md
EXAMPLE_SETTINGS = {"optimizer.clipnorm"}
NO_SETTINGS = {"model.fit", "fit.epoch"}  # Keras's function, and a slip that docs/troubleshooting.md shows
EXAMPLE_NETWORKS = {"model.name=cnn2"}
SECTIONS = "data|model|knn|augment|optimizer|schedule|fit|device"
every_page = pytest.mark.parametrize("page", HANDWRITTEN, ids=lambda page: str(page.relative_to(ROOT)))


def prose(page: Path) -> str:
    """A page without its code blocks."""
    return re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


def code(page: Path) -> Iterator[str]:
    """Every line of a page's code blocks but those of diffs, without trailing comments, and every piece of code in its text."""
    text = page.read_text(encoding="utf-8")
    for language, block in re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        if not language:
            yield from (re.split(r"\s{2,}|\s#\s", line.strip())[0] for line in block.splitlines())
    yield from (span.strip() for _, span in re.findall(r"(`+)(.+?)\1", prose(page)))


def anchors(page: Path) -> set[str]:
    """What links may name behind the # of a page: GitHub's anchors of its headings."""
    headings = re.findall(r"^#+ (.*)", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_module_says_what_it_is() -> None:
    undocumented = [str(path) for path in modules() if not summary(path)]
    assert not undocumented


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_generated_pages_are_current(page: Path) -> None:
    assert page.read_text(encoding="utf-8") == PAGES[page](), "run `make docs` (or `python tests/test_docs.py`)"


def test_the_readme_is_one_page() -> None:
    assert len(README.read_bytes()) <= 10_000


@every_page
def test_every_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#\s]*)(?:#([^)]*))?\)", prose(page))
    targets = [((page.parent / file).resolve() if file else page, anchor) for file, anchor in links]
    dead_links = [
        f"{file}#{anchor}" for file, anchor in targets if not file.exists() or (anchor and anchor not in anchors(file))
    ]
    assert not dead_links


@every_page
def test_every_file_that_is_named_is_there(page: Path) -> None:
    names = re.findall(rf"`((?:{FOLDERS})/[\w./-]+\.\w+|[\w-]+\.(?:md|txt|toml)|Makefile)`", prose(page))
    places = (ROOT, page.parent)
    missing_names = [name for name in names if not any((place / name).exists() for place in places)]
    assert set(missing_names) <= EXAMPLE_FILES


def test_every_test_that_trust_names_is_there() -> None:
    text = (DOCS / "trust.md").read_text(encoding="utf-8")
    spans = re.findall(r"`([\w/.]*)::(\w+)`", text)
    path = ""
    for file, name in spans:
        path = file or path  # a name alone is of the file before
        assert f"def {name}(" in (ROOT / path).read_text(encoding="utf-8"), f"{path}::{name}"
    rows = [line for line in text.splitlines() if line.startswith("| ") and not line.startswith(("| what", "| who"))]
    assert [line for line in rows if "::" not in line] == [], "each line has its test"
    assert len(spans) > 30


@every_page
def test_every_setting_that_is_named_exists(page: Path) -> None:
    from dhc.config import fields

    names = {name for text in code(page) for name in re.findall(rf"\b((?:{SECTIONS})\.(?!py\b)[a-z_]+)\b(?!\.)", text)}
    assert names - EXAMPLE_SETTINGS - NO_SETTINGS <= {field.name for field in fields()}


def dhc_commands() -> list[tuple[Path, str]]:
    """Every command line of ours that a page shows, without what comes before the first argument."""
    matches = [(page, re.search(r"python3? -m dhc ([a-z].*)", text)) for page in HANDWRITTEN for text in code(page)]
    return [(page, match[1]) for page, match in matches if match and "[OPTIONS]" not in match[1]]


@pytest.mark.parametrize(("page", "command"), dhc_commands(), ids=lambda value: str(value).removeprefix(f"{ROOT}/"))
def test_every_command_exists_with_its_options(page: Path, command: str) -> None:
    """Parses what is shown, with click and with the settings' own reader; runs nothing."""
    from dhc.cli import cli
    from dhc.config import RunConfig, read_assignment

    words = shlex.split(command)
    group: click.Command = cli
    while isinstance(group, click.Group) and words:
        assert words[0] in group.commands, f"there is no {words[0]}"
        group = group.commands[words.pop(0)]
    options = {option for parameter in group.params for option in parameter.opts}
    if any(parameter.required for parameter in group.params) and set(words) <= options:
        return  # only named, as in `python -m dhc evaluate --out`
    context = group.make_context(command, words)
    settings = [text for text in context.params.get("assignments", ()) if text not in EXAMPLE_NETWORKS]
    values = dict(read_assignment(text) for text in settings)
    RunConfig().with_values({name: value for name, value in values.items() if name not in EXAMPLE_SETTINGS})


@every_page
def test_every_target_of_make_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    names = {match[1] for text in code(page) if (match := re.search(r"(?:^|[A-Z]=\S+ )make ([a-z]+)", text))}
    assert names <= targets


@every_page
def test_every_benchmark_exists_with_its_options(page: Path) -> None:
    for text in code(page):
        if match := re.search(r"python -m (benchmarks\.\w+)(.*)", text):
            source = (ROOT / f"{match[1].replace('.', '/')}.py").read_text(encoding="utf-8")
            options = re.findall(r"--([a-z]+)", match[2])
            assert [name for name in options if f"--{name}" not in source and f'"{name}"' not in source] == []


@every_page
def test_other_commands_name_files_and_options_that_exist(page: Path) -> None:
    """pip, pytest, python and streamlit; those of examples in docs/extending.md stand in diffs."""
    from streamlit.config import get_config_options

    commands = [text for text in code(page) if re.search(r"\b(?:pip|pytest|python|streamlit) ", text)]
    files = [file for text in commands for file in re.findall(r" (\w[\w/-]*\.(?:txt|py))\b", text)]
    assert [file for file in files if not (ROOT / file).exists()] == []
    options = [option for text in commands for option in re.findall(r"--(\w+\.\w+)", text)]
    assert set(options) <= set(get_config_options())


@every_page
def test_every_word_of_the_screens_stands_on_one(page: Path) -> None:
    """Words in italics are what a screen says; … stands for what varies."""
    sources = [path for folder in ("dhc", "pages") for path in (ROOT / folder).rglob("*.[pt][yo]*") if path.is_file()]
    product = "\n".join(path.read_text(encoding="utf-8") for path in sources if path.suffix in (".py", ".toml"))
    labels = re.findall(r"(?<![*\w])\*([^*\n]+)\*(?![*\w])", re.sub(r"(`+).+?\1", "", prose(page)))
    assert [label for label in labels if label.rstrip("… ") not in product] == []


def test_the_readme_names_every_screen() -> None:
    from dhc.ui.shell.frame import PAGES as SCREENS

    table = README.read_text(encoding="utf-8").partition("| screen |")[2].partition("\n\n")[0]
    assert re.findall(r"^\| (\w+) \|", table, re.MULTILINE) == [screen.label for screen in SCREENS]


def test_the_readme_names_every_room() -> None:
    rooms = {path.name for path in (ROOT / "dhc").iterdir() if not path.name.startswith("__")}
    table = README.read_text(encoding="utf-8").partition("| room |")[2].partition("\n\n")[0]
    assert set(re.findall(r"`dhc/([\w.]+)/?`", table)) == rooms


def test_the_readme_names_modules_where_they_are() -> None:
    rows = re.findall(r"^\| `(dhc/\w+)/` \|(.*)", README.read_text(encoding="utf-8"), re.MULTILINE)
    paths = [ROOT / room / name for room, text in rows for name in re.findall(r"`(\w+(?:\.py|/))`", text)]
    assert paths
    assert [path for path in paths if not path.exists()] == []


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    for page, write in PAGES.items():
        page.write_text(write(), encoding="utf-8")
