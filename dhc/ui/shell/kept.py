"""What a browser may keep: plotly.min.js, at an address that holds its version."""

from __future__ import annotations

from urllib.parse import parse_qs

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dhc.ui.widgets import assets

A_YEAR = "public, max-age=31536000, immutable"


class KeptByBrowsers:
    """ASGI middleware that lets browsers keep the library of charts, and with it what they compiled of it.

    Streamlit lets nobody say for how long: each page would load 1.5 MB anew, and compile 4.6 MB for a second.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or pass on anything else."""

        async def send_kept(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 200:
                MutableHeaders(scope=message)["Cache-Control"] = A_YEAR
            await send(message)

        await self.app(scope, receive, send_kept if _is_versioned(scope) else send)


def _is_versioned(scope: Scope) -> bool:
    if scope["type"] != "http" or not scope["path"].endswith(f"/{assets.PLOTLY}"):
        return False
    query = parse_qs(scope["query_string"].decode("latin-1"))
    return query.get("v") == [assets.PLOTLY_VERSION]
