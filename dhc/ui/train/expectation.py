"""What the Train page says before a run starts: cost, device, planned learning rate."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from dhc.analysis import estimate as estimates
from dhc.analysis.estimate import Estimate
from dhc.cluster.record import cluster_of
from dhc.cluster.settings import NAMES, machines_of
from dhc.config import RunConfig
from dhc.data.layout import Dataset
from dhc.data.select import class_count
from dhc.figures import schedule
from dhc.jobs.datasets import is_dataset
from dhc.jobs.launch import require_engine
from dhc.machine import hardware
from dhc.models.cost import gains_from_bfloat16, layer_count, matrix_rate
from dhc.models.knn import KS
from dhc.models.schedules import planned_rates
from dhc.runs.rundir import ENGINES
from dhc.text import amount_text, count_text, duration_text, size_text
from dhc.ui.shell import session
from dhc.ui.shell.frame import link
from dhc.ui.shell.markdown import plain
from dhc.ui.widgets.plot import plot

# Seconds before the first step of a network: its process, Keras, compiling. Measured on two cores.
START = 8.0
BY_THIS_MACHINE = "by this machine's speed; those of the cluster may be faster or slower"
MEMORY_HELP = (
    "Weights, gradients, Adam's moments, activations of one batch; the backend itself takes about 0.5 GB more."
)


@st.cache_data(ttl=15, show_spinner=False)
def resolved_device(name: str) -> str:
    """The device that a config's `name` means here, "cpu" or "gpu:0", …. Raises DeviceError."""
    return hardware.resolve(name)


def place_of(config: RunConfig) -> str:
    """Where a config's run waits: ``cpu``, ``gpu:0``, or with ``ray`` or ``slurm``. Raises DeviceError."""
    if config.device.where == "here":
        return resolved_device(config.device.device if config.trains_network else "cpu")
    require_engine(config.device.where)
    return config.device.where


def at_once(place: str) -> int | None:
    """How many runs a device or a cluster takes at once; None for a cluster that nobody has looked at yet."""
    return (cluster_of(session.runs_dir(), place).width or None) if place in ENGINES else 1


@st.cache_data(ttl=600, show_spinner=False)
def _matrix_rate() -> float:
    return matrix_rate()


@st.cache_data(ttl=600, show_spinner=False)
def _precision(name: str, device: str, gains: bool) -> str:
    return hardware.precision(name, device, gains=gains)


def resolved_precision(config: RunConfig, device: str, classes: int) -> str:
    """The dtype policy that the config's network gets on `device`."""
    return _precision(config.device.precision, device, gains_from_bfloat16(config, classes))


def run_estimate(config: RunConfig, dataset: Dataset, device: str) -> Estimate:
    """The estimate for a config on its data set's pictures. Raises UserError as a launch would.

    Where nothing was measured on a cluster yet whose runs get no GPU, this machine's processor is the measure.
    """
    estimate = _estimate(config, dataset, device)
    if estimate.seconds is None and device in ENGINES and not machines_of(session.runs_dir()).of(device).gpus:
        return replace(_estimate(config, dataset, "cpu"), source=BY_THIS_MACHINE)
    return estimate


def _estimate(config: RunConfig, dataset: Dataset, device: str) -> Estimate:
    train, val = picture_counts(config, dataset)
    classes = class_count(dataset, config.data.classes)
    return estimates.estimate(
        config,
        device,
        classes=classes,
        train=train,
        val=val,
        earlier_runs=session.runs(),
        matrix_rate=_matrix_rate,
        precision=lambda config: resolved_precision(config, device, classes),
        cpu_multiplies=hardware.cpu_multiplies,
    )


def picture_counts(config: RunConfig, dataset: Dataset) -> tuple[int, int]:
    """About how many training pictures, and how many val pictures, the config's run takes."""
    k = class_count(dataset, config.data.classes)
    train, val = (int(np.count_nonzero(np.asarray(dataset.splits[name].y) < k)) for name in ("train", "val"))
    return round(train * config.data.train_fraction), val


def run_seconds(config: RunConfig, dataset: Dataset) -> tuple[float | None, str]:
    """How long a run will take with its start, and by what measure; None where nothing is known. Raises UserError."""
    estimate = run_estimate(config, dataset, place_of(config))
    start = START if config.trains_network else 0.0
    return None if estimate.seconds is None else start + estimate.seconds, estimate.source


def wall_seconds(configs: Sequence[RunConfig], seconds: Sequence[float]) -> float:
    """Seconds until all have ended that take so long each: on a device one after the other, on a cluster so many at once.

    Raises DeviceError.
    """
    by_place: dict[str, list[float]] = defaultdict(list)
    for config, one in zip(configs, seconds, strict=True):
        by_place["" if (place := place_of(config)) not in ENGINES else place].append(one)
    return max((estimates.makespan(several, at_once(place) or 1) for place, several in by_place.items()), default=0.0)


