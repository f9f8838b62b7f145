"""The empty, loading and error states of a page, and the guard against exceptions."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from types import MappingProxyType
from typing import Any, Final, Literal

import streamlit as st

from dhc.errors import UserError, sentence
from dhc.ui.shell import sharing
from dhc.ui.shell.frame import go, link
from dhc.ui.shell.markdown import plain

DEMO_WANTED: Final = "dhc_demo_wanted"  # in the session: Home is to start the demo
_LOG: Final = logging.getLogger(__name__)


def empty(
    message: str,
    *,
    step: str = "",
    page: str = "",
    params: Mapping[str, str] = MappingProxyType({}),
    action: Callable[..., object] | None = None,
    args: tuple[object, ...] = (),
    key: str = "",
    main: bool = True,
    links: Sequence[str] = (),
    icon: str = ":material/inbox:",
) -> None:
    """Say what is missing, and offer the one next step as a button called ``step``.

    The button calls ``action`` with ``args`` and goes to ``page``, with ``params`` in its address, whichever is given.
    ``main`` says whether it is the whole page's next step, too. ``message`` is our own Markdown; put ``plain(...)`` around
    foreign parts. ``page`` and ``links`` are labels of pages in ``frame.PAGES``.
    """
    with st.container(border=True, horizontal_alignment="center", gap="small"):
        st.markdown(f"### {icon}", width="content")
        st.markdown(message, width="content", text_alignment="center")
        with st.container(horizontal=True, horizontal_alignment="center", vertical_alignment="center"):
            callback: dict[str, Any] = {} if action is None else {"on_click": attempt, "args": (action, *args)}
            kind: Literal["primary", "secondary"] = "primary" if main else "secondary"
            if step and st.button(step, type=kind, key=key or f"dhc_step_{step}", **callback) and page:
                go(page, **params)
            for label in links:
                link(label)


def no_runs(message: str, links: Sequence[str] = ("Train",)) -> None:
    """`empty` where there is no run yet: its next step is the demo, which Home starts; none in a read-only view."""
    icon, step = ":material/play_circle:", "" if sharing.is_read_only() else "Start the demo"
    empty(message, step=step, page="Home", action=_want_demo, links=links, icon=icon)


def _want_demo() -> None:
    st.session_state[DEMO_WANTED] = True


def loading(message: str) -> AbstractContextManager[None]:
    """Show ``message`` and the seconds passed while the block runs."""
    return st.spinner(message, show_time=True)


def error_box(error: str | UserError | OSError) -> None:
    """Show one sentence as plain text: what happened, what was expected, how to mend it."""
    st.error(plain(error if isinstance(error, str) else sentence(error)), icon=":material/error:")


def toast(message: str) -> None:
    """Show one sentence as plain text for a few seconds.

    For callbacks, which have no place on the page.
    """
    st.toast(plain(message), icon=":material/error:")


@contextmanager
def guard(say: Callable[[str], object] = error_box) -> Iterator[None]:
    """Turn an exception of the block, or of the decorated function, into a sentence for `say`.

    Of a UserError and of an OSError, which a person can mend, it is the error's own sentence. Any other exception, a bare
    ValueError too, is a bug of ours: the sentence says so, with the reference under which the whole traceback stands in the
    server's terminal. Put a guard around each page's body, each fragment, and each callback that does something.
    Streamlit's own stop and rerun pass through.
    """
    try:
        yield
    except UserError as error:
        say(sentence(error))
    except OSError as error:
        _LOG.warning("The system refused something on a page", exc_info=error)
        say(sentence(error))
    except Exception as error:  # noqa: BLE001 - a page's last line of defence; it is logged
        reference = secrets.token_hex(3)
        _LOG.error("Unexpected error on a page, reference %s", reference, exc_info=error)
        say(
            f"Something of ours broke ({type(error).__name__}). It is not your mistake: reload the page to try again. The "
            f"traceback is in the server's terminal, under reference {reference}."
        )


def attempt(action: Callable[..., object], *args: object, failure: str = "") -> None:
    """Call `action` as a button's callback: ``on_click=attempt, args=(stop, runs_dir, run_id)``.

    A toast says what went wrong, after `failure`, such as "The test could not be started".
    """
    with guard(lambda message: toast(f"{failure}: {message}" if failure else message)):
        action(*args)
