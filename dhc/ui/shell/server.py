"""What the server does as it starts: who is answered and how, whether it only reads, and where it is to be opened."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import streamlit as st
from starlette.middleware import Middleware
from streamlit import config

from dhc.errors import UserError, sentence
from dhc.files import gate
from dhc.teaching import letterbox
from dhc.ui.shell import ahead, announced, password, reach, session, sharing
from dhc.ui.shell.kept import KeptByBrowsers
from dhc.ui.shell.visitors import OwnPagesOnly

MIDDLEWARE: Final = [
    Middleware(OwnPagesOnly),
    Middleware(password.Password),
    Middleware(sharing.ReadingOnly),
    Middleware(KeptByBrowsers),
]

# megabytes; Streamlit's own would let sixty browsers fill this machine's memory with what they send
LIMITS: Final = {"server.maxMessageSize": 30, "server.maxWidgetStateSize": 1}


def prepare() -> None:
    """Take the password, and shut the gate where only a view is to be shared; ends the process where that cannot be done."""
    try:
        password.ask_for(password.take(os.environ))
        if sharing.is_wanted():
            for name, megabytes in LIMITS.items():
                config.set_option(name, megabytes)
            announced.announce(session.runs_dir())
            letterbox.open_box(session.runs_dir())  # the one thing that can be written to behind the gate
            gate.shut()
    except (UserError, OSError) as error:
        print(f"error: {sentence(error)}", file=sys.stderr, flush=True)
        raise SystemExit(2) from None


@asynccontextmanager
async def say_address(app: st.App) -> AsyncIterator[None]:
    """Print where the dashboard is to be opened, while the server starts.

    Streamlit's own words are turned off: for them it would ask a machine outside for our address.
    """
    lines = [f"Open {reach.address(reach.HERE)}"]
    if sharing.is_read_only():
        others = reach.addresses()
        lines = ["Read-only view: nothing can be started, changed or deleted here.", *lines]
        lines += [f"Pupils open {other}" for other in others]
        if not others:
            lines.append("Only this machine reaches it: add --server.address 0.0.0.0 to share it on the network.")
        elif not password.is_asked():
            lines.append(f"Everyone on the network sees it: set {password.VARIABLE} to ask for a password.")
        if not letterbox.is_open():
            lines.append(
                f"Pupils' answers are not counted: {letterbox.FILE} in {session.runs_dir()} cannot be written to."
            )
    print("\n" + "".join(f"  {line}\n" for line in lines), flush=True)
    ahead.begin()
    yield
