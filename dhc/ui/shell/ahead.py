"""What the server does before anybody comes, where there are many runs: it reads them, and imports what shows them."""

from __future__ import annotations

import importlib
import logging
import threading
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
    """Begin, in a thread that keeps no server from ending; few runs are read in no time when somebody comes."""
    threading.Thread(target=_work, name=NAME, daemon=True).start()


def _work() -> None:
    """Whatever goes wrong, the first screen meets it again, and says it."""
    try:
        store = session.store()
        if len(store.ids()) >= WORTH:
            with no_search():
                for screen in SCREENS:
                    importlib.import_module(screen)
                store.all()
    except Exception:
        logging.getLogger(__name__).debug("nothing was read ahead", exc_info=True)
