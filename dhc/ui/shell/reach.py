"""Where the server is reached: its addresses on the network, and one of them as a QR code."""

from __future__ import annotations

import base64
import functools
import html
import ipaddress
import socket
from typing import Final
from urllib.parse import urlsplit

import numpy as np
import psutil
import streamlit as st

from dhc.text import whole
from dhc.ui.shell import password, sharing
from dhc.ui.shell.visitors import EVERYWHERE, LOCAL, is_this_machine_only

HERE: Final = ""  # for `address`: the name under which this machine opens the server
VIRTUAL: Final = ("docker", "br-", "veth", "virbr", "vmnet", "vbox", "utun", "tun", "tap", "wg", "lo")
EXPLANATION: Final = "Everything here can be looked at. Nothing can be started, changed or deleted: that is what the full dashboard is for."
QUIET: Final = 4  # modules around a QR code that must be light


def address(host: str) -> str:
    """The address of the dashboard on a host of this server, such as ``http://192.168.1.5:8501/``."""
    own = st.get_option("server.address")
    host = host or (LOCAL if own in EVERYWHERE else own)
    scheme = "https" if st.get_option("server.sslCertFile") else "http"
    path = st.get_option("server.baseUrlPath").strip("/")
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{st.get_option('server.port')}/{path}"


def addresses() -> list[str]:
    """Where others on the network open the dashboard, the likeliest first; none where it listens on this machine only."""
    own = st.get_option("server.address")
    if own not in EVERYWHERE:
        return [] if is_this_machine_only(own) else [address(own)]
    return [address(host) for host in hosts()]


def hosts() -> list[str]:
    """This machine's IPv4 addresses on networks that are up, those of real cards and private networks first."""
    up = {name for name, status in psutil.net_if_stats().items() if status.isup}
    every = [
        (name, ipaddress.IPv4Address(one.address))
        for name, ones in psutil.net_if_addrs().items()
        for one in ones
        if one.family == socket.AF_INET and name in up
    ]
    reachable = [(name, number) for name, number in every if not (number.is_loopback or number.is_link_local)]
    ranked = sorted(reachable, key=lambda entry: (entry[0].lower().startswith(VIRTUAL), not entry[1].is_private))
    return [str(number) for _, number in ranked]


def badge(*, short: bool) -> None:
    """In a read-only view: that it is one, and where pupils open it, as text and as a QR code; `short` of that, at a click."""
    if not sharing.is_read_only():
        return
    place = shared_address()
    label = "Read-only view" if short or place is None else f"Read-only view: {place}"
    with st.popover(label, icon=":material/visibility:", key="dhc-shared"):
        st.markdown(EXPLANATION)
        if place is not None:
            code = base64.b64encode(qr_code(place).encode()).decode()
            st.html(f'<img alt="QR code of {html.escape(place)}" width="320" src="data:image/svg+xml;base64,{code}">')
            st.markdown(f"**{place}**")
        st.caption("It asks for a password." if password.is_asked() else "It asks for no password.")


def shared_address() -> str | None:
    """The address for pupils: the one that this very page was opened by, unless only this machine reaches that."""
    page = urlsplit(st.context.url or "")
    if page.hostname and not is_this_machine_only(page.hostname):
        path = st.get_option("server.baseUrlPath").strip("/")
        return f"{page.scheme}://{page.netloc}/{path}"
    return next(iter(addresses()), None)


@functools.lru_cache(maxsize=32)
def qr_code(text: str) -> str:
    """A QR code as SVG, one unit a module, black on white in both themes, with the light edge that readers need."""
    import cv2  # 0.1 s and 40 MB that no full dashboard needs for this

    picture = cv2.QRCodeEncoder.create().encode(whole(text))  # half a character would end the whole process
    rows, columns = np.nonzero(picture == 0)
    dark = picture[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1] == 0  # without OpenCV's own edge
    side = len(dark) + 2 * QUIET
    path = "".join(f"M{x + QUIET} {y + QUIET}h1v1h-1z" for y, x in np.argwhere(dark))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}" '
        f'shape-rendering="crispEdges"><rect width="{side}" height="{side}" fill="#fff"/><path d="{path}" fill="#000"/></svg>'
    )
