"""A password before everything that this server answers, where one is set: pages, files, pictures and WebSockets alike.

It comes from ``DHC_PASSWORD`` or from the file that ``DHC_PASSWORD_FILE`` names, never from the command line, which other users of
the machine can read. A browser that has said it keeps a signed cookie until the server ends, or for twelve hours.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import html
import ipaddress
import secrets
import time
import unicodedata
from collections import deque
from collections.abc import Callable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs

import streamlit as st
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from dhc.errors import UserError
from dhc.files.read import read_regular
from dhc.ui.shell.replies import reply, show
from dhc.ui.widgets import assets

VARIABLE, FILE_VARIABLE = "DHC_PASSWORD", "DHC_PASSWORD_FILE"
LONGEST: Final = 1_000  # characters of a password
MOST_BODY: Final = 8_000  # bytes of a form with one field
PATIENCE: Final = 10.0  # seconds that a form may take to arrive
LASTS: Final = 12 * 3600  # seconds that a browser need not be asked again: a school day
TRIES, SPAN = 5, 60.0  # wrong passwords from one place within so many seconds, after which it waits
MOST_PLACES: Final = 10_000  # that are remembered
FIELD: Final = "password"
FORM: Final = "application/x-www-form-urlencoded"
WRONG: Final = "That is not the password."
WAIT: Final = "Too many wrong passwords from this place: wait a minute, then try again."


class PasswordError(UserError):
    """A password that cannot be used."""


def take(environment: MutableMapping[str, str]) -> str | None:
    """The password that is set, taken out of the environment so that no child process has it; None: there is none.

    Raises PasswordError, OSError.
    """
    word, file = environment.pop(VARIABLE, ""), environment.pop(FILE_VARIABLE, "")
    if file:
        lines = read_regular(Path(file).expanduser().resolve(), 10 * LONGEST).decode("utf-8", "replace").splitlines()
        word = lines[0] if lines else ""
        if not word.strip():
            raise PasswordError(
                f"The first line of {file} is empty: write the password there, or unset {FILE_VARIABLE}."
            )
    if len(word) > LONGEST:
        raise PasswordError(f"The password has {len(word):,} characters: {LONGEST:,} at most.")
    return word or None


class Tries:
    """Wrong passwords by place: an IPv4 address, or the network of an IPv6 one, of which a single machine has many."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._times: dict[str, deque[float]] = {}

    def are_used_up(self, address: str) -> bool:
        """Whether this place must wait."""
        return len(self._recent(_place(address))) >= TRIES

    def note(self, address: str) -> None:
        """One more wrong password."""
        place = _place(address)
        times = self._recent(place)
        times.append(self._clock())
        self._times[place] = times
        while len(self._times) > MOST_PLACES:
            self._times.pop(next(iter(self._times)))

    def _recent(self, place: str) -> deque[float]:
        times = self._times.get(place, deque(maxlen=TRIES))
        while times and self._clock() - times[0] > SPAN:
            times.popleft()
        if not times:
            self._times.pop(place, None)
        return times


def _place(address: str) -> str:
    try:
        number = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(number, ipaddress.IPv6Address) and number.ipv4_mapped is None:
        return str(ipaddress.ip_network((number, 64), strict=False))
    return str(getattr(number, "ipv4_mapped", None) or number)


