"""A training on a cluster whose machine is wanted back, with a real training and a real signal."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from processes import wait_until

from dhc.config import RunConfig
from dhc.jobs.process import REPOSITORY, python
from dhc.runs import rundir
from dhc.runs.config_file import write_config
from dhc.runs.contract import Handed, Request
from dhc.runs.pulse import DEVICE, FENCE
from dhc.runs.status import State, status_of

pytestmark = pytest.mark.errand(seconds=20)


def epochs(folder: Path) -> list[int]:
    """The epochs that its events tell of."""
    try:
        lines = (folder / rundir.EVENTS).read_bytes().splitlines(keepends=True)
    except FileNotFoundError:
        return []
    events = [json.loads(line) for line in lines if line.endswith(b"\n")]
    return [event["epoch"] for event in events if event["kind"] == "epoch"]


@pytest.mark.slow
def test_a_training_whose_machine_is_wanted_back_leaves_with_its_epoch_saved(
    tiny_config: RunConfig, tmp_path: Path
) -> None:
    def fill(folder: Path) -> None:
        write_config(folder, tiny_config.with_values({"fit.epochs": 3000, "device.where": "slurm"}))
        Request(queued_at=time.time(), device="slurm").write(folder)
        Handed(fence=1, engine="slurm").write(folder)

    folder = rundir.create(tmp_path, "vgg16", fill)
    environment = {**os.environ, FENCE: "1", DEVICE: "cpu"}
    command = python("-m", "dhc.training", str(folder), "--queued")
    with (tmp_path / "output").open("wb") as output:
        training = subprocess.Popen(command, env=environment, cwd=REPOSITORY, stdout=output, stderr=output)
    try:
        wait_until(lambda: len(epochs(folder)) > 1, "it trains")
        training.send_signal(signal.SIGTERM)
        status = training.wait(60)
    finally:
        training.kill()
        training.wait()
    assert status == rundir.LEFT
    assert not (folder / rundir.EXIT).exists()
    assert rundir.next_epoch(folder) == epochs(folder)[-1] + 1
    (folder / rundir.PROCESS).unlink()  # as its attendant does
    assert status_of(folder).state is State.QUEUED
