"""The environment in which a training runs, for a benchmark that trains in its own process."""

from __future__ import annotations

import os
import sys

from dhc.config import DeviceConfig
from dhc.machine import hardware


def take_on(config: DeviceConfig, device: str) -> None:
    """Take on a training's environment. What the C library reads when a process starts has it started once more."""
    env = hardware.environment(config, device)
    if os.environ.get("GLIBC_TUNABLES") != env["GLIBC_TUNABLES"]:
        sys.stdout.flush()
        os.execve(sys.executable, sys.orig_argv, env)
    os.environ.update(env)
