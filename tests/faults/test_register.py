"""The table of faults in the docs is the suite's own register."""

from __future__ import annotations

from faults.cases import DOCUMENT, rows, table


def test_the_documents_table_is_the_register() -> None:
    assert table() in DOCUMENT.read_text(encoding="utf-8"), (
        "print it anew: PYTHONPATH=tests python tests/faults/cases.py"
    )


def test_there_are_at_least_forty_cases_each_once() -> None:
    names = [row[0] for row in rows()]
    assert len(names) >= 40
    assert len(set(names)) == len(names)
