"""Whom the real server answers, and that it asks nobody outside: its own process records every address it turns to."""

from __future__ import annotations

import ipaddress
import json
import random
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from harness import Server, start_server
from screens import ROOT
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect

from dhc.ui.shell.visitors import is_own_host
from faults.cases import Case, fault

PATHS = (
    "/", "/data", "/favicon.png", "/static/js/index.js", "/media/0123.png", "/component/dhc.plot/index.html",
    "/_stcore/health", "/_stcore/host-config", "/_stcore/metrics", "/_stcore/bidi-components/dhc/plot.js",
    "/_stcore/upload_file/a/b", "/_stcore/stream", "/no/such/page",
)  # fmt: skip
EVIL, OURS = "evil.example", "127.0.0.1"
SHAKES = 400  # hostile handshakes, always the same ones
# What a Python process loads first: it writes down whom it connects to, sends to, and asks for the address of.
RECORDER = """
import json, os, sys
WATCHED = {"socket.connect": 1, "socket.sendto": 1, "socket.sendmsg": 1, "socket.getaddrinfo": 0, "socket.gethostbyname": 0}
log = os.open(os.environ["ADDRESSES"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
def record(event, args):
    if event in WATCHED:
        place = args[WATCHED[event]]
        os.write(log, (json.dumps([event, str(place[0] if isinstance(place, tuple) else place)]) + "\\n").encode())
sys.addaudithook(record)
"""


class Recorded:
    """A server of the product, and what its process turned to since it was started."""

    def __init__(self, folder: Path, *args: str) -> None:
        (folder / "sitecustomize.py").write_text(RECORDER, encoding="utf-8")
        self._addresses = folder / "addresses"
        env = {"PYTHONPATH": str(folder), "ADDRESSES": str(self._addresses), "DHC_RUNS_DIR": str(folder / "runs")}
        self.server: Server = start_server(ROOT / "app.py", folder / "log", env=env, args=args)
        self.port = urlsplit(self.server.url).port

    def outside(self) -> list[tuple[str, str]]:
        """What it did that leads out of this machine, a mere question for a name included."""
        events = [json.loads(line) for line in self._addresses.read_text().splitlines()]
        return [(event, place) for event, place in events if not _is_local(place)]

    def answer(self, request: str) -> int:
        """The status of its answer to these lines, sent as they are; 0 where it hangs up."""
        with socket.create_connection((OURS, self.port), 10) as line:
            line.sendall(request.replace("\n", "\r\n").encode("utf-8", "surrogateescape") + b"\r\n\r\n")
            words = line.recv(64).split(b" ")
        return int(words[1]) if len(words) > 1 else 0

    def ask(self, path: str, host: str, *lines: str, method: str = "GET") -> int:
        """The status of its answer to a request of this host; to a handshake where the path takes a WebSocket."""
        shake = SHAKE if path == "/_stcore/stream" else ()
        return self.answer(
            "\n".join([f"{method} {path} HTTP/1.1", f"Host: {host}", "Connection: close", *lines, *shake])
        )

    def first_page(self) -> None:
        """Open Home as a browser does, to the end of its script."""
        url = self.server.url
        with connect(f"ws{url[4:]}/_stcore/stream", origin=url, subprotocols=["streamlit"], max_size=None) as line:  # type: ignore[arg-type, list-item]
            message = BackMsg()
            message.rerun_script.query_string = ""
            line.send(message.SerializeToString())
            answers = (ForwardMsg.FromString(line.recv(60)) for _ in iter(int, 1))  # type: ignore[arg-type]
            end = next(answer for answer in answers if answer.WhichOneof("type") == "script_finished")
        assert end.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY


SHAKE = (
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
)


def _is_local(place: str) -> bool:
    try:
        return ipaddress.ip_address(place).is_loopback
    except ValueError:
        return place in ("localhost", "None") or place.startswith("/")  # a socket in the file system


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorded]:
    started = Recorded(tmp_path_factory.mktemp("recorded"))
    yield started
    started.server.stop()


