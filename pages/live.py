"""Live: one run's curves as they grow, and Stop."""

from __future__ import annotations

from dhc.errors import RunError
from dhc.ui import live
from dhc.ui.frame import frame
from dhc.ui.pickers import pick_run
from dhc.ui.states import guard

frame("Live", ":material/monitoring:")
with guard(RunError, OSError):
    info = pick_run(none_yet="No run yet. Start one, and its curves appear here while it trains.")
    if info is not None:
        live.view(info.id)
