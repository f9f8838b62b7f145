"""``python -m dhc network``: a run's network layer by layer."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from dhc.analysis.network import CLASSES, NetworkLayer, field_text, network_layers, shape_text
from dhc.cli.common import JSON, RUNS, print_json
from dhc.errors import RunError
from dhc.runs.store import Store

COLUMNS = ("layer", "output", "parameters", "FLOPs", "sees")


@click.command()
@click.argument("run_id")
@click.option(
    "--time", "is_timed", is_flag=True, help="Measure each layer's share of the time, on the CPU; takes some seconds."
)
@RUNS
@JSON
def network(run_id: str, is_timed: bool, runs_dir: Path, as_json: bool) -> None:
    """Print the layers of a run's network: output, parameters, FLOPs, and which part of a picture a unit sees.

    A multiply–add counts as 2 FLOPs; normalisation, activation and pooling count 0. A unit sees 64 pixels a side at most, the whole
    picture. Augmentation is left out: it changes pictures only while the network trains.
    """
    from dhc.models.ladder import plan_of

    store = Store(runs_dir)
    info = store.run(run_id)
    if info.config is None:
        raise RunError(f"run {run_id}: {info.problem}")
    if not info.config.trains_network:
        raise RunError(f"run {run_id} compares pictures and has no network: name a run that trains one")
    _, start = store.outline(run_id)
    classes = start.get("classes") or info.config.data.classes or CLASSES
    layers = network_layers(plan_of(info.config, classes))
    seconds = _seconds(info.config, classes) if is_timed else None
    if as_json:
        print_json(_record(layers, classes, seconds))
    else:
        click.echo("\n".join(_lines(layers, seconds)))


def _seconds(config: Any, classes: int) -> list[float]:
    """Seconds of each layer for one picture."""
    from dhc.config import DeviceConfig
    from dhc.machine import hardware

    os.environ.update(hardware.environment(DeviceConfig(device="cpu"), "cpu"))
    from dhc.predict.layers import TIMED, measure_times

    return [float(value) / TIMED for value in measure_times(config, classes)]


def _record(layers: Sequence[NetworkLayer], classes: int, seconds: Sequence[float] | None) -> dict[str, Any]:
    rows = [layer.record() for layer in layers]
    for row, value in zip(rows, seconds or (), strict=bool(seconds)):
        row["seconds"] = value
    return {
        "classes": classes,
        "parameters": sum(layer.parameters for layer in layers),
        "flops": sum(layer.flops for layer in layers),
        "layers": rows,
    }


def _lines(layers: Sequence[NetworkLayer], seconds: Sequence[float] | None) -> list[str]:
    rows = [
        [layer.name, shape_text(layer.shape), f"{layer.parameters:,}", f"{layer.flops:,}", field_text(layer)]
        for layer in layers
    ]
    titles = list(COLUMNS)
    if seconds is not None:
        titles.append("time")
        for row, value in zip(rows, seconds, strict=True):
            row.append(f"{value / sum(seconds):.1%}")
    widths = [max(len(row[number]) for row in [titles, *rows]) + 2 for number in range(len(titles))]
    lines = [
        row[0].ljust(widths[0]) + "".join(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))
        for row in [titles, *rows]
    ]
    total = f"{sum(layer.parameters for layer in layers):,} parameters, {sum(layer.flops for layer in layers):,} FLOPs a picture"
    return [
        *lines,
        total if seconds is None else f"{total}, {1000 * sum(seconds):.2f} ms a picture on the CPU, layer by layer",
    ]
