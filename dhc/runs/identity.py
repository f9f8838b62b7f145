"""Which process, of which start of which machine, wrote a record, and whether it still lives.

A number of a process means something only within one start of one machine. Such a start is known by its boot id, which neither
another host name, nor a clock that is set, nor a suspended laptop changes. So a host name decides only where nothing better is
known:

- the boot id is ours: it is this machine, whatever it is called now. Two containers of one machine share the boot id, though, but
  not the numbers; each has a space of its own, so a record of another space counts as written elsewhere.
- the boot id is another one: this machine before it was restarted, if id and name of the machine are ours, else elsewhere. Clones
  of a machine share its id, so the id alone would call what runs on a clone dead.
- no boot id, as on Windows: the machine by its id, or by its name in records that have none; and a process that began before the
  machine did is of an earlier start.

What was written elsewhere says nothing about the processes here, and nobody here can see whether it still runs.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import hashlib
import os
import socket
import sys
from enum import Enum
from pathlib import Path
from typing import Any

import psutil

from dhc.runs.contract import Identity

SLACK = 60.0  # seconds by which a boot's time may be wrong: it is computed from a clock that can be set
PAUSED = (psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP)


class Origin(Enum):
    """Where a record was written, seen from here."""

    HERE = "by this start of this machine"
    EARLIER = "by this machine, before it was restarted"
    ELSEWHERE = "by another machine, or in a container of its own"


def origin(identity: Identity, host: str | None = None) -> Origin:
    """Where a process ran; `host` is its machine's name, None for an unknown one."""
    boot = boot_id()
    if identity.boot is not None and identity.boot == boot:
        return Origin.ELSEWHERE if _differ(identity.space, number_space()) else Origin.HERE
    if not _is_this_machine(identity, host):
        return Origin.ELSEWHERE
    if identity.boot is not None:  # without a boot id of ours: another system beside this one, such as Linux in Windows
        return Origin.ELSEWHERE if boot is None else Origin.EARLIER
    if boot is None and identity.created is not None and identity.created < psutil.boot_time() - SLACK:
        return Origin.EARLIER
    return Origin.HERE


def where_else(identity: Identity, host: str | None = None) -> str:
    """Where a process ran that did not run here, in words: ``on another machine (gpu-server)``."""
    name = f" ({host[:80]})" if host else ""
    if identity.boot is not None and identity.boot == boot_id():
        return f"in another container{name}, or in this one before that was started anew"
    if identity.machine is not None and identity.machine == machine_id():
        return f"on another machine{name}, or on this one under another name before it restarted"
    return f"on another machine{name}"


def _is_this_machine(identity: Identity, host: str | None) -> bool:
    is_named_so = host is None or host == socket.gethostname()
    machine = machine_id()
    if identity.machine is None or machine is None:
        return is_named_so
    return identity.machine == machine and (is_named_so or identity.boot is None)


def _differ(one: object, other: object) -> bool:
    """Whether two values are known and not the same."""
    return one is not None and other is not None and one != other


def identify(pid: int) -> Identity:
    """What tells a process from a later one with the same id. Raises psutil.Error."""
    created = psutil.Process(pid).create_time()
    since_boot = _since_boot(pid)
    values: dict[str, Any] = {"boot": boot_id(), "space": number_space(), "machine": machine_id()}
    values["ticks"] = None if since_boot is None else since_boot[0]
    return Identity(pid=pid, created=created, **{name: value for name, value in values.items() if value is not None})


def is_alive(identity: Identity | None, host: str | None = None) -> bool:
    """Whether that very process still runs here; a zombie does not, nor does a reused pid."""
    process = find(identity, host)
    try:
        return process is not None and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def is_paused(identity: Identity | None, host: str | None = None) -> bool:
    """Whether that very process is here and does nothing until someone lets it go on, as after SIGSTOP."""
    process = find(identity, host)
    try:
        return process is not None and process.status() in PAUSED
    except psutil.Error:
        return False


def find(identity: Identity | None, host: str | None = None) -> psutil.Process | None:
    """That very process, as a zombie too; None where it is gone or was never here."""
    if identity is None or identity.pid is None or origin(identity, host) is not Origin.HERE:
        return None
    try:
        process = psutil.Process(identity.pid)
        return process if _is_same(identity, process) else None
    except (psutil.Error, OSError, ValueError, OverflowError):
        return None


def _is_same(identity: Identity, process: psutil.Process) -> bool:
    since_boot = _since_boot(process.pid)
    if since_boot is not None and identity.ticks is not None and identity.boot is not None:
        return since_boot == (identity.ticks, identity.boot)
    return identity.created is not None and abs(process.create_time() - identity.created) < 1.0


def _since_boot(pid: int) -> tuple[int, str] | None:
    """A process's start in clock ticks since boot, and the boot's id; None where unknown."""
    boot = boot_id()
    fields = proc_stat(pid)
    return None if boot is None or fields is None else (int(fields[19]), boot)


def proc_stat(pid: int) -> list[str] | None:
    """The fields of ``/proc/PID/stat`` from the third on, counted from 0; None where the system has none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    return text.rpartition(")")[2].split()  # after the name, which may hold anything


@functools.cache
def boot_id() -> str | None:
    """What tells this start of the machine from every other; None where the system does not say."""
    if sys.platform == "darwin":
        return _sysctl(b"kern.bootsessionuuid")
    return _text(Path("/proc/sys/kernel/random/boot_id"))


@functools.cache
def number_space() -> int | None:
    """On Linux, what tells the space in which numbers of processes count from that of another container."""
    try:
        return Path("/proc/self/ns/pid").stat().st_ino
    except OSError:
        return None


@functools.cache
def machine_id() -> str | None:
    """What tells this machine from others, hashed, since run folders travel; None where the system does not say."""
    if sys.platform == "darwin":
        secret = _host_uuid()
    elif sys.platform == "win32":
        secret = _machine_guid()
    else:
        secret = _text(Path("/etc/machine-id")) or _text(Path("/var/lib/dbus/machine-id"))
    return hashlib.sha256(f"a run's machine: {secret}".encode()).hexdigest()[:16] if secret else None


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="ascii").strip() or None
    except (OSError, ValueError):
        return None


def _sysctl(name: bytes) -> str | None:
    """A text that macOS's kernel says of itself."""
    size = ctypes.c_size_t(100)
    value = ctypes.create_string_buffer(size.value)
    with contextlib.suppress(OSError, AttributeError):
        if ctypes.CDLL(None).sysctlbyname(name, value, ctypes.byref(size), None, 0) == 0:
            return value.value.decode("ascii", "replace") or None
    return None


def _host_uuid() -> str | None:
    """The id of a Mac."""
    value, wait = ctypes.create_string_buffer(16), (ctypes.c_long * 2)(1, 0)
    with contextlib.suppress(OSError, AttributeError):
        if ctypes.CDLL(None).gethostuuid(value, wait) == 0:
            return value.raw.hex()
    return None


def _machine_guid() -> str | None:
    """The id of an installation of Windows."""
    if sys.platform == "win32":
        import winreg

        place = r"SOFTWARE\Microsoft\Cryptography"
        with contextlib.suppress(OSError), winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, place) as key:
            return str(winreg.QueryValueEx(key, "MachineGuid")[0])
    return None


def exit_status(identity: Identity | None) -> int | None:
    """How a process ended that nobody has waited for yet: its status, or minus its signal; None where unknown."""
    process = find(identity)
    fields = None if process is None else proc_stat(process.pid)
    if fields is None or fields[0] != "Z" or len(fields) < 50:
        return None
    return os.waitstatus_to_exitcode(int(fields[49]))
