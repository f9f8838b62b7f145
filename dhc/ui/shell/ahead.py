"""What the server does before anybody comes, where there are many runs: it reads them, and imports what shows them."""

from __future__ import annotations

import importlib
import logging
import threading
from contextlib import suppress
from typing import Final

from dhc.runs.garbage import no_search
from dhc.runs.index import WORTH
from dhc.ui.shell import session

NAME: Final = "reading ahead"  # of the thread
SCREENS: Final = (
    "dhc.ui.home",
    "dhc.ui.demo",
    "dhc.ui.runs.table",
)  # what is opened first, and what takes longest to import


def begin() -> None:
    """Import the screens, and begin to read in a thread that keeps no server from ending; few runs are read in no time when somebody comes.

    Nobody imports beside it: two threads that import at once may see each other's modules half made.
    """
    with suppress(Exception):  # the first screen meets it again, and says it
        if len(session.store().ids()) >= WORTH:
            for screen in SCREENS:
                importlib.import_module(screen)
            threading.Thread(target=_read, name=NAME, daemon=True).start()


def _read() -> None:
    try:
        with no_search():
            session.store().all()
    except Exception:
        logging.getLogger(__name__).debug("nothing was read ahead", exc_info=True)
