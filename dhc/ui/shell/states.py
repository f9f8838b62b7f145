"""What a page shows when there is nothing to show: the empty, loading and error states, and text that nobody vouches for."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Final

import streamlit as st

from dhc.ui.shell.frame import link
from dhc.ui.shell.markdown import plain

_LOG: Final = logging.getLogger(__name__)


def empty(message: str, *, links: Sequence[str] = (), icon: str = ":material/inbox:") -> None:
    """Say what is missing and what to do about it. ``links`` are names of pages in ``frame.PAGES`` that help.

    ``message`` is our own Markdown; put ``plain(...)`` around foreign parts.
    """
    with st.container(border=True, horizontal_alignment="center", gap="small"):
        st.markdown(f"### {icon}", width="content")
        st.markdown(message, width="content", text_alignment="center")
        with st.container(horizontal=True, horizontal_alignment="center"):
            for label in links:
                link(label)


def loading(message: str) -> AbstractContextManager[None]:
    """Show ``message`` and the seconds passed while the block runs."""
    return st.spinner(message, show_time=True)


def error_box(error: str | Exception) -> None:
    """Show one sentence about what went wrong, as plain text: what happened, what was expected, how to mend it."""
    st.error(plain(str(error)), icon=":material/error:")


@contextmanager
def guard(*expected: type[Exception]) -> Iterator[None]:
    """Turn exceptions of the block into a sentence on the screen; as a decorator, those of the function.

    Errors of an ``expected`` type are a person's to mend: their own text is shown. Any other is ours: the traceback goes
    to the server's terminal under a short reference, and the screen names that reference. Put one around each page's
    body and each fragment. Streamlit's own stop and rerun pass through.
    """
    try:
        yield
    except expected as error:
        error_box(error)
    except Exception as error:  # noqa: BLE001 - the last line of defence of a page: it is logged and said
        reference = secrets.token_hex(3)
        _LOG.error("Unexpected error on a page, reference %s", reference, exc_info=error)
        error_box(
            f"This part of the page failed unexpectedly ({type(error).__name__}). Reload the page to try again; the "
            f"details are in the terminal where the server runs, under reference {reference}."
        )
