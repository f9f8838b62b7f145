"""Teach: lessons for a class, its code, its answers, and what to run before it."""

from __future__ import annotations

from dhc.ui.shell.frame import frame
from dhc.ui.shell.states import guard
from dhc.ui.teach import view

head = frame("Teach", ":material/co_present:")
with guard():
    view.draw(head)
