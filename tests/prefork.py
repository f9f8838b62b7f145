"""Trainings, workers, tasks and the warm helper forked from a process that has imported Keras, which costs each that is started
4 CPU seconds; servers of the browser tests from one that has imported the pages, 2 CPU seconds each.

What runs is the product's own module, as ``python -m`` runs it: a real process with a number, session, environment, log, command
line and exit status of its own, that takes real signals. Only the import is shared, and TensorFlow's runtime starts after the fork.
Tests of the start itself do without.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import json
import os
import pkgutil
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
import traceback
import uuid
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, NoReturn

BACKEND = "tensorflow"
HELPER = "dhc.predict"  # spoken to by its standard input and output
TRAININGS = ("dhc.training", "dhc.jobs.worker")
EVIL_NETWORKS = "tests.evil_networks"
KERAS = (*TRAININGS, "dhc", HELPER, EVIL_NETWORKS)  # what runs with Keras imported
SERVERS = ("streamlit",)
ROOM = 4_000  # bytes for the command line of what is forked
MESSAGE = 200_000  # bytes; an environment is a few thousand
ADDRESS = "DHC_TESTS_PREFORK"  # the environment's name for the socket
ABSTRACT = "\0"  # begins the address of a socket that is no file: a file's path may be too long for one
START = subprocess.Popen


def forkable(command: Sequence[str], options: Mapping[str, Any], modules: Sequence[str] = KERAS) -> bool:
    """Whether a command is one of these modules, writes into a file or is the helper, and uses, if any, the imported backend."""
    ours = list(command[:2]) == [sys.executable, "-m"] and command[2] in modules
    backend = (options.get("env") or {}).get("KERAS_BACKEND", BACKEND)
    stdin, stdout = options.get("stdin"), options.get("stdout")
    connected = stdin == stdout == subprocess.PIPE if ours and command[2] == HELPER else hasattr(stdout, "fileno")
    return ours and connected and backend == BACKEND


# --- the tests' side ---------------------------------------------------------------------------------------------------


class Prefork:
    """The process that has imported what these modules need; `popen` stands in for `subprocess.Popen`."""

    def __init__(self, folder: Path, modules: Sequence[str] = KERAS) -> None:
        self._socket, self._modules = f"dhc-tests-{uuid.uuid4()}", modules
        environment = {**os.environ, "KERAS_BACKEND": BACKEND, "TF_CPP_MIN_LOG_LEVEL": "3"}
        command = [sys.executable, __file__, self._socket, *modules, " " * ROOM]
        with (folder / "prefork.log").open("wb") as log:
            self._process = START(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"ready\n", (folder / "prefork.log").read_text()

    def popen(self, command: Sequence[str], **options: Any) -> Any:
        """`subprocess.Popen`, but what can be forked is."""
        if forkable(command, options, self._modules):
            return Forked(self._socket, command, options)
        return START(command, **options)

    def environment(self) -> dict[str, str]:
        """For a Python program that is started: it forks what `popen` would, too (tests/site/sitecustomize.py)."""
        site = Path(__file__).parent / "site"
        paths = [str(site), *filter(None, [os.environ.get("PYTHONPATH")])]
        return {"PYTHONPATH": os.pathsep.join(paths), ADDRESS: self._socket}

    def close(self) -> None:
        """End it; what it has forked goes on."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()


def fork_from(address: str) -> None:
    """Let this whole program fork what `Prefork.popen` would."""

    class Popen(START):  # type: ignore[misc,valid-type]
        """`subprocess.Popen`, but what can be forked is."""

        def __new__(cls, *args: Any, **options: Any) -> Any:
            command = args[0] if args else options["args"]
            if not isinstance(command, str | bytes | os.PathLike) and forkable(command, options):
                return Forked(address, command, options)
            return super().__new__(cls)

    subprocess.Popen = Popen  # type: ignore[misc]


class Forked:
    """As much of `subprocess.Popen` as the product and the tests use."""

    def __init__(self, address: str, command: Sequence[str], options: Mapping[str, Any]) -> None:
        self.returncode: int | None = None
        self.stdin: IO[bytes] | None = None
        self.stdout: IO[bytes] | None = None
        self._lock = threading.Lock()
        keeper = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._keeper = keeper.fileno()
        weakref.finalize(self, keeper.close)  # not sooner: several threads may wait for it
        keeper.connect(ABSTRACT + address)
        program = {
            "command": list(command),
            "environment": dict(options.get("env") or os.environ),
            "folder": str(options.get("cwd") or Path.cwd()),
            "session": options.get("start_new_session", False),
        }
        ends = self._connect(options)
        socket.send_fds(keeper, [json.dumps(program).encode()], ends)
        for end in ends:
            os.close(end)
        self.pid = int(os.read(self._keeper, 100))

    def _connect(self, options: Mapping[str, Any]) -> list[int]:
        """The program's standard input, output and errors; what is a pipe there, this object has the other end of."""
        inlet, errors = os.open(os.devnull, os.O_RDONLY), 2
        if options.get("stdin") == subprocess.PIPE:
            os.close(inlet)
            inlet, other = os.pipe()
            self.stdin = os.fdopen(other, "wb")
        if options["stdout"] == subprocess.PIPE:
            other, outlet = os.pipe()
            self.stdout = os.fdopen(other, "rb")
        else:
            outlet = os.dup(options["stdout"].fileno())
            errors = outlet
        return [inlet, outlet, os.dup(errors)]

    def wait(self, timeout: float | None = None) -> int:
        """Its exit status, or minus the signal that ended it."""
        if self.returncode is None:
            if not select.select([self._keeper], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("forked", timeout or 0.0)
            with self._lock:
                if self.returncode is None:
                    self.returncode = int(os.read(self._keeper, 100))
        return self.returncode

    def poll(self) -> int | None:
        """The same at once; None while it runs."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self.wait(0)
        return None

    def send_signal(self, number: int) -> None:
        """As `os.kill`, unless it has ended."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):  # as Popen does: it ended between two looks
                os.kill(self.pid, number)

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)


