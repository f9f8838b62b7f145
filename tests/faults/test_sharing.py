"""The read-only view, as a real server: every write is tried by HTTP and by WebSocket, and nothing changes."""

from __future__ import annotations

import http.client
import json
import re
import shutil
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import psutil
import pytest
from browsers import Browser, Shown
from harness import Server, start_server
from make_run import make_run
from processes import processes_of
from screens import ROOT
from streamlit.proto.BackMsg_pb2 import BackMsg
from websockets.exceptions import ConnectionClosed, InvalidStatus

from dhc.jobs import trash
from dhc.runs import rundir
from faults.cases import Case, fault
from faults.house import prints
from faults.test_visitors import PATHS

pytestmark = pytest.mark.slow
ENDED, BROKEN, WAITING, DELETED = (f"2026010{n}-000000-vgg16-000{n}" for n in range(1, 5))
# Pages and what stands in their address, so that as much as there is can be pressed.
VIEWS: tuple[tuple[str, Mapping[str, str]], ...] = (
    ("", {}),
    ("data", {"view": "check"}),
    ("data", {"view": "augmentation"}),
    ("train", {}),
    ("live", {"run": ENDED}),
    ("live", {"run": BROKEN}),
    ("live", {"run": WAITING}),
    ("runs", {"storage": "open", "select": ENDED, "run": ENDED}),
    ("runs", {"select": WAITING, "run": WAITING}),
    ("runs", {"select": f"{ENDED},{BROKEN}", "panel": "noise"}),
    ("mistakes", {"run": ENDED}),
    ("confusion", {"run": ENDED}),
    ("map", {"run": ENDED}),
    ("map", {"run": ENDED, "view": "training"}),
    ("network", {"run": ENDED, "view": "maps"}),
    ("review", {"run": ENDED, "show": "all"}),
    ("predict", {"run": ENDED}),
    ("ladder", {}),
    ("lessons", {}),
    ("lessons", {"lesson": "convolution"}),
    ("teach", {}),
)
REFUSED = "This is a read-only view: it starts, changes and deletes nothing"
HEAVY, CARD = 2, 7  # places in VIEWS: the augmentation, which loads Keras; the card of the run that has ended
STARTS = ("Start the demo", "Queue behind 1 run", "Run the missing rungs", "Run the experiment", "Check every picture")
# The product's app.py, but no screen knows that it is a view.
OFFERS_ALL = f"""
import runpy
if __name__ == "__main__":
    from dhc.ui.shell import sharing
    sharing.is_read_only = lambda: False
    runpy.run_path({str(ROOT / "app.py")!r}, run_name="__main__")
else:
    import streamlit as st
    from dhc.ui.shell import server
    server.prepare()
    app = st.App(__file__, middleware=server.MIDDLEWARE, lifespan=server.say_address)
"""
METHODS = ("POST", "PUT", "DELETE", "PATCH", "OPTIONS")
PASSWORD = "Grüße an 7b"


class House:
    """Runs in every state, one of them deleted, and a data set."""

    def __init__(self, folder: Path, data: Path) -> None:
        self.folder, self.runs, self.data = folder, folder / "runs", folder / "data"
        shutil.copytree(data, self.data / data.name)
        for number, (run_id, how) in enumerate(((ENDED, "finished"), (BROKEN, "failed"), (DELETED, "finished"))):
            make_run(self.runs, self.data / data.name, run_id=run_id, epochs=3, how=how, seed=number)  # type: ignore[arg-type]
        waiting = self.runs / WAITING
        waiting.mkdir()
        shutil.copy(self.runs / ENDED / rundir.CONFIG, waiting / rundir.CONFIG)
        (waiting / rundir.REQUEST).write_text(json.dumps({"queued_at": 1.0, "device": "cpu"}), encoding="utf-8")
        (self.runs / ENDED / rundir.BEST).write_bytes(b"a network")
        trash.delete_all(self.runs, [DELETED])
        shutil.rmtree(self.data / data.name / ".dhc", ignore_errors=True)

    def serve(self, name: str, *, script: Path = ROOT / "app.py", **env: str) -> Server:
        """A server of the product on these folders."""
        places = {"DHC_RUNS_DIR": str(self.runs), "DHC_DATA_DIR": str(self.data), "XDG_CACHE_HOME": str(self.cache)}
        return start_server(script, self.folder / f"{name}.log", env={**places, **env})

    @property
    def cache(self) -> Path:
        """Where a user's caches would be."""
        return self.folder / "cache"

    def state(self) -> tuple[object, ...]:
        """Everything that a server could change."""
        return (
            prints(self.runs),
            prints(self.data),
            self.cache.exists(),
            {process.pid for process in processes_of(self.folder)},
        )


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, tiny_data: Path) -> House:
    return House(tmp_path_factory.mktemp("shared"), tiny_data)


