"""Processes that a test has started without holding them: workers and trainings of a runs folder."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

PATIENCE = 120  # seconds that a real training may take to get somewhere on a busy machine


def wait_until(holds: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
    """Wait until `holds()`; the test fails with `what` did not come."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return
        time.sleep(0.05)
    pytest.fail(f"{what}: not within {seconds} s")


def processes_of(folder: Path) -> list[psutil.Process]:
    """The processes, zombies aside, whose command line names the folder."""
    return [
        process
        for process in psutil.process_iter(["cmdline", "status"])
        if process.info["status"] != psutil.STATUS_ZOMBIE
        and any(str(folder) in word for word in process.info["cmdline"] or [])
    ]


def kill_processes_of(folder: Path) -> None:
    """End all of them, at once; one that has just ended by itself is no matter."""
    for process in processes_of(folder):
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
