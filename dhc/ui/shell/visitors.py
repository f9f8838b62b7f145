"""Whom the server answers: its own pages, opened under a name of its own.

A page on the web can have its own name re-pointed to this machine (DNS rebinding). Its browser then takes our server for
that page's, and only the ``Host`` of its requests gives it away. Streamlit looks at the Host of WebSockets alone, and asks
a machine outside for our address in order to judge an ``Origin``. So both are judged here, before Streamlit, for every path.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Sequence
from typing import Final

import streamlit as st
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from dhc.text import shorten
from dhc.ui.shell.replies import reply

LOCAL: Final = "localhost"
EVERYWHERE: Final = (None, "", "0.0.0.0", "::")  # addresses that stand for every network interface  # noqa: S104
LONGEST = 60  # characters of a foreign name that are quoted

_HOST: Final = re.compile(r"(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+?)\.?)(?::[0-9]{1,5})?", re.ASCII | re.IGNORECASE)


class OwnPagesOnly:
    """ASGI middleware that answers 403 to whatever `refusal` finds wrong."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or open one WebSocket."""
        problem = None if scope["type"] == "lifespan" else refusal(scope)
        if problem is None:
            await self.app(_without_origin(scope), receive, send)
        else:
            await reply(scope, receive, send, 403, problem)


def _without_origin(scope: Scope) -> Scope:
    """The request without its Origin, which was judged: Streamlit must not go and ask what to think of it."""
    if "headers" not in scope:
        return scope
    return {**scope, "headers": [(name, value) for name, value in scope["headers"] if name != b"origin"]}


def refusal(scope: Scope) -> str | None:
    """A sentence for a request that no page of ours makes, else None."""
    headers = Headers(scope=scope)
    hosts, origins = headers.getlist("host"), headers.getlist("origin")
    if len(hosts) != 1 or len(origins) > 1 or not scope["path"].startswith("/"):
        return "A request names one host, one origin at most, and a path: this one does not."
    names = st.get_option("server.allowedHosts")
    if not is_own_host(hosts[0], st.get_option("server.address"), names):
        name, known = shorten(hosts[0], LONGEST), " or ".join(names or (LOCAL, "127.0.0.1"))
        return (
            f"This server does not go by the name {name}; open it as {known}. If the name is yours, add it to server.allowedHosts "
            "in .streamlit/config.toml, together with those you use already."
        )
    trusted = [origin.strip() for origin in st.get_option("server.corsAllowedOrigins")]
    if origins and origins[0] not in trusted and not _is_same(origins[0], hosts[0]):
        return (
            f"This server answers its own pages only, not those of {shorten(origins[0], LONGEST)}. If the page is yours, "
            "add it to server.corsAllowedOrigins in .streamlit/config.toml."
        )
    if not origins and _is_embedded(headers):
        return "This server answers its own pages only: open it in a tab of its own, not inside another page."
    return None


def is_own_host(host: str, address: str | None, names: Sequence[str] = ()) -> bool:
    """Whether a Host header, "name:port", names this server, which listens on `address` (None: everywhere).

    With `names` it must be one of them, where "*.lab" stands for every name below lab and "*" for all. Without any: a
    server may be called localhost, by its address, and, unless it listens on this machine only, by the machine's name.
    Where it listens everywhere every number goes, because numbers cannot be re-pointed.
    """
    match = _HOST.fullmatch(host)
    if not match:
        return False
    name = (match[1] or match[2]).lower()
    if names:
        return any(_fits(name, pattern.strip().strip("[]").rstrip(".").lower()) for pattern in names)
    if (number := _number(name)) is not None:
        return number.is_loopback or address in EVERYWHERE or number == _number(address or "")
    if address not in EVERYWHERE and is_this_machine_only(address or ""):
        return name == LOCAL
    return name in (LOCAL, (address or "").lower(), socket.gethostname().lower())


def is_this_machine_only(address: str) -> bool:
    """Whether a server that listens on `address` is out of other machines' reach."""
    number = _number(address)
    return address == LOCAL or (number is not None and number.is_loopback)


def _fits(name: str, pattern: str) -> bool:
    return pattern in ("*", name) or (pattern.startswith("*.") and name.endswith(pattern[1:]))


def _number(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        number = ipaddress.ip_address(name)
    except ValueError:
        return None
    return getattr(number, "ipv4_mapped", None) or number


def _is_same(origin: str, host: str) -> bool:
    """Whether a page of this origin came from this host. "null" and "file://" came from nowhere."""
    scheme, _, place = origin.lower().partition("://")
    return scheme in ("http", "https") and place == host.lower()


def _is_embedded(headers: Headers) -> bool:
    """Whether another site's page fetches or frames ours, by the browser's own word; following a link is no such thing."""
    foreign = headers.get("sec-fetch-site") in ("cross-site", "same-site")
    return foreign and (headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest")) != ("navigate", "document")
