"""What a person said of single pictures as CSV: a row for each picture that has a mark."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import pandas as pd

from dhc.data.review import Mark
from dhc.export.table import to_csv

COLUMNS = ("split", "file", "label", "mark", "other_label", "who", "when", "run")


def review_table(marks: Iterable[Mark]) -> pd.DataFrame:
    """One row a mark, in the given order; `when` is local time, empty where nobody noted it."""
    rows = [
        (mark.split, mark.file, mark.label, mark.verdict, mark.other, mark.who, _when(mark.at), mark.run)
        for mark in marks
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def review_csv(marks: Iterable[Mark]) -> bytes:
    """`review_table` as CSV, safe to be opened in a spreadsheet."""
    return to_csv(review_table(marks))


def _when(at: float) -> str:
    return f"{datetime.fromtimestamp(at):%Y-%m-%d %H:%M:%S}" if at else ""
