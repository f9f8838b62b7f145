"""The command line as a person uses it: in this process, or in one of its own, which takes a second and more."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from pathlib import Path
from unittest import mock

from dhc.cli import main

ROOT = Path(__file__).resolve().parents[1]
Completed = subprocess.CompletedProcess[str]


def dhc(*arguments: str, folder: Path = ROOT) -> Completed:
    """`main`, its output and its status, in this process; `folder` is the working directory."""
    output, errors = io.StringIO(), io.StringIO()
    with (
        mock.patch.dict(os.environ),
        mock.patch.object(sys, "argv", ["dhc", *arguments]),
        contextlib.chdir(folder),
        contextlib.redirect_stdout(output),
        contextlib.redirect_stderr(errors),
    ):
        try:
            main()
            status = 0
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else int(end.code is not None)
    return Completed(["dhc", *arguments], status, output.getvalue(), errors.getvalue())


def dhc_process(*arguments: str) -> Completed:
    """`python -m dhc` as a person starts it."""
    command = [sys.executable, "-m", "dhc", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
