"""What the helper process is asked early, so that it is quick when somebody waits for it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from functools import partial

import streamlit as st

from dhc.errors import UserError
from dhc.jobs.warm import HelperError
from dhc.ui.shell import session

AGAIN = 60  # seconds after which the same thing is asked again
_LOG = logging.getLogger(__name__)


def wake() -> None:
    """Have the helper process begin and import Keras while a person still looks at the page."""
    _ask("wake", "", ())


def load(folder: str, stamps: tuple[tuple[int, int], ...]) -> None:
    """Have the helper load the network of the run in a folder; `stamps` change with it."""
    _ask("warm", folder, stamps)


@st.cache_resource(show_spinner=False, max_entries=32, ttl=AGAIN)
def _ask(question: str, folder: str, stamps: tuple[tuple[int, int], ...]) -> None:
    in_background(partial(session.helper().ask, question, folder=folder), question)


def in_background(ask: Callable[[], object], name: str) -> None:
    """Ask in a thread of that name, for nobody who waits: the question of one who does says what is refused; a bug of ours is logged."""

    def attempt() -> None:
        try:
            ask()
        except (UserError, OSError):
            pass
        except HelperError:
            _LOG.exception("The helper process could not be asked ahead")

    threading.Thread(target=attempt, name=name, daemon=True).start()
