"""Machines made on this one: network, process numbers, host name and start of their own, on a network between them.

A machine is a set of Linux namespaces around an init of its own. Its processes see neither ours nor another machine's, so
cutting its power is killing its init, after which the kernel leaves nothing of it alive. Files are common to all of them, as on
NFS. A test run that is killed takes its machines with it; what stays of its network, the next one removes.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil

from dhc.files.lock import Timeout, hold_lock

ROOT = Path("/tmp")  # sockets must have short paths
PREFIX = "dhcm"  # of every network, bridge and folder of ours; the network's own four digits follow
PROGRAMS = ("ip", "unshare", "nsenter", "setpriv", "bash")
INIT = """
set -e
ip link set lo up
hostname "$1"
mount --bind "$2/boot" /proc/sys/kernel/random/boot_id
test ! -e /etc/machine-id || mount --bind "$2/machine" /etc/machine-id
echo up
set +e
while :; do sleep 1000000 & wait $!; done
"""


def hindrance() -> str:
    """Why no machines can be made here, in a sentence; "" where they can."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return "machines on a network of their own need Linux and root"
    if missing := [name for name in PROGRAMS if shutil.which(name) is None]:
        return f"machines on a network of their own need {', '.join(missing)}: install iproute2 and util-linux"
    name = f"{PREFIX}{secrets.token_hex(2)}"
    attempt = _ip("link", "add", f"{name}t", "type", "bridge", check=False)
    if attempt.returncode == 0:
        _ip("link", "del", f"{name}t", check=False)
        command = ["unshare", "--net", "--uts", "--pid", "--mount", "--fork", "--mount-proc", "true"]
        attempt = subprocess.run(command, capture_output=True, text=True, check=False)
    if attempt.returncode:
        return f"this machine lets nobody make a network or a space of processes: {attempt.stderr.strip()}"
    return ""


