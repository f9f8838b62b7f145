"""Ladder: the report's steps as reported and as measured here, and the LR-factor experiment."""

from __future__ import annotations

from dhc.ui.ladder import view
from dhc.ui.shell.frame import frame
from dhc.ui.shell.states import guard

frame("Ladder", ":material/stairs:")
with guard():
    view.draw()
