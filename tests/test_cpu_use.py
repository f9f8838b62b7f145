"""How busy a training is, on Live, from the first look on."""

from __future__ import annotations

import subprocess
import sys

import psutil

from dhc.machine.cores import cores
from dhc.ui.live import metrics


def test_a_busy_process_is_busy_at_the_first_look() -> None:
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        text = metrics._cpu_use(process.pid, psutil.Process(process.pid).create_time())
    finally:
        process.kill()
        process.wait()
    assert int(text.removesuffix(" %")) >= 20 / cores()
