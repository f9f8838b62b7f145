"""The curves and the settings of all runs, for test_curves_panel.py."""

from __future__ import annotations

from dhc.ui.runs.compare import curves, settings
from dhc.ui.shell import session
from dhc.ui.shell.frame import frame

frame("Runs", ":material/table_rows:")
curves.draw(session.store().runs())
settings.draw(session.store().runs())
