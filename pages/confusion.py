"""Confusion: which classes a run takes for which, and the pictures behind each cell."""

from __future__ import annotations

from dhc.ui.answers import confusion
from dhc.ui.shell.frame import frame
from dhc.ui.shell.pickers import pick_run
from dhc.ui.shell.states import guard

head = frame("Confusion", ":material/grid_on:")
with guard():
    info = pick_run(
        head,
        lambda run: run.epochs_done > 0,
        none_message="No run has finished an epoch yet. Start one, and its confusion matrix appears here.",
    )
    if info is not None:
        confusion.view(info, head)