def link_to_network(config: RunConfig, dataset: Dataset, settings: Mapping[str, str]) -> None:
    """A link to the config's network, layer by layer; `settings` are the config's in an address. None for nearest neighbours."""
    if config.trains_network:
        classes = min(config.data.classes or len(dataset.classes), len(dataset.classes))
        link("Network", text="Look at this network", plan="form", **{**settings, "classes": str(classes)})


def draw(config: RunConfig, dataset: Dataset) -> None:
    """Draw what will happen: network, memory, time, device, planned learning rate, pictures."""
    k = class_count(dataset, config.data.classes)
    if config.trains_network:
        _network(config, dataset, k)
    else:
        _neighbours(config, dataset)
    drawn = is_dataset(Path(config.data.path))
    place = plain(str(dataset.root.name))
    st.caption(f"Pictures: {place}{'' if drawn else ' (not drawn yet)'}, {k} of {len(dataset.classes)} classes")
    if drawn:
        _check(Path(config.data.path))


def _check(folder: Path) -> None:
    """One line on what the last check of the pictures found."""
    outcome = session.check_summary(folder)
    words = f"Its last check: {outcome}." if outcome else "Not checked as they are now."
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(words, width="content")
        st.page_link(
            "pages/data.py", label="Check", query_params={"data": folder.name, "view": "check"}, width="content"
        )


def _network(config: RunConfig, dataset: Dataset, k: int) -> None:
    if config.device.where == "here":
        hardware.require(config.device.backend)
    device = place_of(config)
    estimate = run_estimate(config, dataset, device)
    parameters = estimate.cost.parameters
    help = f"{parameters:,} parameters: {layer_count(config, k)}, {k} classes"
    _tiles(
        ("Parameters", amount_text(parameters), help),
        ("Memory", size_text(estimate.cost.memory), MEMORY_HELP),
        ("Per epoch", duration_text(estimate.seconds_per_epoch), f"Expected, {estimate.source}."),
    )
    time, speed = _time_text(estimate, config.fit.epochs), _speed_text(estimate)
    st.markdown(f"Trains on {_place_text(config, device, k)}{time}. {speed}")
    if device in ENGINES:
        link("Machines", text=f"What {NAMES[device]} has", engine=device)
    rates = planned_rates(config)
    plot(
        _rates_figure(rates.rates), key="planned_rates", height=180, alt="Planned learning rate by epoch", clicks=False
    )
    st.caption(rates.note)


def _place_text(config: RunConfig, device: str, k: int) -> str:
    """On what a network trains, and in which precision, where that is known before."""
    if device not in ENGINES:
        place = f"the GPU ({device})" if device.startswith("gpu") else "the CPU (no GPU is used)"
        return f"{place}, in {resolved_precision(config, device, k)}"
    return f"{NAMES[device]}, with {machines_of(session.runs_dir()).of(device).share_text}"


@lru_cache(maxsize=16)  # most clicks change another setting, and a figure takes longer than all fields
def _rates_figure(rates: tuple[float, ...]) -> go.Figure:
    return schedule.planned_rates(rates)


def _neighbours(config: RunConfig, dataset: Dataset) -> None:
    train, val = picture_counts(config, dataset)
    estimate = run_estimate(config, dataset, "cpu")
    help = f"{train * val:,}: {val:,} val pictures, each with {train:,} training pictures."
    _tiles(
        ("Comparisons", amount_text(train * val), help),
        ("Memory", size_text(estimate.cost.memory), "The training pictures, and one block of comparisons."),
        ("Time", duration_text(estimate.seconds), f"Expected, {estimate.source}."),
    )
    st.markdown(
        f"Nothing is trained: the {config.knn.k} nearest training pictures by {config.knn.metric} distance vote. The other "
        f"metrics, and k = {', '.join(map(str, KS[:-1]))} and {KS[-1]} as in the report, are evaluated in the same pass, on the CPU."
    )


def _tiles(*tiles: tuple[str, str, str]) -> None:
    """Labels, figures and helps beside each other; where the window is narrow they break into lines, never a figure."""
    with st.container(horizontal=True, gap="medium", key="dhc-train-tiles"):
        for label, figure, help in tiles:
            st.metric(label, figure, help=help, width="content")


def _time_text(estimate: Estimate, epochs: int) -> str:
    if estimate.seconds is None:
        return ""
    time = f"**{duration_text(START + estimate.seconds)}**"
    return f", about {time} for {count_text(epochs, 'epoch')}, including the start"


def _speed_text(estimate: Estimate) -> str:
    speed = estimate.pictures_per_second
    return "" if speed is None else f"About {count_text(round(speed), 'picture')}/s, {estimate.source}."
