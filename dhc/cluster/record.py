"""What the worker of an engine sees of its cluster, written beside the runs for the screens."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from dhc.runs import rundir
from dhc.runs.lenient import Amount, Record, line

MOST_NODES = 1000  # that are written down


class Node(Record):
    """A machine of a cluster."""

    name: Annotated[str, line(80)] = ""
    """Its address or name."""

    state: Literal["up", "down"] = "up"
    """Whether it can run something."""

    reason: Annotated[str, line(200)] = ""
    """Why it is down, or what limits it, in words."""

    cpus: Amount = 0.0
    """Its processor cores."""

    cpus_free: Amount = 0.0
    """Those that nobody has."""

    gpus: Amount = 0.0
    """Its GPUs."""

    gpus_free: Amount = 0.0
    """Those that nobody has; a part of one counts as a part."""


class Cluster(Record):
    """A cluster as its worker saw it last."""

    nodes: Annotated[list[Node], Field(max_length=MOST_NODES)] = Field(default_factory=list)
    """Its machines."""

    width: Annotated[int, Field(ge=0)] = 0
    """How many runs with today's settings find room at once."""

    problem: Annotated[str, line(300)] = ""
    """What is wrong with it, in a sentence."""

    seen_at: Amount | None = None
    """When this was written, in seconds since 1970."""


def cluster_of(runs_dir: Path, engine: str) -> Cluster:
    """What was last seen of an engine's cluster, or nothing."""
    return Cluster.load(rundir.cluster_file(runs_dir, engine)) or Cluster()


def write_cluster(runs_dir: Path, engine: str, cluster: Cluster) -> None:
    """Replace what is known of an engine's cluster. Raises OSError."""
    cluster.save(rundir.cluster_file(runs_dir, engine))
