"""Sharing a view: a server started with ``DHC_SHARE=read`` answers the network and only reads.

Three walls stand behind each other: this middleware lets nothing through but reading, `dhc.files.gate` refuses every change
below our code, and the screens grey what cannot be done here.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Final

from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.proto.BackMsg_pb2 import BackMsg

from dhc.errors import UserError
from dhc.files import gate
from dhc.text import shorten
from dhc.ui.shell.replies import reply

VARIABLE: Final = "DHC_SHARE"
READ: Final = "read"
ONLY_HERE: Final = "Read-only view: this works in the full dashboard."  # beside what is greyed
REFUSAL: Final = "This is a read-only view: it takes no uploads and changes nothing."
FULL: Final = "{} browsers are looking at this view, and it takes no more: close one, or wait a moment and reload."
MOST: Final = 60  # browsers at once: two for each pupil; what they cost stands in docs/measured.md
TICK: Final = 3.0  # seconds between two updates of what moves, at least
# What a browser's page may ask for; "clear_cache" would cost everyone, "load_git_info" starts processes.
ASKING: Final = frozenset({"rerun_script", "stop_script", "app_heartbeat", "backend_operation_request"})


class SharingError(UserError):
    """A view that cannot be shared as it was asked for."""


def is_wanted(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether this server is to be a read-only view. Raises SharingError for a word that means nothing."""
    word = environment.get(VARIABLE, "").strip()
    if word not in ("", READ):
        raise SharingError(
            f"{VARIABLE} cannot be {shorten(word, 40)!r}: it takes {READ}, or nothing for the full dashboard."
        )
    return word == READ


def is_read_only() -> bool:
    """Whether this process is a read-only view."""
    return gate.is_shut()


def greyed() -> dict[str, Any]:
    """Keyword arguments of a button that starts or changes something: in a read-only view it is grey and says why."""
    return {"disabled": True, "help": ONLY_HERE} if is_read_only() else {}


class ReadingOnly:
    """ASGI middleware that answers GET and HEAD, and passes on what a page asks for; all else it refuses or drops."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.browsers = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or serve one browser until it leaves."""
        if scope["type"] == "lifespan" or not gate.is_shut():
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._serve(scope, receive, send)
        elif scope["method"] not in ("GET", "HEAD"):
            await reply(scope, receive, send, 405, REFUSAL, {"Allow": "GET, HEAD"})
        elif self.browsers >= MOST:
            await reply(scope, receive, send, 503, FULL.format(MOST), {"Retry-After": "30"})
        else:
            await self.app(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.browsers >= MOST:
            await send({"type": "websocket.close", "code": 1013})
            return

        async def receive_question() -> Message:
            while not _is_question(message := await receive()):
                pass
            return message

        self.browsers += 1
        try:
            await self.app(scope, receive_question, send)
        finally:
            self.browsers -= 1


def _is_question(message: Message) -> bool:
    """Whether a message asks for a page, or is not for Streamlit's pages to read; nonsense goes on to Streamlit, which hangs up."""
    data = message.get("bytes")
    if message["type"] != "websocket.receive" or data is None:
        return True
    try:
        return BackMsg.FromString(data).WhichOneof("type") in ASKING
    except DecodeError:
        return True
