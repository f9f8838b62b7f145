"""Live: one run's curves as they grow, and Stop."""

from __future__ import annotations

from dhc.ui.live import view
from dhc.ui.shell.frame import frame
from dhc.ui.shell.pickers import pick_run
from dhc.ui.shell.states import guard

head = frame("Live", ":material/monitoring:")
with guard():
    info = pick_run(head, none_message="No run yet. Start one, and its curves appear here while it trains.")
    if info is not None:
        view.draw(info.id)
