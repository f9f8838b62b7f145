"""The README's map holds every module with the first line of its docstring; `python tests/test_readme.py` writes it anew."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
TOP = {
    "pages/": "one screen each: frame, pick, read, draw",
    "dhc/": "the library",
    "runs/": "one folder a run",
    "tests/": "pytest; `tests/e2e/` drives a real browser",
    "docs/": "the pictures of this page",
}


def modules() -> list[Path]:
    """Python files that the map names, in its order; those of tests are left out."""
    tracked = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "*.py"], capture_output=True, text=True, check=True, cwd=ROOT
    )
    paths = sorted(
        path for path in map(Path, tracked.stdout.split()) if path.parts[0] != "tests" and (ROOT / path).exists()
    )
    return [path for path in paths if path.name != "__init__.py" or len(path.parts) == 3]


def first_line(path: Path) -> str:
    text = ast.get_docstring(ast.parse((ROOT / path).read_text(encoding="utf-8"))) or ""
    return text.split("\n")[0]


def file_map() -> str:
    lines = ["```", *(f"{name:<28} {what}" for name, what in TOP.items()), ""]
    for path in modules():
        name = f"{path.parent}/" if path.name == "__init__.py" else str(path)
        lines.append(f"{name:<28} {first_line(path)}")
    return "\n".join([*lines, "```"])


def test_every_module_says_what_it_is() -> None:
    silent = [str(path) for path in modules() if not first_line(path)]
    assert not silent


def test_the_readmes_map_is_the_tree() -> None:
    shown = re.search(r"<!-- map -->\n(.*?)\n<!-- /map -->", README.read_text(encoding="utf-8"), re.DOTALL)
    assert shown, "the README has no map"
    assert shown.group(1) == file_map(), "write it anew: python tests/test_readme.py"


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
    README.write_text(
        re.sub(
            r"<!-- map -->.*?<!-- /map -->",
            lambda _: f"<!-- map -->\n{file_map()}\n<!-- /map -->",
            README.read_text("utf-8"),
            flags=re.DOTALL,
        ),
        encoding="utf-8",
    )