# --- the other side ----------------------------------------------------------------------------------------------------


def serve(address: str, module: str) -> None:
    """Fork a keeper for each that connects, until the tests' end closes the input."""
    if module in SERVERS:
        import_pages()
    else:
        import dhc.cli
        import dhc.predict.helper
        import dhc.training.loop  # noqa: F401 - what all this is for

    os.fsync = lambda fd: None  # no test stops the machine
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # keepers are nobody's to wait for
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(ABSTRACT + address)
        listener.listen()
        print("ready", flush=True)
        while sys.stdin not in select.select([listener, sys.stdin], [], [])[0]:
            connection, _ = listener.accept()
            if os.fork() == 0:
                keep(connection)
            connection.close()


def import_pages() -> None:
    """What a server has imported once each of its pages was visited, and no more."""
    import streamlit.web.bootstrap
    import streamlit.web.cli  # noqa: F401

    import dhc.ui

    for module in pkgutil.walk_packages(dhc.ui.__path__, "dhc.ui."):
        importlib.import_module(module.name)
    assert not {"keras", "tensorflow"} & set(sys.modules), "a server never loads a framework"


def keep(connection: socket.socket) -> NoReturn:
    """Fork what is asked for, tell its number, wait for it as its parent, tell its exit status."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    message, ends, _, _ = socket.recv_fds(connection, MESSAGE, 3)
    pid = os.fork()
    if pid == 0:
        program = json.loads(message)
        become(program["command"], ends, program["environment"], program["folder"], program["session"])
    for end in ends:  # or a pipe would never end
        os.close(end)
    with contextlib.suppress(OSError):  # the test that asked may be over
        connection.send(str(pid).encode())
        _, status = os.waitpid(pid, 0)
        connection.send(str(os.waitstatus_to_exitcode(status)).encode())
    os._exit(0)


def become(
    command: Sequence[str], ends: Sequence[int], environment: Mapping[str, str], folder: str, session: bool
) -> NoReturn:
    """Run ``[python, -m, module, …]`` in this process, which has been forked for it; only input, output, errors are inherited."""
    if session:
        os.setsid()
    for number, end in enumerate(ends):
        os.dup2(end, number)
    os.closerange(3, 4096)  # locks too, which a program that is started does not inherit
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    rename(command)
    sys.argv = list(command[2:])
    if command[2] in KERAS:
        subprocess.Popen = Child  # type: ignore[misc]
    elif ADDRESS in environment:  # as tests/site/sitecustomize.py does in a program that is started
        fork_from(environment[ADDRESS])
    status = 0
    try:
        runpy.run_module(command[2], run_name="__main__", alter_sys=True)
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001 - as Python itself ends a program
        traceback.print_exc()
        status = 1
    with contextlib.suppress(OSError):
        sys.stdout.flush()
    os._exit(status)


def rename(command: Sequence[str]) -> None:
    """Let `ps`, and whoever looks for a run's process, see this command line instead of the one that was forked."""
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    start, end = int(fields[45]), int(fields[46])  # arg_start and arg_end of proc(5)
    words = "\0".join(command).encode()[: end - start - 1]
    ctypes.memmove(start, words + bytes(end - start - len(words)), end - start)


class Child:
    """`subprocess.Popen` for a worker: its trainings are forked from it, other commands started."""

    def __new__(cls, command: Sequence[str], **options: Any) -> Any:
        """A child of this very process."""
        return super().__new__(cls) if forkable(command, options, TRAININGS) else START(command, **options)

    def __init__(self, command: Sequence[str], *, stdout: IO[bytes], **options: Any) -> None:
        self.stdin: IO[bytes] | None = None
        self._status: int | None = None
        source = os.open(os.devnull, os.O_RDONLY)
        if options.get("stdin") == subprocess.PIPE:
            os.close(source)
            source, other = os.pipe()
            self.stdin = os.fdopen(other, "wb")
        self.pid = os.fork()
        if self.pid == 0:
            ends = (source, stdout.fileno(), stdout.fileno())
            become(command, ends, options["env"], str(options["cwd"]), options["start_new_session"])
        os.close(source)

    def wait(self) -> int:
        """Its exit status, or minus the signal that ended it."""
        if self._status is None:
            self._status = os.waitpid(self.pid, 0)[1]
        return os.waitstatus_to_exitcode(self._status)

    def poll(self) -> int | None:
        """The same at once; None while it runs."""
        if self._status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid == 0:
                return None
            self._status = status
        return os.waitstatus_to_exitcode(self._status)

    def kill(self) -> None:
        """SIGKILL."""
        os.kill(self.pid, signal.SIGKILL)


if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    serve(*sys.argv[1:3])
