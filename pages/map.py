"""Map: the pictures of a run, near each other where its network finds them alike."""

from __future__ import annotations

from dhc.ui.map import view
from dhc.ui.shell.frame import frame
from dhc.ui.shell.pickers import pick_run
from dhc.ui.shell.states import guard

head = frame("Map", ":material/bubble_chart:")
with guard():
    info = pick_run(
        head,
        lambda run: run.epochs_done > 0,
        none_message="No run has finished an epoch yet. Start one, and the map of its pictures appears here.",
    )
    if info is not None:
        view.view(info, head)