@pytest.fixture(scope="module")
def view(house: House) -> Iterator[Server]:
    """The read-only server, which comes first: nobody has decoded the pictures yet."""
    server = house.serve("view", DHC_SHARE="read")
    yield server
    server.stop()


def look(server: Server, page: str, address: Mapping[str, str], press: Sequence[str] = ()) -> Shown:
    """What a page shows in a session of its own, after these of its buttons are pressed at once."""
    with Browser(server.url) as browser:
        shown = browser.open(page, **address)
        shown = browser.click(*press) if press else shown
    assert shown.status == 0, (page, address)
    assert "of ours broke" not in shown.text, (page, address)
    return shown


def children(server: Server) -> list[psutil.Process]:
    return psutil.Process(server.process.pid).children(recursive=True)


@fault(
    "a pupil looks at everything in a read-only view",
    done="every page of the shared server is opened, and every button that is not grey is pressed",
    says="Read-only view",
)
def test_a_view_shows_everything_and_offers_nothing_that_it_would_refuse(
    house: House, view: Server, case: Case
) -> None:
    before = house.state()
    for page, address in VIEWS:
        shown = look(view, page, address)
        assert case.is_said(shown.text), page
        assert REFUSED not in shown.text, page
        if allowed := shown.buttons(greyed=False):
            assert REFUSED not in look(view, page, address, list(allowed)).text, (page, allowed)
    assert len(look(view, "mistakes", {"run": ENDED}).widgets) > 3
    assert house.state() == before
    assert not children(view)


@fault(
    "a pupil who speaks the server's own protocol",
    done="every button of the full dashboard, hidden or grey in the shared one, is pressed there by WebSocket, labels are filled in, "
    "other messages are sent: nothing in runs/ and data/ changes, and no process starts",
)
def test_every_button_of_the_full_dashboard_is_pressed_in_vain(house: House, view: Server, case: Case) -> None:
    full = house.serve("full")
    try:
        shown = {number: look(full, page, address) for number, (page, address) in enumerate(VIEWS) if number != HEAVY}
        before = house.state()
        for number, one in shown.items():
            press_all(view, *VIEWS[number], one)
        send_others(view)
        assert house.state() == before
        assert not children(view)
        # The same message is no vain one where it may be sent.
        star = next(key for key in shown[CARD].buttons() if key.endswith("dhc_labels_star"))
        look(full, *VIEWS[CARD], [star])
        assert '"star": true' in (house.runs / ENDED / rundir.LABELS).read_text(encoding="utf-8")
        assert upload(full) == 204
    finally:
        full.stop()
    assert upload(view) == 405


