"""Review: likely label errors, and what a person says of them."""

from __future__ import annotations

from dhc.ui.review import view
from dhc.ui.shell.frame import frame
from dhc.ui.shell.pickers import pick_run
from dhc.ui.shell.states import guard

head = frame("Review", ":material/rate_review:")
with guard():
    info = pick_run(
        head,
        lambda run: run.epochs_done > 0 and run.config is not None,
        none_message="No run has finished an epoch yet. Train one, and the labels that it doubts appear here.",
    )
    if info is not None:
        view.view(info, head)
