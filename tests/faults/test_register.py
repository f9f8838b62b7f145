"""The table of faults in the docs is the suite's own register, and each test looks for what its row says."""

from __future__ import annotations

import ast

from faults.cases import DOCUMENT, HERE, Case, cases, table


def test_the_documents_table_is_the_register() -> None:
    assert table() in DOCUMENT.read_text(encoding="utf-8"), (
        "print it anew: PYTHONPATH=tests python tests/faults/cases.py"
    )


def test_there_are_at_least_150_cases_each_once() -> None:
    names = [case.name for case in cases().values()]
    assert len(names) >= 150
    assert len(set(names)) == len(names)


def test_every_case_is_handed_to_its_test_and_every_test_has_one() -> None:
    """faults/conftest.py fails a test that passes without having looked for the whole of its row."""
    registered = cases()  # once: it parses every file
    for path in sorted(HERE.glob("test_*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            key = f"{path.name}::{getattr(node, 'name', '')}"
            if isinstance(node, ast.FunctionDef) and key in registered:
                assert "case" in [argument.arg for argument in node.args.args], key


def test_a_case_counts_what_its_test_has_looked_for() -> None:
    case = Case("x", "y", state="killed or failed", says=("epoch …, batch 2", "left | right"))
    assert case.unasked == {"killed or failed", "epoch …, batch 2", "left | right"}
    assert case.has_state("failed")
    assert not case.has_state("finished")
    assert case.is_said("at epoch 7,\nbatch 2", 0)
    assert not case.is_said("at epoch 7, batch 3", 0)
    assert case.unasked == {"left | right"}
    assert case.is_said("to the right", 1)
    assert not case.unasked
    assert case.row() == "| x | y | killed or failed | epoch …, batch 2; left or right |\n"
