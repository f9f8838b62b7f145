"""Mistakes: the val pictures that a run got wrong, one by one."""

from __future__ import annotations

from dhc.ui.answers import mistakes
from dhc.ui.shell.frame import frame
from dhc.ui.shell.pickers import pick_run
from dhc.ui.shell.states import guard

head = frame("Mistakes", ":material/image_search:")
with guard():
    info = pick_run(
        head,
        lambda run: run.epochs_done > 0,
        none_message="No run has finished an epoch yet. Start one, and what it gets wrong appears here.",
    )
    if info is not None:
        mistakes.view(info, head)
