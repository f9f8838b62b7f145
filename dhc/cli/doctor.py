"""``python -m dhc doctor``."""

from __future__ import annotations

import click

from dhc.cli.common import JSON, print_json


@click.command()
@JSON
def doctor(as_json: bool) -> None:
    """Say what this machine offers: device, versions, expected pictures/s, what to install for the GPU."""
    from dhc.doctor import examine

    found = examine()
    if as_json:
        return print_json(found.as_dict())
    click.echo(
        f"device   {found.device} ({found.cpu}, {found.cores} cores, {found.matrix_gflops:g} GFLOP/s in matrix products)"
    )
    for gpu in found.gpus:
        click.echo(f"gpu:{gpu.index}    {gpu.name}, {gpu.memory} MiB, {gpu.memory_used} MiB in use")
    click.echo(
        "versions "
        + ", ".join(f"{name} {version}" for name, version in {"python": found.python, **found.versions}.items())
    )
    click.echo(
        "expected on the CPU: " + ", ".join(f"{name} {speed:g} pictures/s" for name, speed in found.expected.items())
    )
    for sentence in found.advice:
        click.echo(f"note     {sentence}")
    return None
