"""Train: set the hyperparameters, see what will happen, start."""

from __future__ import annotations

from dhc.ui.shell.frame import frame
from dhc.ui.shell.states import guard
from dhc.ui.train import view

frame("Train", ":material/tune:")
with guard():
    view.draw()
