"""The generated pages: map, command line, glossary, keys, lessons, run folder. `make docs` writes them."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

import click

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
NOTE = "<!-- Written by `make docs`; a test compares it with the code. -->"
BELOW = "<!-- What follows is written by `make docs`; a test compares it with the code. -->"
OTHER_FOLDERS = {".": "Top level", ".ci": "`.ci/`: what CI runs"}  # those that are no packages of ours


def modules() -> list[Path]:
    """Python files of the product, benchmarks included and tests left out, relative to the repository, in order."""
    command = ["git", "ls-files", "-co", "--exclude-standard", "*.py"]
    listing = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout
    paths = map(Path, listing.splitlines())
    return sorted(path for path in paths if path.parts[0] != "tests" and (ROOT / path).exists())


def summary(path: Path) -> str:
    """The first line of a module's docstring; empty where it has none."""
    docstring = ast.get_docstring(ast.parse((ROOT / path).read_text(encoding="utf-8"))) or ""
    return docstring.partition("\n")[0]


def map_page() -> str:
    """docs/map.md: a section a folder, a line a module."""
    lines = [NOTE, "# Map", "", "Every module with the first line of its docstring, folder by folder."]
    for folder, paths in _by_folder().items():
        lines += ["", f"## {_heading(folder)}", ""]
        lines += [f"- [`{path.name}`](../{path}) {summary(path)}" for path in paths if path.name != "__init__.py"]
    return "\n".join(lines) + "\n"


def cli_page() -> str:
    """docs/cli.md: its text, and a section a command, with usage, help and options."""
    from dhc.cli import cli

    text = (DOCS / "cli.md").read_text(encoding="utf-8")
    lines = [text.partition(BELOW)[0] + BELOW]
    for name, command in commands("python -m dhc", cli):
        lines += ["", f"## {name.removeprefix('python -m dhc ')}", "", *_section(name, command)]
    return "\n".join(lines) + "\n"


def runs_page() -> str:
    """runs/README.md: its text, and a table a record of the run folder."""
    from docs_contract import runs_page

    return runs_page()


def glossary_page() -> str:
    """docs/glossary.md: the terms that the glossary of each page has, and those that only the documentation uses."""
    from dhc.ui.shell import glossary

    lines = [NOTE, "# Glossary"]
    for title, of_the_field in (("Words of this product", False), ("Words of the field", True)):
        members = [term for term in glossary.terms() if term.of_the_field is of_the_field]
        lines += ["", f"## {title}", "", *glossary.table(members)]
    return "\n".join(lines) + "\n"


def keys_page() -> str:
    """docs/keys.md: the keys that `?` lists on each page."""
    from dhc.ui.shell import keys

    intro = (
        "What `?` lists on each page. A key does nothing while someone types or moves in a table, nor behind a dialog."
    )
    return "\n".join([NOTE, "# Keys", "", intro, "", *keys.rows()]) + "\n"


def lessons_page() -> str:
    """docs/lessons.md: its text, and a section a lesson, with its idea and its question, whose answer the screen knows."""
    from dhc.teaching.catalogue import COURSE, GROUPS
    from dhc.teaching.words import common, words

    text = (DOCS / "lessons.md").read_text(encoding="utf-8")
    lines = [text.partition(BELOW)[0] + BELOW]
    for group in GROUPS:
        lines += ["", f"## {common('en', group)}"]
        for lesson in (lesson for lesson in COURSE if lesson.group == group):
            said = words("en", lesson.name).with_facts(lesson.facts())
            options = [f"- {option}" for option in said.options]
            lines += ["", f"### {COURSE.index(lesson) + 1}. {said.title}", "", " ".join(said.idea.split())]
            lines += ["", f"In the report's network: {' '.join(said.report.split())}"]
            lines += ["", f"**Question.** {' '.join(said.question.split())}", *([""] if options else []), *options]
    return "\n".join(lines) + "\n"


PAGES = {
    DOCS / "map.md": map_page,
    DOCS / "cli.md": cli_page,
    DOCS / "glossary.md": glossary_page,
    DOCS / "keys.md": keys_page,
    DOCS / "lessons.md": lessons_page,
    ROOT / "runs" / "README.md": runs_page,
}


def _by_folder() -> Mapping[str, list[Path]]:
    folders: dict[str, list[Path]] = defaultdict(list)
    for path in modules():
        folders[str(path.parent)].append(path)
    return dict(sorted(folders.items()))


def _heading(folder: str) -> str:
    package = Path(folder) / "__init__.py"
    if folder in OTHER_FOLDERS:
        return OTHER_FOLDERS[folder]
    return f"`{folder}/`: {summary(package)}" if (ROOT / package).exists() else f"`{folder}/`"


def commands(prefix: str, group: click.Group) -> Iterator[tuple[str, click.Command]]:
    for name, command in sorted(group.commands.items()):
        if isinstance(command, click.Group):
            yield from commands(f"{prefix} {name}", command)
        else:
            yield f"{prefix} {name}", command


def _section(name: str, command: click.Command) -> list[str]:
    context = click.Context(command, info_name=name)
    usage = " ".join([name, *command.collect_usage_pieces(context)])
    options = [parameter for parameter in command.params if isinstance(parameter, click.Option)]
    records = [record for option in options if (record := option.get_help_record(context))]
    rows = [f"| `{_cell(option)}` | {_cell(text)} |" for option, text in records]
    table = ["", "| option | what |", "|---|---|", *rows] if rows else []
    link = ["", _linked(command.epilog)] if command.epilog else []
    return ["```", usage, "```", "", *_paragraphs(command), *link, *table]


def _linked(epilog: str) -> str:
    """The last line of a command's help, the page of docs/ that it names as a link."""
    return re.sub(r"docs/(\S+)", r"[\g<0>](\1)", epilog)


def _paragraphs(command: click.Command) -> list[str]:
    """The help text; what follows a \\b keeps its lines."""
    lines = []
    for block in inspect.cleandoc(command.help or "").split("\n\n"):
        rows = block.strip().splitlines()
        lines += ["", "```", *rows[1:], "```"] if rows[0] == "\b" else ["", " ".join(row.strip() for row in rows)]
    return lines[1:]


def _cell(text: str) -> str:
    return " ".join(text.replace("|", r"\|").split())
