"""A short soak of a real Ray cluster; the whole of it is ``python -m cluster.soak``."""

from __future__ import annotations

from pathlib import Path

import pytest
from processes import kill_processes_of

from cluster.ray_cluster import RayCluster, hindrance
from cluster.soak import soak, stand_ins

pytestmark = [pytest.mark.cluster, pytest.mark.slow]
SEED = 163  # by which a node loses its power, and attendants, workers and trainings are disturbed


def test_whatever_fails_no_run_is_trained_twice_or_lost_and_nothing_is_left(tmp_path: Path) -> None:
    if reason := hindrance():
        pytest.skip(reason)
    with stand_ins(0.5), RayCluster({"node1": (2, 0), "node2": (2, 0)}) as cluster:
        try:
            outcome = soak(cluster, tmp_path, runs=5, epochs=10, seed=SEED, patience=150.0, pause=(1.0, 2.0), deeds=4)
        finally:
            kill_processes_of(tmp_path)
    assert not outcome.faults, f"seed {SEED}: {outcome}"
    assert outcome.deeds.total() > 1
    print(outcome)
