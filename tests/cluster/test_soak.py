"""A short soak of a real Ray cluster; the whole of it is ``python -m cluster.soak``."""

from __future__ import annotations

from pathlib import Path

import pytest
from processes import kill_processes_of

from cluster.ray_cluster import RayCluster, hindrance
from cluster.soak import soak, stand_ins

pytestmark = [pytest.mark.cluster, pytest.mark.slow, pytest.mark.errand(seconds=60)]
SEED = 3


def test_whatever_fails_no_run_is_trained_twice_or_lost_and_nothing_is_left(tmp_path: Path) -> None:
    if reason := hindrance():
        pytest.skip(reason)
    with stand_ins(0.5), RayCluster(2, cpus=3) as cluster:
        try:
            outcome = soak(cluster, tmp_path, runs=6, epochs=6, seed=SEED, patience=150.0)
        finally:
            kill_processes_of(tmp_path)
    assert not outcome.faults, f"seed {SEED}: {outcome}"
    assert outcome.deeds.total() > 2
