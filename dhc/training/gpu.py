"""Memory, load and heat of the GPU that trains, looked at now and then beside the training. No Keras."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict

from dhc.machine import hardware
from dhc.runs.rundir import RunWriter

EVERY = 5.0  # seconds between two looks, at first
LOOKS = 500  # after so many they become rarer: a run of ten days has some 4,000, not 170,000
FAILURES = 3  # of the driver, one after the other, after which nobody asks it any more


@contextlib.contextmanager
def watched(device: str, writer: RunWriter) -> Iterator[None]:
    """Write a ``gpu`` event every few seconds while the block runs; nothing for the CPU or where no driver answers."""
    over = threading.Event()
    watcher = threading.Thread(target=_watch, args=(device, writer, over), daemon=True)
    if device.startswith("gpu:"):
        with contextlib.suppress(RuntimeError):  # the system has no thread to spare
            watcher.start()
    try:
        yield
    finally:
        over.set()
        if watcher.is_alive():
            watcher.join(hardware.DRIVER_SECONDS)


def _watch(device: str, writer: RunWriter, over: threading.Event) -> None:
    start, failures = time.monotonic(), 0
    while failures < FAILURES:
        load = hardware.load(device)
        failures = 0 if load else failures + 1
        if over.is_set():
            return
        if load is not None:
            try:
                writer.event("gpu", **asdict(load))
            except (OSError, ValueError):  # a full disk or a closed log, of which the training itself tells
                return
        if over.wait(max(EVERY, (time.monotonic() - start) / LOOKS)):
            return
