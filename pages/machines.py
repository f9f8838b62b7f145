"""Machines: this one and the clusters; what runs where, what waits and why, settings, a trial."""

from __future__ import annotations

from dhc.ui.machines import view
from dhc.ui.shell.frame import frame
from dhc.ui.shell.states import guard

frame("Machines", ":material/dns:")
with guard():
    view.draw()
