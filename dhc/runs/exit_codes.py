"""What an exit status says, of whichever system it comes: Linux, macOS, Windows, a container."""

from __future__ import annotations

import signal
from dataclasses import dataclass

from dhc.runs.contract import Cause, How

LIBRARY: tuple[Cause, str] = ("library", "its process crashed ({}) inside a library")
OUTSIDE: tuple[Cause, str] = ("signal", "killed from outside ({})")
MEMORY: tuple[Cause, str] = ("memory", "out of memory: the system gave its process no more ({})")
CRASHES = {4: "SIGILL", 6: "SIGABRT", 7: "SIGBUS", 8: "SIGFPE", 11: "SIGSEGV"}
SIGNALS = {1: "SIGHUP", 2: "SIGINT", 3: "SIGQUIT", 9: "SIGKILL", 13: "SIGPIPE", 14: "SIGALRM", 15: "SIGTERM", **CRASHES}
SHELL = 128  # what shells and containers add to a signal's number
LAST_SIGNAL = 64
WINDOWS = {  # NTSTATUS values with which Windows ends a process
    0x40010004: ("the session ended", OUTSIDE),
    0xC0000005: ("access violation", LIBRARY),
    0xC0000006: ("a file could not be read", LIBRARY),
    0xC0000017: ("no memory", MEMORY),
    0xC000001D: ("illegal instruction", LIBRARY),
    0xC0000094: ("division by zero", LIBRARY),
    0xC00000FD: ("stack overflow", LIBRARY),
    0xC000012D: ("no memory left to promise", MEMORY),
    0xC0000135: ("a DLL is missing", LIBRARY),
    0xC000013A: ("Ctrl+C, or its console was closed", OUTSIDE),
    0xC0000374: ("heap corruption", LIBRARY),
    0xC0000409: ("abort", LIBRARY),
}


@dataclass(frozen=True)
class Ending:
    """How a process ended, why in a sentence and in one word; `signal` is its number, or None."""

    how: How
    reason: str
    cause: Cause
    signal: int | None = None


def ending(code: int) -> Ending:
    """What an exit status means, negative for a signal, as Python counts; Windows' own may be negative, too."""
    if -LAST_SIGNAL <= code < 0:
        return _signalled(-code, "")
    if code % 2**32 >= 0x40000000 and -(2**31) <= code < 2**32:
        return _ended_by_windows(code % 2**32)
    if SHELL < code <= SHELL + LAST_SIGNAL and code - SHELL in SIGNALS:
        return _signalled(code - SHELL, f", status {code}")
    return Ending("failed", f"its process ended with status {code} and gave no reason; the log may say more", "error")


def _signalled(number: int, status: str) -> Ending:
    name = f"{SIGNALS.get(number) or _local_name(number)}{status}"
    if number == 9:
        reason = f"killed from outside ({name}): by a person, or by the system because memory ran out"
        return Ending("killed", reason, "signal", number)
    cause, words = LIBRARY if number in CRASHES else OUTSIDE
    return Ending("killed", words.format(name), cause, number)


def _local_name(number: int) -> str:
    return signal.Signals(number).name if number in set(signal.Signals) else f"signal {number}"


def _ended_by_windows(status: int) -> Ending:
    name, (cause, words) = WINDOWS.get(status, ("", LIBRARY))
    return Ending("killed", words.format(f"{name}, 0x{status:08X}" if name else f"0x{status:08X}"), cause)
