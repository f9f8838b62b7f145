"""Which machine and which of its starts a record is of: by boot id, not by host name."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from dhc.runs import identity as module
from dhc.runs import rundir
from dhc.runs.contract import Identity, Process
from dhc.runs.identity import Origin, exit_status, identify, is_alive, is_paused, origin, where_else

HOST, OTHER = "this-host", "another-host"
OLD_KEYS = ("pid", "created", "ticks", "boot")  # what records held before there were others


@pytest.fixture(autouse=True)
def own_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: HOST)


@pytest.fixture
def own() -> Identity:
    """This very process, on a machine that says all of itself."""
    me = identify(os.getpid())
    if None in (me.boot, me.space, me.machine):
        pytest.skip("this system says less of itself")
    return me


@pytest.mark.parametrize("host", [HOST, OTHER, None])
def test_a_process_of_this_boot_is_here_whatever_the_machine_is_called(own: Identity, host: str | None) -> None:
    assert origin(own, host) is Origin.HERE
    assert is_alive(own, host)
    assert is_alive(Identity(**{name: getattr(own, name) for name in OLD_KEYS}), host)


@pytest.mark.parametrize(
    ("change", "host", "expected", "words"),
    [
        ({"boot": "x"}, HOST, Origin.EARLIER, ""),
        ({"boot": "x"}, None, Origin.EARLIER, ""),
        ({"boot": "x", "machine": None}, HOST, Origin.EARLIER, ""),
        ({"boot": "x", "machine": "y"}, HOST, Origin.ELSEWHERE, "on another machine (this-host)"),
        ({"boot": "x", "machine": "y"}, OTHER, Origin.ELSEWHERE, "on another machine (another-host)"),
        ({"boot": "x", "machine": None}, OTHER, Origin.ELSEWHERE, "on another machine (another-host)"),
        ({"boot": "x"}, OTHER, Origin.ELSEWHERE, "or on this one under another name before it restarted"),
        ({"space": 1}, HOST, Origin.ELSEWHERE, "in another container (this-host)"),
        ({"space": 1}, OTHER, Origin.ELSEWHERE, "in another container (another-host)"),
        ({"boot": None, "machine": "y"}, HOST, Origin.ELSEWHERE, "on another machine"),
        ({"boot": None, "machine": None}, OTHER, Origin.ELSEWHERE, "on another machine"),
        ({"boot": None, "machine": None}, HOST, Origin.HERE, ""),
        ({"boot": None}, OTHER, Origin.HERE, ""),
    ],
)
def test_where_a_record_was_written(
    own: Identity, change: dict[str, Any], host: str | None, expected: Origin, words: str
) -> None:
    record = own.model_copy(update=change)
    assert origin(record, host) is expected
    assert is_alive(record, host) == (expected is Origin.HERE)
    if words:
        assert words in where_else(record, host)


@pytest.mark.parametrize(("before", "expected"), [(-3600.0, Origin.EARLIER), (3600.0, Origin.HERE)])
def test_without_a_boot_id_a_process_that_is_older_than_the_boot_is_gone(
    own: Identity, monkeypatch: pytest.MonkeyPatch, before: float, expected: Origin
) -> None:
    monkeypatch.setattr(module, "boot_id", lambda: None)  # as on Windows
    record = Identity(pid=own.pid, created=psutil.boot_time() + before, machine=own.machine)
    assert origin(record, OTHER) is expected
    assert origin(own, HOST) is Origin.ELSEWHERE, "Linux beside this system, on one machine"


def test_a_paused_process_and_the_status_of_a_dead_one_that_nobody_has_waited_for() -> None:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    record = identify(process.pid)
    assert not is_paused(record)
    assert exit_status(record) is None, "it lives"
    psutil.Process(process.pid).suspend()
    _await(lambda: is_paused(record))
    process.kill()
    _await(lambda: not is_alive(record))
    assert exit_status(record) in (-9, None)  # None where the system keeps no such record
    process.wait()
    assert exit_status(record) is None


def test_the_machines_id_is_not_given_away(tmp_path: Path, own: Identity) -> None:
    Process(child=own).write(tmp_path)
    written = (tmp_path / rundir.PROCESS).read_text()
    assert Path("/etc/machine-id").read_text().strip() not in written
    assert own.machine is not None
    assert own.machine in written


def _await(holds: Any) -> None:
    end = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)