@fault(
    "a button that somebody forgot to grey in a read-only view",
    done="the shared server with all its buttons as on the full dashboard: every one is pressed, every label filled in",
    says="This is a read-only view: it starts, changes and deletes nothing",
)
def test_the_gate_holds_where_the_screens_offer_everything(house: House, tmp_path: Path, case: Case) -> None:
    (tmp_path / "app.py").write_text(OFFERS_ALL, encoding="utf-8")
    (tmp_path / "pages").symlink_to(ROOT / "pages")
    server = house.serve("bare", script=tmp_path / "app.py", DHC_SHARE="read", PYTHONPATH=str(ROOT))
    try:
        before = house.state()
        said = {}
        for number, (page, address) in enumerate(VIEWS):
            shown = look(server, page, address)
            assert "Read-only view" not in shown.text
            said[number] = press_all(server, page, address, shown)
            if set(shown.buttons().values()) & set(STARTS):
                assert case.is_said(said[number]), page
        assert sum(REFUSED in text for text in said.values()) >= 9, {n: REFUSED in text for n, text in said.items()}
        assert house.state() == before
        assert not children(server)
    finally:
        server.stop()


def press_all(view: Server, page: str, address: Mapping[str, str], full: Shown) -> str:
    """Press and fill in at the view what stands on the full dashboard; what it says."""
    states: dict[str, dict[str, Any]] = {key: {"trigger_value": True} for key in full.buttons()}
    for key, (kind, _) in full.widgets.items():
        if "dhc_labels_" in key and kind in ("text_input", "text_area"):
            states[key] = {"string_value": "by a pupil"}
        elif "dhc_labels_" in key and kind == "multiselect":
            states[key] = {"string_array_value": ["by a pupil"]}
    with Browser(view.url) as browser:
        browser.open(page, **address)
        shown = browser.ask(states)
    assert shown.status == 0
    assert "of ours broke" not in shown.text, shown.text
    return shown.text


def send_others(view: Server) -> None:
    """Every other message of the protocol, and bytes that are none; the server must go on."""
    for name in (
        "clear_cache",
        "load_git_info",
        "set_run_on_save",
        "debug_shutdown_runtime",
        "debug_disconnect_websocket",
    ):
        message = BackMsg()
        setattr(message, name, True)
        with Browser(view.url) as browser:
            browser.send(message)
            assert browser.open().status == 0, name


def test_a_view_hangs_up_on_who_sends_too_much(view: Server) -> None:
    with Browser(view.url) as browser:
        browser.open()
        message = BackMsg()
        message.rerun_script.widget_states.widgets.add(id="x", string_value="x" * 2_000_000)
        browser.send(message)
        with pytest.raises(ConnectionClosed, match="1009"):
            browser.open()
    assert look(view, "", {}).status == 0


def upload(server: Server) -> int:
    """The status of a real upload: of a session that is there, with the page's own token."""
    with Browser(server.url) as browser:
        browser.open("data")
        with urllib.request.urlopen(f"{server.url}/_stcore/health") as answer:
            cookies = answer.headers.get_all("Set-Cookie") or []
        token = next((cookie.partition(";")[0] for cookie in cookies if "xsrf" in cookie), "_streamlit_xsrf=none")
        name, _, value = token.partition("=")
        assert name == "_streamlit_xsrf"
        headers = {"Cookie": token, "X-Xsrftoken": value, "Content-Type": "multipart/form-data; boundary=x"}
        body = b'--x\r\nContent-Disposition: form-data; name="a"; filename="a.zip"\r\n\r\nPK\r\n--x--\r\n'
        return ask(server, "PUT", f"/_stcore/upload_file/{browser.session}/file", headers, body)[0]


def ask(
    server: Server, method: str, path: str, headers: Mapping[str, str] = {}, body: bytes | None = None
) -> tuple[int, str, http.client.HTTPMessage]:
    """Status, text and headers of an answer, which is followed nowhere."""
    place = urlsplit(server.url)
    connection = http.client.HTTPConnection(str(place.hostname), place.port or 80, timeout=20)
    try:
        connection.request(method, path, body, dict(headers))
        answer = connection.getresponse()
        return answer.status, answer.read().decode("utf-8", "replace"), answer.headers
    finally:
        connection.close()


