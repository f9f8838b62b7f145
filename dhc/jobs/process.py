"""Starting processes that outlive whoever started them."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from dhc.runs.untrusted import tail

REPOSITORY = Path(__file__).resolve().parents[2]
LOG_END = 20_000  # bytes at the end of a log in which the reason stands


def python(*arguments: str) -> list[str]:
    """The command line of this Python with the given arguments."""
    return [sys.executable, *arguments]


def detach(command: Sequence[str], *, log: Path, env: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
    """Start a command in a session of its own: no signal to this process's group and no closed terminal reaches it.

    Its output goes to the end of `log`. A thread waits for it, so that it never stays behind as a zombie.
    """
    with log.open("ab") as output:
        process = subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=env,
            cwd=REPOSITORY,
        )
    threading.Thread(target=process.wait, daemon=True).start()
    return process


def last_error(log: Path) -> str:
    """Why a detached `python -m dhc` command failed, by its log: the last sentence that it printed after ``error:``."""
    try:
        text = tail(log, LOG_END).decode("utf-8", "replace")
    except OSError:
        text = ""
    reasons = [line.removeprefix("error: ") for line in text.splitlines() if line.startswith("error: ")]
    return reasons[-1] if reasons else "its process ended early; try again"
