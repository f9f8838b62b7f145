"""Starting processes that outlive whoever started them."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from dhc.files import write
from dhc.runs.rundir import ENGINES

UTF8 = "utf-8:backslashreplace"  # of what a process prints, whatever the console's code page is
REPOSITORY = Path(__file__).resolve().parents[2]


def python(*arguments: str) -> list[str]:
    """The command line of this Python with the given arguments."""
    return [sys.executable, *arguments]


def worker_module(device: str) -> str:
    """The module that works on a device's queue."""
    return "dhc.cluster.worker" if device in ENGINES else "dhc.jobs.worker"


def spawn(command: Sequence[str], *, log: Path, env: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
    """Start a command in a session of its own, its output appended to `log`, a regular file. Raises OSError.

    No signal to this process's group and no closed terminal reaches it. Whoever starts it must wait for it.
    """
    with write.append(log) as output:
        return _start(command, subprocess.DEVNULL, output, env)


def prepare(command: Sequence[str], *, output: IO[bytes], env: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start a command likewise that is told by its standard input what to do. Raises OSError."""
    return _start(command, subprocess.PIPE, output, env)


def _start(
    command: Sequence[str], source: int, output: IO[bytes], env: Mapping[str, str] | None
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        list(command),
        stdin=source,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        env=_speaking_utf8(os.environ if env is None else env),
        cwd=REPOSITORY,
    )


def _speaking_utf8(env: Mapping[str, str]) -> dict[str, str]:
    """The environment in which Python prints UTF-8 and, unless the names of files here are of another code, reads it."""
    whole_mode = {"PYTHONUTF8": "1"} if sys.getfilesystemencoding() in ("utf-8", "ascii") else {}
    return {**env, **whole_mode, "PYTHONIOENCODING": UTF8}


def detach(command: Sequence[str], *, log: Path) -> subprocess.Popen[bytes]:
    """`spawn` a command and wait for it in a thread, so that no zombie stays. Raises OSError."""
    process = spawn(command, log=log)
    threading.Thread(target=process.wait, daemon=True).start()
    return process