class Machine:
    """One machine, on while its init runs; a context manager is the `Network` that it is of."""

    def __init__(self, network: Network, name: str, number: int) -> None:
        self.name, self.address = name, f"{network.subnet}.{number}"
        self.folder = network.folder / name
        self.folder.mkdir()
        self._space, self._link = f"{network.name}-{name}", f"{network.name}v{number}"
        _ip("netns", "add", self._space)
        _ip("link", "add", self._link, "type", "veth", "peer", "name", "eth0", "netns", self._space)
        _ip("link", "set", self._link, "master", network.name, "up")
        _ip("-n", self._space, "addr", "add", f"{self.address}/24", "dev", "eth0")
        _ip("-n", self._space, "link", "set", "eth0", "up")
        (self.folder / "machine").write_text(f"{secrets.token_hex(16)}\n", encoding="ascii")
        self.init: subprocess.Popen[str] | None = None
        self.power_on()

    def power_on(self) -> None:
        """Start the machine, as another start than its last one; nothing where it is on."""
        if self.init is not None:
            return
        identity = secrets.token_hex(16)
        boot = "-".join((identity[:8], identity[8:12], identity[12:16], identity[16:20], identity[20:]))
        (self.folder / "boot").write_text(f"{boot}\n", encoding="ascii")
        spaces = ["unshare", "--uts", "--pid", "--mount", "--fork", "--kill-child", "--mount-proc"]
        script = ["bash", "-c", INIT, "init", self.name, str(self.folder)]
        self.init = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "ip", "netns", "exec", self._space, *spaces, *script],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self.init.stdout is not None
        with self.init.stdout as outlet:
            assert outlet.readline() == "up\n", f"{self.name} did not start"

    def power_off(self) -> None:
        """Cut its power: every process of it is gone when this returns. Nothing where it is off."""
        power_off([self])

    def start(
        self, command: Sequence[str], environment: Mapping[str, str] | None = None, log: Path | None = None
    ) -> subprocess.Popen[bytes]:
        """Start a command on it; what it prints goes into `log`."""
        assert self.init is not None, f"{self.name} is off"
        (init,) = psutil.Process(self.init.pid).children()
        with (log or Path(os.devnull)).open("ab") as file:
            return subprocess.Popen(
                ["nsenter", "--target", str(init.pid), "--net", "--uts", "--pid", "--mount", "--", *command],
                env={**os.environ, **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                start_new_session=True,
            )

    def processes(self, word: str = "") -> list[psutil.Process]:
        """Its processes, init left out, whose command line holds a word."""
        if self.init is None:
            return []
        (init,) = psutil.Process(self.init.pid).children()
        space = Path(f"/proc/{init.pid}/ns/pid").readlink()
        processes = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                if Path(f"/proc/{process.pid}/ns/pid").readlink() == space and process.pid != init.pid:
                    processes += [process] if word in " ".join(process.cmdline()) else []
        return processes

    def kill(self, word: str) -> int:
        """Kill its processes whose command line holds a word; returns how many there were."""
        processes = self.processes(word)
        for process in processes:
            with contextlib.suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(processes, timeout=10)
        return len(processes)

    def cut(self) -> None:
        """Pull its network cable."""
        _ip("link", "set", self._link, "down")

    def heal(self) -> None:
        """Put its network cable back."""
        _ip("link", "set", self._link, "up")


def power_off(machines: Iterable[Machine]) -> None:
    """Cut the power of several machines at once; see `Machine.power_off`."""
    processes: list[psutil.Process] = []
    for machine in machines:
        init, machine.init = machine.init, None
        if init is not None:
            processes += psutil.Process(init.pid).children(recursive=True)
            init.kill()
            init.wait()
    _, alive = psutil.wait_procs(processes, timeout=20)
    assert not alive, f"they outlived their machine: {alive}"


class Network:
    """A network of machines at addresses of its own, this machine being at ``.254``; a context manager."""

    def __init__(self) -> None:
        self.name = f"{PREFIX}{secrets.token_hex(2)}"
        self.subnet = _free_subnet()
        self.folder = ROOT / self.name
        self.machines: dict[str, Machine] = {}
        self._exit = contextlib.ExitStack()

    def __enter__(self) -> Network:
        with hold_lock(ROOT / f"{PREFIX}.lock", 60):  # nobody takes a folder that is just being made for left over
            _remove_leftovers()
            self.folder.mkdir(mode=0o700)
            self._exit.callback(_remove, self.name)
            self._exit.enter_context(hold_lock(self.folder / "lock", 0))
        try:
            _ip("link", "add", self.name, "type", "bridge")
            _ip("addr", "add", f"{self.subnet}.254/24", "dev", self.name)
            _ip("link", "set", self.name, "up")
        except BaseException:
            self._exit.close()
            raise
        return self

    def add(self, name: str) -> Machine:
        """A further machine, which is on."""
        self.machines[name] = machine = Machine(self, name, len(self.machines) + 1)
        return machine

    def __exit__(self, *error: object) -> None:
        try:
            power_off(self.machines.values())
        finally:
            self._exit.close()


def _remove_leftovers() -> None:
    """Remove the networks of test runs that were killed: those whose lock nobody holds."""
    for folder in ROOT.glob(f"{PREFIX}{'[0-9a-f]' * 4}"):
        with contextlib.suppress(Timeout, OSError), hold_lock(folder / "lock", 0):
            _remove(folder.name)


def _remove(name: str) -> None:
    """Remove a network with its folder; its machines are off."""
    spaces = [line.split()[0] for line in _ip("netns", "list").stdout.splitlines() if line.startswith(f"{name}-")]
    for space in spaces:
        _ip("netns", "del", space, check=False)
    _ip("link", "del", name, check=False)
    shutil.rmtree(ROOT / name, ignore_errors=True)


def _free_subnet() -> str:
    """The first three numbers of addresses that nothing here uses."""
    routes = _ip("route", "show", "table", "all").stdout
    while True:
        subnet = f"10.{64 + secrets.randbelow(128)}.{secrets.randbelow(256)}"
        if f"{subnet}." not in routes:
            return subnet


def _ip(*words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    attempt = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    assert not check or attempt.returncode == 0, f"ip {' '.join(words)}: {attempt.stderr}"
    return attempt


def tell(claims: Sequence[Callable[[Any], None]], story: Any) -> None:
    """Let one claim follow the other on what those before it have left, and say what each took."""
    for claim in claims:
        begin = time.monotonic()
        claim(story)
        print(f"{time.monotonic() - begin:5.1f} s: {claim.__name__.replace('_', ' ')}", flush=True)
