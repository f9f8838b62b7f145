"""Answers of ours in Streamlit's place: a sentence, and a page of our own that asks for nothing from anywhere."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.types import Receive, Scope, Send

PLAIN = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
PAGE = PLAIN | {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",  # with none the form would come from nowhere: Origin null
}


async def reply(
    scope: Scope, receive: Receive, send: Send, status: int, sentence: str, headers: Mapping[str, str] = {}
) -> None:
    """Answer a request with one sentence as plain text, or a WebSocket that is not yet open with a refusal."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})  # before it was accepted: a 403
    else:
        await PlainTextResponse(sentence, status, {**PLAIN, **headers})(scope, receive, send)


async def show(
    scope: Scope, receive: Receive, send: Send, status: int, page: str, headers: Mapping[str, str] = {}
) -> None:
    """Answer a request with a page of HTML."""
    await HTMLResponse(page, status, {**PAGE, **headers})(scope, receive, send)
