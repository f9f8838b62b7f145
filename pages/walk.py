"""Walk: one picture's way through a run's network, down to a single number."""

from __future__ import annotations

from dhc.ui.shell.frame import frame
from dhc.ui.shell.states import guard
from dhc.ui.walk.view import view

head = frame("Walk", ":material/footprint:")
with guard():
    view(head)