@fault(
    "a pupil's script that asks for more than pages",
    done="every path of the shared server is asked for by POST, PUT, DELETE, PATCH and OPTIONS",
    says="it takes no uploads and changes nothing",
)
def test_a_view_answers_nothing_but_reading(house: House, view: Server, case: Case) -> None:
    before = house.state()
    for path in PATHS:
        for method in METHODS:
            status, text, _ = ask(view, method, path, {"Content-Type": "text/plain"}, b"x")
            assert status == 405, (method, path)
            assert case.is_said(text)
    assert house.state() == before


@fault(
    "a pupil who asks for another folder of the machine",
    done="a data set outside the data folder is named to Train's form of the shared server, by WebSocket",
    says="This view shows the data sets of its data folder and of its runs, and no other folder.",
)
def test_a_view_opens_no_other_folder(view: Server, tiny_data: Path, case: Case) -> None:
    with Browser(view.url) as browser:
        shown = browser.open("train")
        (box,) = [key for key, (_, proto) in shown.widgets.items() if getattr(proto, "label", "") == "Data folder"]
        assert case.is_said(browser.ask({box: {"string_value": str(tiny_data)}}).text)


@fault(
    "someone without the password",
    done="a shared server with DHC_PASSWORD: every path, the WebSocket, a forged cookie, five wrong words, the right one too late",
    says="This view asks for a password.",
)
def test_nobody_passes_without_the_password(house: House, case: Case) -> None:
    server = house.serve("closed", DHC_SHARE="read", DHC_PASSWORD=PASSWORD)
    try:
        for path in PATHS:
            assert ask(server, "GET", path)[0] == 401, path
            assert (
                ask(server, "GET", path, {"Cookie": f"dhc_{urlsplit(server.url).port}=9999999999.{'0' * 64}"})[0] == 401
            )
        page = ask(server, "GET", "/confusion?run=x", {"Accept": "text/html"})
        assert case.is_said(page[1])
        assert not re.search(r"(src|href)=", page[1]), "the page asks for nothing"
        with pytest.raises(InvalidStatus, match="403"), Browser(server.url):
            pass
        status, _, headers = say(server, PASSWORD, "/confusion?run=x")
        assert (status, headers["Location"]) == (303, "/confusion?run=x")
        assert say(server, PASSWORD, "//evil.example/x")[2]["Location"] == "/evil.example/x"
        cookie = str(headers["Set-Cookie"])
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie
        pass_on = {"Cookie": cookie.partition(";")[0]}
        assert ask(server, "GET", "/", pass_on)[0] == 200
        assert ask(server, "PUT", "/_stcore/upload_file/a/b", pass_on)[0] == 405
        with Browser(server.url, headers=pass_on) as browser:
            assert "It asks for a password." in browser.open().text
        for wrong in ("", "gruesse", PASSWORD.upper(), PASSWORD + " ", "x" * 20_000):
            assert say(server, wrong)[0] == 401, wrong
        assert say(server, PASSWORD)[0] == 429
        assert ask(server, "GET", "/", pass_on)[0] == 200, "who has said it is not kept out"
        process = psutil.Process(server.process.pid)
        assert PASSWORD not in " ".join(process.cmdline())
        assert PASSWORD not in server.log.read_text(encoding="utf-8")
    finally:
        server.stop()


def say(server: Server, word: str, path: str = "/") -> tuple[int, str, http.client.HTTPMessage]:
    """Send the form."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return ask(server, "POST", path, headers, urlencode({"password": word}).encode())


def test_a_server_that_cannot_be_shared_as_asked_does_not_start(tmp_path: Path) -> None:
    for env, words in (
        ({"DHC_SHARE": "write"}, "DHC_SHARE cannot be 'write': it takes read"),
        ({"DHC_PASSWORD_FILE": str(tmp_path / "none")}, f"No such file or directory: {tmp_path / 'none'}"),
    ):
        with pytest.raises(RuntimeError, match=re.escape(words)) as caught:
            start_server(ROOT / "app.py", tmp_path / "log", env=env)
        assert "Traceback" not in str(caught.value)
