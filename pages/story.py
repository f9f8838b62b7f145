"""Story: how the report came to its final network, rung by rung, and what each reaches here."""

from __future__ import annotations

from dhc.ui.lessons import story
from dhc.ui.shell.frame import frame
from dhc.ui.shell.states import guard

head = frame("Story", ":material/auto_stories:")
with guard():
    story.draw(head)
