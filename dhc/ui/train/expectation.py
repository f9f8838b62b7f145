"""What the Train page says before a run starts: cost, device, planned learning rate."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import streamlit as st

from dhc.analysis import estimate as estimates
from dhc.analysis.estimate import Estimate
from dhc.config import RunConfig
from dhc.data.layout import Dataset
from dhc.data.select import class_count
from dhc.errors import ConfigError
from dhc.figures import schedule
from dhc.machine import hardware
from dhc.models.cost import gains_from_bfloat16, layer_count, matrix_rate
from dhc.models.schedules import planned_rates
from dhc.text import duration_text, size_text
from dhc.ui.shell import session
from dhc.ui.shell.markdown import plain
from dhc.ui.widgets.plot import plot

# Seconds before the first step of a network: its process, Keras, compiling. Measured on two cores.
START = 8.0
MEMORY_HELP = (
    "Weights, gradients, Adam's moments, activations of one batch; the backend itself takes about 0.5 GB more."
)


@st.cache_data(ttl=15, show_spinner=False)
def resolved_device(name: str) -> str:
    """The device that a config's `name` means here, "cpu" or "gpu:0", …. Raises DeviceError."""
    return hardware.resolve(name)


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
    """The estimate for a config on its data set's pictures. Raises UserError as a launch would."""
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
    )


def picture_counts(config: RunConfig, dataset: Dataset) -> tuple[int, int]:
    """About how many training pictures, and how many val pictures, the config's run takes."""
    k = class_count(dataset, config.data.classes)
    train, val = (int(np.count_nonzero(np.asarray(dataset.splits[name].y) < k)) for name in ("train", "val"))
    return round(train * config.data.train_fraction), val


def draw(config: RunConfig, dataset: Dataset) -> None:
    """Draw what will happen: network, memory, time, device, planned learning rate, pictures."""
    k = class_count(dataset, config.data.classes)
    with st.container(border=True):
        st.markdown("**What will happen**")
        if config.trains_network:
            _network(config, dataset, k)
        else:
            _neighbours(config, dataset)
        st.caption(f"Pictures: {plain(str(Path(config.data.path).name))}, {k} of {len(dataset.classes)} classes")
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
    hardware.require(config.device.backend)
    device = resolved_device(config.device.device)
    estimate = run_estimate(config, dataset, device)
    first, second, third = st.columns(3)
    first.metric("Parameters", f"{estimate.cost.parameters:,}", help=f"{layer_count(config, k)}, {k} classes")
    second.metric("Memory", size_text(estimate.cost.memory), help=MEMORY_HELP)
    third.metric("Per epoch", duration_text(estimate.seconds_per_epoch), help=f"Expected, {estimate.source}.")
    place = f"the GPU ({device})" if device.startswith("gpu") else "the CPU (no GPU is used)"
    time, speed = _time_text(estimate, config.fit.epochs), _speed_text(estimate)
    st.markdown(f"Trains on {place}, in {resolved_precision(config, device, k)}{time}. {speed}")
    rates = planned_rates(config)
    figure = schedule.planned_rates(rates.rates)
    plot(figure, key="planned_rates", height=230, alt="Planned learning rate by epoch", clicks=False)
    st.caption(rates.note)


def _neighbours(config: RunConfig, dataset: Dataset) -> None:
    train, val = picture_counts(config, dataset)
    estimate = run_estimate(config, dataset, "cpu")
    first, second, third = st.columns(3)
    pairs = train * val
    pairs_text = f"{pairs / 1e6:.3g} million" if pairs >= 1_000_000 else f"{pairs:,}"
    first.metric("Comparisons", pairs_text, help=f"{val:,} val pictures, each with {train:,} training pictures.")
    second.metric(
        "Memory", size_text(estimate.cost.memory), help="The training pictures, and one block of comparisons."
    )
    third.metric("Time", duration_text(estimate.seconds), help=f"Expected, {estimate.source}.")
    if config.knn.k > train:
        raise ConfigError(f"knn.k is {config.knn.k}, but there are only {train} training pictures: choose a smaller k")
    st.markdown(
        f"Nothing is trained: the {config.knn.k} nearest training pictures by {config.knn.metric} distance vote. The other "
        "metrics and common values of k are evaluated in the same pass, on the CPU."
    )


def _time_text(estimate: Estimate, epochs: int) -> str:
    if estimate.seconds is None:
        return ""
    return f", about **{duration_text(START + estimate.seconds)}** for {epochs} epochs, including the start"


def _speed_text(estimate: Estimate) -> str:
    speed = estimate.pictures_per_second
    return "" if speed is None else f"About {speed:.0f} pictures/s, {estimate.source}."
