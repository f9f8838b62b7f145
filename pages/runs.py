"""Runs: all of them in a table; open, stop, delete, bring back."""

from __future__ import annotations

from dhc.errors import RunError
from dhc.ui import runs_table
from dhc.ui.frame import frame
from dhc.ui.states import guard

frame("Runs", ":material/table_rows:")
with guard(RunError, OSError):
    runs_table.draw()
