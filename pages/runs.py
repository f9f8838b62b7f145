"""Runs: all of them in a table; open, stop, delete, bring back."""

from __future__ import annotations

from dhc.ui.runs import table
from dhc.ui.shell.frame import frame
from dhc.ui.shell.states import guard

frame("Runs", ":material/table_rows:")
with guard():
    table.draw()
