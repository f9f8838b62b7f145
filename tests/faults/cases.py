"""The register of the fault suite: each test names its fault, what is done for real, and what must be shown.

`docs/faults.md` is its table; `python tests/faults/cases.py` prints it anew, and a test compares the two.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

HERE = Path(__file__).parent
DOCUMENT = HERE.parents[1] / "docs" / "faults.md"
HEADER = "| fault | what is done, for real | state | words on the screen |\n|---|---|---|---|\n"
Test = TypeVar("Test", bound=Callable[..., object])


def case(fault: str, *, done: str, state: str = "", says: str = "") -> Callable[[Test], Test]:
    """Put a test into the register; `state` and `says` are what the test itself checks, as far as they apply."""
    assert fault
    assert done

    def keep(test: Test) -> Test:
        return test

    return keep


def rows() -> list[tuple[str, str, str, str]]:
    """Every registered case of the suite's files, read from their source."""
    found = []
    for path in sorted(HERE.glob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                found += [_row(call) for call in node.decorator_list if _is_case(call)]
    return found


def table() -> str:
    """The register as Markdown."""
    return HEADER + "".join(f"| {' | '.join(row)} |\n" for row in rows())


def _is_case(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "case"


def _row(call: ast.expr) -> tuple[str, str, str, str]:
    assert isinstance(call, ast.Call)
    told = {word.arg: ast.literal_eval(word.value) for word in call.keywords}
    return ast.literal_eval(call.args[0]), told["done"], told.get("state", ""), told.get("says", "")


if __name__ == "__main__":
    print(table(), end="")
