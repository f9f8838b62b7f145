"""``python -m dhc doctor``: what this machine offers for training, and what is missing."""

from __future__ import annotations

import importlib.metadata
import platform
from dataclasses import asdict, dataclass
from typing import Any

import click

from dhc.cli.common import JSON, print_json
from dhc.machine import hardware
from dhc.machine.cores import cores
from dhc.models.cost import cost, cpu_seconds_per_picture, gains_from_bfloat16, matrix_rate
from dhc.models.presets import preset_config

PACKAGES = (
    "streamlit",
    "tensorflow",
    "keras",
    "jax",
    "torch",
    "pandas",
    "numpy",
    "opencv-python-headless",
    "plotly",
    "scikit-learn",
    "ray",
    "submitit",
)


@dataclass(frozen=True)
class Diagnosis:
    """What this machine has; `advice` are sentences, `expected` pictures/s by preset on the CPU."""

    python: str
    versions: dict[str, str]
    device: str
    gpus: tuple[hardware.Gpu, ...]
    cpu: str
    cores: int
    matrix_gflops: float
    expected: dict[str, float]
    advice: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``."""
        return asdict(self)


def examine() -> Diagnosis:
    """Look at this machine. Imports no backend; measures the matrix-product rate for a moment."""
    versions = {name: version for name in PACKAGES if (version := _version(name)) is not None}
    gpus = hardware.gpus()
    rate = matrix_rate()
    return Diagnosis(
        python=platform.python_version(),
        versions=versions,
        device=hardware.resolve("auto"),
        gpus=gpus,
        cpu=hardware.cpu_name(),
        cores=cores(),
        matrix_gflops=round(rate / 1e9, 1),
        expected=_expected(rate),
        advice=tuple(_advice(versions, gpus)),
    )


def _expected(rate: float) -> dict[str, float]:
    speeds = {}
    for name in ("quick", "report", "cnn7", "cnn3"):
        config = preset_config(name)
        classes = config.data.classes or 96
        precision = hardware.precision("auto", "cpu", gains=gains_from_bfloat16(config, classes))
        speeds[name] = round(1 / cpu_seconds_per_picture(cost(config, classes, precision), rate), 1)
    return speeds


def _advice(versions: dict[str, str], gpus: tuple[hardware.Gpu, ...]) -> list[str]:
    advice = []
    if not gpus and hardware.cpu_multiplies_bfloat16():
        advice.append("this CPU multiplies bfloat16: networks that gain from it train in mixed_bfloat16 by default")
    if not any(name in versions for name in ("tensorflow", "jax", "torch")):
        advice.append("no backend is installed: pip install -r requirements.txt")
    if gpus and _version("nvidia-cudnn-cu12") is None and _version("nvidia-cudnn-cu13") is None:
        advice.append("a GPU is here; for TensorFlow to use it: pip install -r requirements-gpu.txt -c constraints.txt")
    if not gpus:
        advice.append("no NVIDIA GPU is visible: training runs on the CPU; the preset quick is made for that")
    return advice


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


@click.command()
@JSON
def doctor(as_json: bool) -> None:
    """Say what this machine offers: device, versions, expected pictures/s; and what is missing."""
    diagnosis = examine()
    if as_json:
        return print_json(diagnosis.as_dict())
    click.echo("\n".join(_lines(diagnosis)))
    return None


def _lines(diagnosis: Diagnosis) -> list[str]:
    gflops = f"{diagnosis.matrix_gflops:g} GFLOP/s in matrix products"
    versions = {"python": diagnosis.python, **diagnosis.versions}
    speeds = ", ".join(f"{name} {speed:g} pictures/s" for name, speed in diagnosis.expected.items())
    return [
        f"device   {diagnosis.device} ({diagnosis.cpu}, {diagnosis.cores} cores, {gflops})",
        *(f"gpu:{gpu.index}    {gpu.name}, {gpu.memory} MiB, {gpu.memory_used} MiB in use" for gpu in diagnosis.gpus),
        "versions " + ", ".join(f"{name} {version}" for name, version in versions.items()),
        f"expected on the CPU: {speeds}",
        *(f"note     {sentence}" for sentence in diagnosis.advice),
    ]
