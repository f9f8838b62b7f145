"""Processes that a test has started without holding them: workers and trainings of a runs folder."""

from __future__ import annotations

from pathlib import Path

import psutil


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
