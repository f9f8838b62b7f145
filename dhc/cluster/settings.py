"""The settings of the clusters, in one file beside the runs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from dhc.runs import rundir
from dhc.runs.lenient import Record

ADDRESS = r"^$|^auto$|^(ray://)?[A-Za-z0-9.\-]{1,200}(:\d{1,5})?$|^(ray://)?\[[0-9a-fA-F:]{2,45}\](:\d{1,5})?$"
NAME = r"^$|^[A-Za-z0-9_.,\-]{1,80}$"


class RaySettings(Record):
    """How runs go to a Ray cluster."""

    address: Annotated[str, Field(pattern=ADDRESS)] = ""
    """Of the cluster: ``ray://HEAD:10001`` from anywhere, ``HEAD:6379`` or ``auto`` from one of its machines; without one, RAY_ADDRESS counts."""

    cpus: Annotated[float, Field(ge=0, le=1024)] = 1.0
    """Processor cores that a run is given."""

    gpus: Annotated[float, Field(ge=0, le=64)] = 0.0
    """GPUs that a run is given; a part of one, such as 0.5, lets two runs share it."""

    files: Literal["shared", "sent"] = "shared"
    """Whether all machines see the folders of runs and pictures, or whether these are sent."""

    @property
    def reached_at(self) -> str:
        """The address that counts; "" where there is none."""
        return self.address or os.environ.get("RAY_ADDRESS", "")


class SlurmSettings(Record):
    """How runs go to Slurm."""

    partition: Annotated[str, Field(pattern=NAME)] = ""
    """The partition; without one, Slurm's own default."""

    account: Annotated[str, Field(pattern=NAME)] = ""
    """The account that pays, where one is needed."""

    qos: Annotated[str, Field(pattern=NAME)] = ""
    """The quality of service, where one is needed."""

    minutes: Annotated[int, Field(ge=1, le=60 * 24 * 60)] = 24 * 60
    """The time limit of a run."""

    cpus: Annotated[int, Field(ge=1, le=1024)] = 1
    """Processor cores that a run is given."""

    gpus: Annotated[int, Field(ge=0, le=64)] = 0
    """GPUs that a run is given."""

    memory: Annotated[int, Field(ge=0, le=4096)] = 0
    """GB of memory that a run is given; 0 leaves that to Slurm."""

    at_once: Annotated[int, Field(ge=1, le=10_000)] = 256
    """How many runs of one sweep may run at once."""


class Machines(Record):
    """``machines.json`` beside the runs."""

    ray: RaySettings = Field(default_factory=RaySettings)
    slurm: SlurmSettings = Field(default_factory=SlurmSettings)


def machines_of(runs_dir: Path) -> Machines:
    """The settings of the clusters; the default for what nobody set, or what cannot be read."""
    return Machines.load(runs_dir / rundir.MACHINES) or Machines()


def write_machines(runs_dir: Path, machines: Machines) -> None:
    """Replace the settings of the clusters. Raises OSError."""
    rundir.write_json(runs_dir / rundir.MACHINES, machines.model_dump(mode="json"))