class Password:
    """ASGI middleware that lets nobody through who has not said the password; everybody where there is none."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._key = secrets.token_bytes(32)  # of this start alone: with the server its cookies end
        self._tries = Tries()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or ask for the password."""
        if scope["type"] == "lifespan" or (word := _current.word) is None:
            await self.app(scope, receive, send)
        elif scope["type"] == "http" and scope["method"] == "POST" and _media_type(scope) == FORM:
            await self._judge(scope, receive, send, word)
        elif self._is_known(scope):
            await self.app(scope, receive, send)
        elif scope["type"] == "http" and _is_page(scope):
            await show(scope, receive, send, 401, _page(""))
        else:
            await reply(scope, receive, send, 401, "Open this server's first page and say the password.")

    async def _judge(self, scope: Scope, receive: Receive, send: Send, word: str) -> None:
        """Answer the form: back to the page that was asked for, or the form again."""
        said = await _said(receive)
        # From here to the note nothing else runs: no crowd of requests gets more tries than one after the other.
        address = str((scope.get("client") or ("",))[0])
        if self._tries.are_used_up(address):
            await show(scope, receive, send, 429, _page(WAIT), {"Retry-After": str(int(SPAN))})
            return
        if not hmac.compare_digest(_digest(said or ""), _digest(word)):
            self._tries.note(address)
            await show(scope, receive, send, 401, _page(WRONG))
            return
        await reply(scope, receive, send, 303, "", {"Location": _here(scope), "Set-Cookie": self._cookie(scope)})

    def _cookie(self, scope: Scope) -> str:
        until = str(int(time.time()) + LASTS)
        secure = "; Secure" if scope["scheme"] == "https" else ""
        value = f"{until}.{self._signature(until)}"
        return f"{_cookie_name()}={value}; Path=/; Max-Age={LASTS}; HttpOnly; SameSite=Lax{secure}"

    def _signature(self, until: str) -> str:
        return hmac.new(self._key, until.encode(), hashlib.sha256).hexdigest()

    def _is_known(self, scope: Scope) -> bool:
        """Whether the request carries a cookie of ours that is still good."""
        for line in Headers(scope=scope).getlist("cookie"):
            try:
                morsel = SimpleCookie(line).get(_cookie_name())
            except CookieError:
                continue
            until, _, signature = (morsel.value if morsel else "").partition(".")
            if hmac.compare_digest(signature.encode(), self._signature(until).encode()):
                return time.time() < int(until)  # which we wrote ourselves
        return False


class _Current:
    """The password of this process."""

    word: str | None = None


_current: Final = _Current()


def ask_for(word: str | None) -> None:
    """Ask everyone for this password from here on; nobody for None."""
    _current.word = word


def is_asked() -> bool:
    """Whether this server asks for a password."""
    return _current.word is not None


def _digest(word: str) -> bytes:
    """Of one length for every word, and the same however a keyboard composes its accents."""
    return hashlib.sha256(unicodedata.normalize("NFC", word).encode("utf-8", "surrogatepass")).digest()


async def _said(receive: Receive) -> str | None:
    """The password in the body of a form; None where there is none, or where it is too long or too slow."""
    body = b""
    try:
        async with asyncio.timeout(PATIENCE):
            while len(body) <= MOST_BODY:
                message = await receive()
                body += message.get("body", b"")
                if not message.get("more_body"):
                    fields = parse_qs(body.decode("utf-8", "replace"), max_num_fields=5)
                    return str(fields.get(FIELD, [""])[0])
    except (TimeoutError, ValueError):
        return None
    return None


def _media_type(scope: Scope) -> str:
    return Headers(scope=scope).get("content-type", "").partition(";")[0].strip().lower()


def _is_page(scope: Scope) -> bool:
    headers = Headers(scope=scope)
    return scope["method"] == "GET" and "text/html" in headers.get("accept", "")


def _here(scope: Scope) -> str:
    """The address of the request below this server's root, which no second slash leads away from."""
    path = (scope.get("raw_path") or b"/").partition(b"?")[0].lstrip(b"/\\").decode("ascii", "ignore")
    query = scope.get("query_string", b"").decode("ascii", "ignore")
    return f"/{path}{'?' if query else ''}{query}"


def _cookie_name() -> str:
    """Its own for each port: browsers tell no ports apart."""
    return f"dhc_{st.get_option('server.port')}"


def _page(problem: str) -> str:
    page = assets.path("shell/password.html").read_text(encoding="utf-8")
    return page.replace("{problem}", f'<p role="alert">{html.escape(problem)}</p>' if problem else "")
