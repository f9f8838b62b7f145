"""The engines by name, each loaded when it is asked for."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dhc.cluster.engine import Engine, NotYetError

REACH = 36.0  # seconds in which a cluster must answer: one that was only just started takes long


def engine_of(name: str, runs_dir: Path) -> Engine:
    """The engine ``ray`` or ``slurm`` for a folder of runs, not opened yet."""
    if name == "ray":
        from dhc.cluster.ray_engine import RayEngine

        return RayEngine(runs_dir)
    if name == "slurm":
        from dhc.cluster.slurm_engine import SlurmEngine

        return SlurmEngine(runs_dir)
    raise ValueError(name)


@contextmanager
def opened(name: str, runs_dir: Path) -> Iterator[Engine]:
    """An engine that is connected, for one question or a few. Raises EngineError where it cannot be, within REACH."""
    engine = engine_of(name, runs_dir)
    try:
        _reach(engine)
        yield engine
    finally:
        engine.close()


def _reach(engine: Engine) -> None:
    """Open the engine; one that does not answer yet is asked again."""
    deadline = time.monotonic() + REACH
    while True:
        try:
            return engine.open()
        except NotYetError:
            if time.monotonic() > deadline:
                raise
