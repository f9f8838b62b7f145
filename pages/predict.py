"""Predict: a person's own pictures, asked of a trained network."""

from __future__ import annotations

from dhc.ui.answers.look import has_network
from dhc.ui.predict import view
from dhc.ui.shell.frame import frame
from dhc.ui.shell.pickers import pick_run
from dhc.ui.shell.states import guard

head = frame("Predict", ":material/add_photo_alternate:")
with guard():
    info = pick_run(
        head,
        has_network,
        none_message="No run has a network to ask yet: train one, and it answers your own pictures here.",
    )
    if info is not None:
        view.view(info, head)
