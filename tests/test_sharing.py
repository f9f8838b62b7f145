"""Sharing, part by part: the password, its tries, the addresses and their code, how many may look."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Message, Receive, Scope, Send

from dhc.files import gate
from dhc.ui.shell import announced, password, reach, sharing
from dhc.ui.shell.password import PasswordError, Tries
from dhc.ui.shell.sharing import SharingError


def test_only_the_word_read_shares() -> None:
    assert sharing.is_wanted({"DHC_SHARE": " read "})
    assert not sharing.is_wanted({})
    assert not sharing.is_wanted({"DHC_SHARE": ""})
    for word in ("1", "true", "READ", "write", "read,write"):
        with pytest.raises(SharingError, match="it takes read, or nothing"):
            sharing.is_wanted({"DHC_SHARE": word})


def test_the_password_is_taken_out_of_the_environment(tmp_path: Path) -> None:
    environment = {"DHC_PASSWORD": "a b", "PATH": "/bin"}
    assert password.take(environment) == "a b"
    assert environment == {"PATH": "/bin"}
    (tmp_path / "word").write_text("tree jade\nanother line\n", encoding="utf-8")
    assert password.take({"DHC_PASSWORD_FILE": str(tmp_path / "word")}) == "tree jade"
    (tmp_path / "link").symlink_to(tmp_path / "word")  # as secrets are mounted into containers
    assert password.take({"DHC_PASSWORD_FILE": str(tmp_path / "link")}) == "tree jade"
    assert password.take({"DHC_PASSWORD": ""}) is None
    (tmp_path / "empty").write_text("\n", encoding="utf-8")
    with pytest.raises(PasswordError, match=r"The first line of .*empty is empty"):
        password.take({"DHC_PASSWORD_FILE": str(tmp_path / "empty")})
    with pytest.raises(PasswordError, match="1,000 at most"):
        password.take({"DHC_PASSWORD": "x" * 1_001})


def test_a_place_has_five_tries_a_minute_and_its_neighbours_have_theirs() -> None:
    now = [0.0]
    tries = Tries(lambda: now[0])
    for _ in range(5):
        assert not tries.are_used_up("10.0.0.7")
        tries.note("10.0.0.7")
        tries.note("2001:db8::1")
    assert tries.are_used_up("10.0.0.7")
    assert tries.are_used_up("::ffff:10.0.0.7"), "the same machine by its other name"
    assert tries.are_used_up("2001:db8::ffff"), "one machine has a whole network of numbers"
    assert not tries.are_used_up("10.0.0.8")
    assert not tries.are_used_up("2001:db8:0:1::1")
    now[0] = 61.0
    assert not tries.are_used_up("10.0.0.7")


def test_a_crowd_of_requests_gets_no_more_tries_than_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise AssertionError("let through")

    async def say_wrong(wall: password.Password) -> int:
        sent: list[Message] = []

        async def receive() -> Message:
            await asyncio.sleep(0)  # all have begun before the first body has come
            return {"type": "http.request", "body": b"password=guess"}

        async def send(message: Message) -> None:
            sent.append(message)

        headers = [(b"content-type", b"application/x-www-form-urlencoded")]
        scope = {
            "type": "http",
            "method": "POST",
            "path": "/",
            "headers": headers,
            "client": ("10.0.0.7", 1),
            "scheme": "http",
        }
        await wall(scope, receive, send)
        return int(sent[0]["status"])

    async def crowd() -> list[int]:
        wall = password.Password(never)
        return await asyncio.gather(*(say_wrong(wall) for _ in range(20)))

    monkeypatch.setattr(password, "_current", type("Set", (), {"word": "tree jade"}))
    assert sorted(asyncio.run(crowd())) == [401] * 5 + [429] * 15


def test_very_many_places_take_no_memory() -> None:
    tries = Tries()
    for number in range(10_050):
        tries.note(str(ipaddress.IPv4Address(number)))
    assert len(tries._times) == 10_000


@pytest.mark.parametrize(
    "address",
    [
        "http://10.0.0.7:8501/",
        "http://192.168.178.123:8502/",
        "https://gpu.uni.example:8600/dashboard/",
        "http://[2001:db8::12]:8501/",
    ],
)
def test_a_reader_of_qr_codes_reads_the_address(address: str) -> None:
    squares = re.findall(r"M(\d+) (\d+)h1v1h-1z", reach.qr_code(address))
    side = int(re.findall(r'viewBox="0 0 (\d+) ', reach.qr_code(address))[0])
    modules = np.full((side, side), 255, np.uint8)
    for x, y in squares:
        modules[int(y), int(x)] = 0
    places = np.argwhere(modules == 0)
    assert places.min() == reach.QUIET
    assert places.max() == side - 1 - reach.QUIET
    assert cv2.QRCodeDetector().detectAndDecode(np.kron(modules, np.ones((6, 6), np.uint8)))[0] == address


def test_the_machines_addresses_are_numbers_that_others_reach() -> None:
    for host in reach.hosts():
        number = ipaddress.IPv4Address(host)
        assert not number.is_loopback
        assert not number.is_link_local


class Wall:
    """The wall of a view before a server that answers everything, and who stays until told to leave."""

    def __init__(self) -> None:
        self.leave = asyncio.Event()
        self.wall = sharing.ReadingOnly(self.serve)

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await PlainTextResponse("a page")(scope, receive, send)
        else:
            await self.leave.wait()

    async def ask(self, method: str) -> list[Message]:
        return await self.pass_through({"type": "http", "method": method, "path": "/", "headers": []})

    async def look(self) -> list[Message]:
        return await self.pass_through({"type": "websocket", "path": "/", "headers": []})

    async def pass_through(self, scope: dict[str, Any]) -> list[Message]:
        sent: list[Message] = []

        async def send(message: Message) -> None:
            sent.append(message)

        await self.wall(scope, self.leave.wait, send)  # type: ignore[arg-type]
        return sent


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> Wall:
    monkeypatch.setattr(gate, "is_shut", lambda: True)
    monkeypatch.setattr(sharing, "MOST", 2)
    return Wall()


@pytest.mark.parametrize(
    ("method", "status"), [("GET", 200), ("HEAD", 200), ("POST", 405), ("PUT", 405), ("DELETE", 405), ("BREW", 405)]
)
def test_a_view_takes_gets_and_no_other_method(wall: Wall, method: str, status: int) -> None:
    start = asyncio.run(wall.ask(method))[0]
    assert start["status"] == status
    assert ((b"allow", b"GET, HEAD") in start["headers"]) is (status == 405)


def test_a_full_view_says_so_and_has_room_again_when_somebody_leaves(wall: Wall) -> None:
    async def crowd() -> None:
        guests = [asyncio.create_task(wall.look()) for _ in range(3)]
        await asyncio.sleep(0)
        start, body = await wall.ask("GET")
        assert start["status"] == 503
        assert b"2 browsers are looking at this view" in body["body"]
        wall.leave.set()
        ends = await asyncio.gather(*guests)
        assert [[message["type"] for message in end] for end in ends] == [[], [], ["websocket.close"]]
        assert (await wall.ask("GET"))[0]["status"] == 200

    asyncio.run(crowd())


def test_a_view_that_ended_hides_none_that_still_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = tmp_path / "runs"
    for place in ("http://first/", "http://second/"):
        monkeypatch.setattr(reach, "addresses", lambda place=place: [place])
        announced.announce(runs)
    assert announced.address(runs) == "http://second/"
    text = json.loads((runs / announced.FILE).read_text(encoding="utf-8"))
    text["views"][1]["process"]["created"] -= 1000.0
    text["views"][1]["process"]["ticks"] = 1
    (runs / announced.FILE).write_text(json.dumps(text), encoding="utf-8")
    assert announced.address(runs) == "http://first/"


@pytest.mark.parametrize("text", ["[]", '{"views": 3}', '{"views": [3, {}, {"process": [], "addresses": 5}]}'])
def test_what_anyone_may_have_announced_is_no_address(tmp_path: Path, text: str) -> None:
    (tmp_path / announced.FILE).write_text(text, encoding="utf-8")
    assert announced.address(tmp_path) is None
