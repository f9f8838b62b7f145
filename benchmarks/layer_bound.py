"""What the layer bound is measured on, and PyTorch asked for it: a part of the benchmarks that know the bound. Imports neither library."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dhc.config import RunConfig
from dhc.models.ladder import plan_of
from dhc.models.plan import Conv2D, measure

Shape = tuple[int, ...]


def convolutions(config: RunConfig, classes: int) -> Iterator[tuple[Conv2D, Shape, int]]:
    """Each one, the shape (H, W, C) of what comes into it, and its filters."""
    shape: Shape = (64, 64, 3)
    for row in measure(plan_of(config, classes)):
        if isinstance(row.layer, Conv2D):
            yield row.layer, shape, row.shape[-1]
        shape = row.shape


def asked_of_torch(
    python: str, module: str, config: RunConfig, folder: Path, *arguments: str, keeps_memory: bool = False
) -> Any:
    """What one of our modules for PyTorch prints last, of JSON, by the Python that has it; `folder` takes the config's file.

    Its memory is allocated as by itself, unless it `keeps_memory` as a training of ours.
    """
    path = folder / "config.json"
    path.write_text(config.to_json(), encoding="utf-8")
    command = [python, "-m", module, str(path), *arguments]
    env = {name: value for name, value in os.environ.items() if keeps_memory or name != "GLIBC_TUNABLES"}
    process = subprocess.run(command, check=True, capture_output=True, text=True, env=env)
    return json.loads(process.stdout.splitlines()[-1])
