"""The real server: who can reach it, what it refuses, and that it says so."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from harness import Server, start_server
from screens import ROOT, texts
from streamlit.testing.v1 import AppTest

from dhc.ui.home import exposure_warning
from dhc.ui.shell import password
from faults.cases import Case, fault
from faults.house import House, house, no_waiting

__all__ = ["house", "no_waiting"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    started = start_server(ROOT / "app.py", folder / "log", env={"DHC_RUNS_DIR": str(folder / "runs")})
    yield started
    started.stop()


@fault(
    "someone on the network",
    done="`streamlit run app.py`, and every socket that its processes listen on",
    says="Served on this machine only (127.0.0.1)",
)
def test_the_server_listens_on_this_machine_only(
    server: Server, case: Case, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = psutil.Process(server.process.pid)
    sockets = [
        connection.laddr
        for one in (process, *process.children(recursive=True))
        for connection in one.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert [address.ip for address in sockets] == ["127.0.0.1"]
    assert server.url.endswith(f":{sockets[0].port}")
    monkeypatch.chdir(ROOT)
    assert case.is_said(texts(AppTest.from_file(str(ROOT / "app.py"), default_timeout=30).run()))


@pytest.mark.parametrize("headers", [{}, {"X-Xsrftoken": "2|forged"}, {"Origin": "http://evil.example"}])
@fault(
    "a form on another site",
    done="a file is put to the running server without the page's token, and with a forged one",
    says="403",
)
def test_an_upload_without_the_token_is_refused(server: Server, case: Case, headers: dict[str, str]) -> None:
    request = urllib.request.Request(f"{server.url}/_stcore/upload_file/a/b", data=b"x", method="PUT", headers=headers)
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=10)
    with caught.value:
        assert case.is_said(str(caught.value.code))


@fault("telemetry", done="the running server's own settings are asked for: none is gathered")
def test_the_server_asks_the_browser_for_no_telemetry(server: Server, case: Case) -> None:
    config = (ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8")
    assert "gatherUsageStats = false" in config
    with urllib.request.urlopen(f"{server.url}/_stcore/host-config", timeout=10) as answer:
        assert not json.load(answer).get("metricsUrl")


@fault(
    "a server opened to the network",
    done="server.address empty, 0.0.0.0, 192.168.1.5, …",
    says="Everyone who can reach this machine's port 8501 can start and delete runs.",
)
def test_home_says_who_can_reach_the_server(case: Case) -> None:
    for address in (None, "", "0.0.0.0", "::", "192.168.1.5", "evil.example"):
        assert case.is_said(exposure_warning(address, 8501) or ""), address
    for address in ("127.0.0.1", "localhost", "127.8.0.1", "::1"):
        assert exposure_warning(address, 8501) is None, address


def test_a_password_is_named_where_one_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(password, "is_asked", lambda: True)
    assert str(exposure_warning("0.0.0.0", 8501)).startswith("Everyone who knows the password and can reach")


def test_home_shows_it(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=30)
    assert "Served on this machine only (127.0.0.1)" in texts(at.run())
    import streamlit as st

    real = st.get_option
    monkeypatch.setattr(st, "get_option", lambda name: "0.0.0.0" if name == "server.address" else real(name))
    assert "can start and delete runs" in texts(at.run())
    assert os.environ["DHC_RUNS_DIR"] == str(house.runs)
    assert isinstance(house.folder, Path)
