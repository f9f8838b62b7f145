"""The webhook: real runs, a real worker, and receivers that answer, hang, refuse, lead elsewhere."""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from harness import free_port
from make_run import make_run
from processes import kill_processes_of, processes_of, wait_until

from dhc.config import RunConfig
from dhc.errors import UserError
from dhc.jobs import courier, groups, launch, webhook, worker
from dhc.models.presets import preset_config
from dhc.runs import rundir
from dhc.runs.contract import write_exit
from dhc.runs.store import Store
from faults.cases import Case, fault

RUN = "20260101-000000-vgg16-0001"
SECRET = "T024/s3cr3t"


class Receiver:
    """An HTTP server of ours: what it was sent, and what it answers, one status after the other; the last one stays."""

    def __init__(self, *statuses: int, location: str = "", wait: float = 0.0) -> None:
        self.messages: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        answers = list(statuses or (200,))
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                receiver.messages.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                receiver.headers.append(dict(self.headers))
                time.sleep(wait)
                self.send_response(answers.pop(0) if len(answers) > 1 else answers[0])
                if location:
                    self.send_header("Location", location)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/{SECRET}?token={SECRET}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def receiver(*statuses: int, **how: Any) -> Iterator[Receiver]:
    server = Receiver(*statuses, **how)
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def hanging(drip: bytes = b"") -> Iterator[str]:
    """The address of a receiver that takes what it is sent, and answers nothing, or a byte now and then."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        lines: list[socket.socket] = []
        over = threading.Event()

        def serve() -> None:
            while not over.is_set():
                try:
                    line, _ = server.accept()
                except OSError:
                    return
                lines.append(line)
                while drip and not over.wait(0.05):
                    try:
                        line.sendall(drip)
                    except OSError:
                        break

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/{SECRET}"
        over.set()
        server.shutdown(socket.SHUT_RDWR)
        thread.join()
        for line in lines:
            line.close()


@pytest.fixture
def tell(
    tmp_path: Path,
    tiny_data: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Callable[[str], tuple[int, str]]:
    """Tell an address of a finished run; the exit status and what was noted."""
    folder = make_run(tmp_path / "runs", tiny_data, run_id=RUN, epochs=3)
    monkeypatch.setattr(courier, "PAUSE", 0.05)
    monkeypatch.setattr(courier, "give_way", lambda: None)  # this process gives way to nobody

    def call(url: str) -> tuple[int, str]:
        monkeypatch.setenv(webhook.VARIABLE, url)
        code = courier.main([str(folder)])
        return code, capsys.readouterr().err

    return call


Tell = Callable[[str], tuple[int, str]]


@pytest.mark.slow
def test_a_worker_tells_of_every_end_and_waits_for_no_receiver(
    tmp_path: Path, tiny_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = tmp_path / "runs"
    neighbours = preset_config("knn").with_values({"data.path": str(tiny_data)})
    broken = neighbours.with_values({"data.path": str(tmp_path / "gone")})
    monkeypatch.setattr(launch, "start_worker", lambda *_: None)
    try:
        with receiver() as server, hanging() as deaf:
            monkeypatch.setenv(webhook.VARIABLE, server.url)
            _, given_up = groups.start_group([neighbours, neighbours], runs, "Given up")
            launch.stop(runs, given_up[0])
            groups.stop_group(runs, "Given up")
            ids = _queue([neighbours, neighbours.with_values({"knn.k": 3})], runs)
            _break(runs / ids[1], broken)
            orphan = make_run(runs, tiny_data, run_id=RUN, epochs=3, how="running")  # its own worker was killed
            threading.Timer(1.0, write_exit, (orphan, "finished", "all epochs done")).start()
            assert worker.main([str(runs), "cpu"]) == 0
            wait_until(lambda: len(server.messages) == 5, "all were told of", 60)
            told = {message["id"]: message for message in server.messages}
            assert (told[RUN]["state"], told[RUN]["epochs"]) == ("finished", 3)
            assert [told[run_id]["cause"] for run_id in given_up] == ["cancelled", "cancelled"], "waiting, too"
            good, bad = (told[run_id] for run_id in ids)
            info = Store(runs).run(ids[0])
            assert (good["state"], good["best_val_accuracy"]) == ("finished", info.best_val_accuracy)
            assert (good["name"], good["group"]) == (info.title, "Two")
            assert (bad["state"], bad["cause"], bad["group_left"]) == ("failed", "data", 0)
            assert good["text"].startswith(f"{info.title}: finished after ")
            assert bad["text"].endswith(" Two is over.")
            sent = json.dumps(server.messages)
            assert str(tmp_path) not in sent
            assert socket.gethostname() not in sent
            monkeypatch.setenv(webhook.VARIABLE, deaf)
            (last,) = _queue([neighbours.with_values({"knn.k": 5})], runs)
            assert worker.main([str(runs), "cpu"]) == 0
            assert Store(runs).run(last).state.value == "finished"
            assert processes_of(runs), "the courier waits, and the worker is gone"
            assert SECRET not in _log(runs)
    finally:
        kill_processes_of(runs)


def _queue(configs: list[RunConfig], runs: Path) -> list[str]:
    return groups.start_group(configs, runs, "Two" if len(configs) > 1 else "One")[1]


def _break(folder: Path, config: RunConfig) -> None:
    rundir.write_json(folder / rundir.CONFIG, config.model_dump())


def _log(runs: Path) -> str:
    path = runs / rundir.WORKER_LOG
    return path.read_text(encoding="utf-8") if path.exists() else ""


def test_nothing_is_started_without_an_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for value in (None, "", "  "):
        if value is None:
            monkeypatch.delenv(webhook.VARIABLE, raising=False)
        else:
            monkeypatch.setenv(webhook.VARIABLE, value)
        webhook.announce(tmp_path / RUN)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_takes_no_log_stops_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(webhook.VARIABLE, "http://127.0.0.1:9/")
    (tmp_path / rundir.WORKER_LOG).mkdir()
    webhook.announce(tmp_path / RUN)
    assert "webhook: nothing was sent of" in capsys.readouterr().err


def test_the_message_is_json_by_post(tell: Tell) -> None:
    with receiver(204) as server:
        assert tell(server.url) == (0, "")
    (message,) = server.messages
    assert message["event"] == "run ended"
    assert (message["epochs"], message["best_epoch"], message["epochs_asked"]) == (3, 3, 3)
    assert server.headers[0]["Content-Type"] == "application/json"
    assert "Authorization" not in server.headers[0]


def test_a_user_in_the_address_is_sent_as_one_and_stands_in_no_log(tell: Tell) -> None:
    with receiver(401) as server:
        code, noted = tell(server.url.replace("http://", "http://m%40x:p%3Aw@"))
    assert code == 1
    assert server.headers[0]["Authorization"] == "Basic bUB4OnA6dw=="  # m@x:p:w
    assert re.fullmatch(rf"webhook: http://127\.0\.0\.1:\d+ was not told of {RUN}: it answered 401\n", noted)


def test_a_receiver_that_stumbles_is_asked_once_more_and_one_that_refuses_is_not(tell: Tell) -> None:
    with receiver(503, 200) as server:
        assert tell(server.url) == (0, "")
    assert len(server.messages) == 2
    with receiver(500) as server:
        assert "it answered 500" in tell(server.url)[1]
    assert len(server.messages) == 2
    with receiver(404) as server:
        assert "it answered 404" in tell(server.url)[1]
    assert len(server.messages) == 1


@fault(
    "a webhook's receiver that leads elsewhere",
    done="it answers 301, 302, 303, 307 and 308 with the address of another receiver, which hears nothing",
    says="was not told of … it answered 30",
)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(tell: Tell, case: Case, status: int) -> None:
    with receiver() as other, receiver(status, location=other.url) as server:
        code, noted = tell(server.url)
    assert (code, len(server.messages), other.messages) == (1, 1, [])
    assert case.is_said(noted)


@fault(
    "a webhook's receiver that is not there, hangs, or drips a byte now and then",
    done="a closed port, a socket that never answers, one that never ends its answer; the worker's log says so without the address's path",
    says=("Connection refused", "timed out | TimeoutError", "no whole answer within … s"),
)
def test_one_that_is_not_there_and_one_that_hangs_take_little_time(
    tell: Tell, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(courier, "TIMEOUT", 0.3)
    monkeypatch.setattr(courier, "MOST", 1.5)
    start = time.monotonic()
    noted = [tell(f"http://127.0.0.1:{free_port()}/{SECRET}")[1]]
    with hanging() as url:
        noted.append(tell(url)[1])
    with hanging(b"H") as url:  # a byte before each silence is too long: only the whole has an end
        noted.append(tell(url)[1])
    assert [case.is_said(text, number) for number, text in enumerate(noted)] == [True] * 3, noted
    assert SECRET not in "".join(noted)
    assert time.monotonic() - start < 30


@fault(
    "a webhook's address that is none",
    done="DHC_WEBHOOK names a file, ftp, javascript, a socket, a wrong port, a second header: nothing is asked",
    says="DHC_WEBHOOK is no address that begins with http:// or https://",
)
@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd", "ftp://127.0.0.1/x", "hooks.example/x", "https://", "http://[::1/x", "http://127.0.0.1:99999999/x",
        "http://127.0.0.1/x\r\nHost: evil", "http://a b/", "javascript:alert(1)", "data:,x", "unix:///run/docker.sock",
    ],
)  # fmt: skip
def test_what_is_no_http_address_is_not_asked(tell: Tell, case: Case, url: str) -> None:
    code, noted = tell(url)
    assert code == 1
    assert case.is_said(noted)
    assert noted.startswith(f"webhook: nothing was sent of {RUN}: ")
    assert url == "https://" or url not in noted


def test_an_address_that_no_name_server_could_know_is_noted_without_its_secret(tell: Tell) -> None:
    code, noted = tell(f"https://{'a' * 70}.invalid/{SECRET}")
    assert code == 1
    assert "was not told of" in noted
    assert SECRET not in noted


def test_nothing_is_told_of_a_run_that_goes_on_or_is_gone(
    tmp_path: Path, tiny_data: Path, tell: Tell, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    running = make_run(tmp_path / "runs", tiny_data, run_id="20260101-000000-vgg16-0002", epochs=3, how="running")
    with receiver() as server:
        monkeypatch.setenv(webhook.VARIABLE, server.url)
        assert courier.main([str(running)]) == 0
        assert courier.main([str(tmp_path / "runs" / "20260101-000000-vgg16-0003")]) == 1
    assert server.messages == []
    assert "nothing was sent of" in capsys.readouterr().err


def test_a_reason_names_no_folder(tmp_path: Path, tiny_data: Path) -> None:
    folder = make_run(tmp_path / "runs", tiny_data, run_id=RUN, epochs=3, how="failed")
    end = json.loads((folder / rundir.EXIT).read_text(encoding="utf-8"))
    end["reason"] = (
        f"No such file: {folder}/x\u202e, “/home/me/y”: C:\\Users\\me\\z.png or 1/2 of {tiny_data}, " + "z" * 900
    )
    (folder / rundir.EXIT).write_text(json.dumps(end), encoding="utf-8")
    info = Store(tmp_path / "runs").run(RUN)
    message = courier.message_of(info, [info])
    assert message is not None
    assert message["reason"].startswith("No such file: …/x\ufffd, “…/y”: …/z.png or 1/2 of tiny, zzz")
    assert len(message["reason"]) <= 500


def test_the_address_is_not_quoted() -> None:
    with pytest.raises(UserError) as caught:
        courier.address(f"gopher://{SECRET}")
    assert SECRET not in str(caught.value)