@fault(
    "a page of the web whose name was re-pointed to this machine",
    done="every path of the running server, pages, uploads, media and WebSocket, is asked for with the Host of evil.example",
    says="403",
)
def test_a_name_that_was_re_pointed_gets_nothing(recorded: Recorded, case: Case) -> None:
    host = f"{EVIL}:{recorded.port}"
    for path in PATHS:
        for method in ("GET", "PUT") if "upload" in path else ("GET",):
            status = recorded.ask(path, host, f"Origin: http://{host}", method=method)
            assert case.is_said(str(status)), path
    assert recorded.ask("/", f"{OURS}:{recorded.port}") == 200


@fault(
    "another site's page that fetches or frames the dashboard",
    done="the running server is asked as Chromium does for a frame, a picture and a WebSocket of a page from elsewhere, and for a link",
    says="403",
)
def test_only_a_link_leads_here_from_another_site(recorded: Recorded, case: Case) -> None:
    host = f"{OURS}:{recorded.port}"
    for site in ("cross-site", "same-site"):
        for mode, dest in (
            ("navigate", "iframe"),
            ("no-cors", "image"),
            ("websocket", "empty"),
            ("navigate", "object"),
        ):
            fetched = (f"Sec-Fetch-Site: {site}", f"Sec-Fetch-Mode: {mode}", f"Sec-Fetch-Dest: {dest}")
            for path in ("/", "/media/0123.png", "/_stcore/stream"):
                assert case.is_said(str(recorded.ask(path, host, *fetched)))
        link = (f"Sec-Fetch-Site: {site}", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document")
        assert recorded.ask("/runs", host, *link) == 200
    for origin in ("http://localhost:3000", "null", "file://", f"http://{EVIL}"):
        assert recorded.ask("/_stcore/health", host, f"Origin: {origin}") == 403


@fault(
    "hostile handshakes, and a server that asks outside what to think of them",
    done="400 seeded handshakes with Hosts and Origins missing, doubled, malformed, foreign, very long; then Home is opened. "
    "The server's process records every address that it turns to from its start on: none outside",
)
def test_no_handshake_of_another_page_succeeds_and_none_makes_the_server_ask_outside(
    recorded: Recorded, case: Case
) -> None:
    words = random.Random(11)
    for _ in range(SHAKES):
        hosts, origins = _hosts(words, recorded.port), _origins(words, recorded.port)
        target = words.choice(["/_stcore/stream"] * 8 + [f"http://{EVIL}/_stcore/stream", "*"])
        lines = [f"Host: {host}" for host in hosts] + [f"Origin: {origin}" for origin in origins]
        lines += words.choice([[], [f"X-Forwarded-Host: {OURS}:{recorded.port}", "Forwarded: host=127.0.0.1"]])
        status = recorded.answer("\n".join([f"GET {target} HTTP/1.1", *lines, *SHAKE]))
        own = len(hosts) == 1 and hosts[0] in _own(recorded.port) and origins in ([], [f"http://{hosts[0]}"])
        assert status == 101 if own and target.startswith("/") else status in (400, 403), (target, lines, status)
    recorded.first_page()
    assert f"Open {recorded.server.url}/" in recorded.server.log.read_text()
    outside = recorded.outside()
    assert not outside, outside


def _own(port: int | None) -> list[str]:
    return [
        f"{OURS}:{port}",
        f"localhost:{port}",
        "LocalHost:9000",
        "localhost.:8600",
        "127.0.0.1",
        "[::1]:8501",
        "127.8.9.1:80",
    ]


def _hosts(words: random.Random, port: int | None) -> list[str]:
    strange = [
        "", EVIL, f"{EVIL}:{port}", f"{OURS}@{EVIL}", f"user:pass@{OURS}:{port}", f"{OURS}:{port}:{port}", f"{OURS}:99999999", f"{OURS}:x",
        "127.0.0.1.evil.example", "localhost.evil.example", "evil.localhost", "10.0.0.7:8501", "[::2]", "[::1", "::1", "0.0.0.0:8501",
        "2130706433", "0x7f.1", "127.1", "xn--lcalhost-54a", "lοcalhost", "１２７.0.0.1", f"{OURS}/{EVIL}", f"{OURS}#", f"{OURS} {EVIL}",
        f"{OURS},{EVIL}", "a" * 3000, "localhost" * 900, "*", ".", "..", "localhost..",
    ]  # fmt: skip
    return [words.choice(_own(port) + strange) for _ in range(words.choice([0, *[1] * 12, 2]))]


def _origins(words: random.Random, port: int | None) -> list[str]:
    strange = [
        "null", "file://", "", EVIL, f"http://{EVIL}", f"http://{EVIL}:{port}", f"http://{OURS}:{port}@{EVIL}", "http://localhost:3000", f"ws://{OURS}:{port}",
        f"http://{OURS}:{port}/", f"chrome-extension://{OURS}:{port}", "https://checkip.amazonaws.com", "http://8.8.8.8", "http://" + "b" * 3000, "http://[::1", "://",
    ]  # fmt: skip
    own = [f"http://{host}" for host in _own(port)]
    return [words.choice(own + strange) for _ in range(words.choice([0, 0, *[1] * 8, 2]))]


@fault(
    "a server opened to the network on purpose, behind a proxy",
    done="`--server.address 0.0.0.0` and a trusted origin: it is asked by its numbers, its own name and through the proxy; a re-pointed name is not",
    says="403",
)
def test_a_server_opened_on_purpose_answers_by_number_and_still_asks_nobody(tmp_path: Path, case: Case) -> None:
    trusted = "https://gpu.lab"
    opened = Recorded(tmp_path, "--server.address=0.0.0.0", f"--server.corsAllowedOrigins={trusted}")
    try:
        for host in ("192.168.1.5:8501", f"localhost:{opened.port}", f"{socket.gethostname()}:8501", "[fe80::1]:8501"):
            assert opened.ask("/_stcore/stream", host, f"Origin: http://{host}") == 101, host
        assert opened.ask("/_stcore/stream", "127.0.0.1:8501", f"Origin: {trusted}") == 101
        for path in PATHS:
            assert case.is_said(str(opened.ask(path, EVIL, f"Origin: http://{EVIL}"))), path
            assert case.is_said(str(opened.ask(path, "127.0.0.1:8501", f"Origin: http://{EVIL}"))), path
        assert not opened.outside(), opened.outside()
        assert f"Open http://localhost:{opened.port}/" in opened.server.log.read_text()
    finally:
        opened.server.stop()


@pytest.mark.parametrize(
    ("address", "names", "own", "foreign"),
    [
        ("127.0.0.1", (), "localhost:9000 127.0.0.1 [::1]:80 [::ffff:7f00:1] LOCALHOST.", "10.0.0.7 gpu 0.0.0.0 a@localhost"),
        ("::1", (), "[::1]:8501 localhost:8600 127.0.0.1:8600", "[::2]:8501 ::1 evil.example"),
        ("localhost", (), "localhost 127.0.0.1:1", "localhost.evil.example 192.168.1.5"),
        ("192.168.1.5", (), "192.168.1.5:8501 localhost:8501 127.0.0.1", "192.168.1.6 evil.example"),
        ("gpu.lab", (), "gpu.lab:8501 GPU.lab localhost", "xgpu.lab gpu.lab.evil.example 10.0.0.7"),
        (None, (), "10.0.0.7:8501 [2001:db8::1]:8501 localhost", "evil.example 2130706433 10.0.0"),
        ("::", (), "10.0.0.7:8501 [2001:db8::1]:8501", "evil.example"),
        ("127.0.0.1", ("gpu.lab", "*.uni.example", "[::1]"), "GPU.lab:8600 a.b.uni.example [::1]", "localhost uni.example evil.example"),
        ("127.0.0.1", ("*",), "evil.example", "a@evil.example evil.example:x evil_example/"),
    ],
)  # fmt: skip
def test_a_server_has_the_names_of_its_address_or_those_that_are_listed(
    address: str | None, names: tuple[str, ...], own: str, foreign: str
) -> None:
    assert [host for host in own.split() if not is_own_host(host, address, names)] == []
    assert [host for host in foreign.split() if is_own_host(host, address, names)] == []
