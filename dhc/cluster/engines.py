"""The engines by name, each loaded when it is asked for."""

from __future__ import annotations

from pathlib import Path

from dhc.cluster.engine import Engine


def engine_of(name: str, runs_dir: Path) -> Engine:
    """The engine ``ray`` or ``slurm`` for a folder of runs, not opened yet."""
    if name == "ray":
        from dhc.cluster.ray_engine import RayEngine

        return RayEngine(runs_dir)
    if name == "slurm":
        from dhc.cluster.slurm_engine import SlurmEngine

        return SlurmEngine(runs_dir)
    raise ValueError(name)
