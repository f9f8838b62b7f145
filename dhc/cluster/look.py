"""A look at an engine's cluster while no worker is at it, written down for the screens as the worker's are."""

from __future__ import annotations

import time
from pathlib import Path

from dhc.cluster import engines
from dhc.cluster.engine import EngineError
from dhc.cluster.record import Cluster, cluster_of, write_cluster
from dhc.errors import sentence


def look(runs_dir: Path, name: str) -> Cluster:
    """What the cluster is like now, written beside the runs; where it cannot be reached that says so. Raises EngineError, OSError."""
    try:
        with engines.opened(name, runs_dir) as engine:
            engine.words()  # with them it looks at its machines
            cluster = Cluster(nodes=list(engine.nodes()), width=engine.width(), seen_at=time.time())
    except EngineError as error:
        before = cluster_of(runs_dir, name)
        write_cluster(runs_dir, name, before.model_copy(update={"problem": sentence(error), "seen_at": time.time()}))
        raise
    write_cluster(runs_dir, name, cluster)
    return cluster
