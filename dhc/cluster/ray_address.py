"""The address of a Ray cluster: whether something answers there, and what is wrong where Ray would not connect."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

from dhc.cluster.engine import EngineError
from dhc.text import one_line

CLIENT_PORT, HEAD_PORT = 10001, 6379
KNOCK = 3.0  # seconds to wait for the head to take a connection


def refusal(address: str, text: str) -> str:
    """Why Ray would not connect, and what to do."""
    if "mismatch" in text.lower() or "incompatible" in text.lower():
        details = one_line(text.partition(":")[2] or text, 150)
        return (
            f"the Ray cluster at {address} has another version of Ray or Python than this program ({details}): install the same "
            "ones on all machines, with requirements-cluster.txt and constraints.txt"
        )
    if not address.startswith("ray://"):
        what = "any Ray cluster" if address == "auto" else f"the Ray cluster at {address}"
        return (
            f"this machine is no part of {what}: join it by `ray start --address=HEAD:{HEAD_PORT}`, or give its "
            f"address as ray://HEAD:{CLIENT_PORT} ({one_line(text, 120)})"
        )
    return (
        f"what answers at {address} is no Ray that takes clients: the address is that of the head, with the port that `ray start "
        f"--head --ray-client-server-port={CLIENT_PORT}` was given ({one_line(text, 120)})"
    )


def whole(address: str) -> str:
    """The address with the port that it leaves out."""
    if address in ("", "auto") or urlsplit(_as_url(address)).port is not None:
        return address
    return f"{address}:{CLIENT_PORT if address.startswith('ray://') else HEAD_PORT}"


def _as_url(address: str) -> str:
    return address if "://" in address else f"gcs://{address}"


def knock(address: str) -> None:
    """Raise EngineError where nothing takes a connection at a `whole` address: Ray itself would try for long, and say less."""
    if address == "auto":
        return
    parts = urlsplit(_as_url(address))
    host, port = parts.hostname or "", parts.port or 0
    try:
        socket.create_connection((host, port), KNOCK).close()
    except socket.gaierror:
        raise EngineError(
            f"no machine is called {host}: give the address of the cluster's head, such as ray://10.0.0.5:{CLIENT_PORT}"
        ) from None
    except OSError as error:
        reason = "does not answer" if isinstance(error, TimeoutError) or not error.strerror else error.strerror.lower()
        raise EngineError(
            f"no Ray cluster answers at {host}:{port} ({reason}): start its head as docs/clusters.md says, or correct the address"
        ) from None
