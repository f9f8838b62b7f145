"""The register of the fault suite: each test names its fault, what is done for real, and what must be shown.

The register hands each test its case, and the test must find the case's state and every one of its words.
`docs/faults.md` is the table; `python tests/faults/cases.py` prints it anew, and a test compares the two.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pytest

HERE = Path(__file__).parent
DOCUMENT = HERE.parents[1] / "docs" / "faults.md"
HEADER = "| fault | what is done, for real | state | words on the screen |\n|---|---|---|---|\n"
Test = TypeVar("Test", bound=Callable[..., object])


def fault(name: str, *, done: str, state: str = "", says: str | tuple[str, ...] = ()) -> Callable[[Test], Test]:
    """Put a test into the register; its argument `case` is then this row.

    state: one of `State`, or several with " or " between. says: words on the screen; … stands for any, and where who comes
    first decides, " | " stands between them.
    """
    assert name
    assert done
    return pytest.mark.fault(name=name, done=done, state=state, says=says)


@dataclass
class Case:
    """A row of the register, in the hands of its test."""

    name: str
    done: str
    state: str = ""
    says: str | tuple[str, ...] = ()
    unasked: set[str] = field(init=False)  # what the test has not looked for yet

    def __post_init__(self) -> None:
        self.unasked = {*self.words, *([self.state] if self.state else [])}

    @property
    def words(self) -> tuple[str, ...]:
        """Each of the words on the screen."""
        return (self.says,) if isinstance(self.says, str) else self.says

    def has_state(self, state: str) -> bool:
        """Whether a run's state is the case's."""
        self.unasked.discard(self.state)
        return state in self.state.split(" or ")

    def is_said(self, text: str, *which: int) -> bool:
        """Whether the case's words, or which of them, stand in a text in which a line's end is a space."""
        words = [self.words[i] for i in which] if which else self.words
        self.unasked.difference_update(words)
        flat = " ".join(text.split())
        return all(any(_pattern(part).search(flat) for part in either.split(" | ")) for either in words)

    def row(self) -> str:
        """The case as a row of the table."""
        words = [f"`{word}`" if "<" in word else word for word in self.words]
        return f"| {self.name} | {self.done} | {self.state} | {'; '.join(words).replace(' | ', ' or ')} |\n"


def _pattern(words: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, words.split("…"))))


def cases() -> dict[str, Case]:
    """Every registered case of the suite's files, read from their source, by its test's name."""
    rows = {}
    for path in sorted(HERE.glob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for call in node.decorator_list if isinstance(node, ast.FunctionDef) else ():
                if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == fault.__name__:
                    rows[f"{path.name}::{node.name}"] = _case(call)
    return rows


def _case(call: ast.Call) -> Case:
    values: dict[str, Any] = {str(word.arg): ast.literal_eval(word.value) for word in call.keywords}
    return Case(ast.literal_eval(call.args[0]), **values)


def table() -> str:
    """The register as Markdown."""
    return HEADER + "".join(case.row() for case in cases().values())


if __name__ == "__main__":
    print(table(), end="")
