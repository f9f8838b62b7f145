"""Lessons: the ideas behind the network, on one's own pictures and one's own network."""

from __future__ import annotations

from dhc.ui.lessons import view
from dhc.ui.shell.frame import frame
from dhc.ui.shell.states import guard

head = frame("Lessons", ":material/school:")
with guard():
    view.draw(head)
