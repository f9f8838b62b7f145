"""What the Train page says before a run starts: what it costs, on which device, with which learning rate."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import streamlit as st

from dhc.analysis.estimate import Estimate, estimate
from dhc.config import RunConfig
from dhc.data.layout import Dataset
from dhc.data.select import class_count
from dhc.errors import ConfigError
from dhc.figures import schedule
from dhc.machine import hardware
from dhc.models.cost import gains_from_bfloat16, layer_count, matrix_rate
from dhc.models.schedules import planned_rates
from dhc.runs.store import RunInfo
from dhc.text import duration_text, size_text
from dhc.ui.shell import session
from dhc.ui.shell.markdown import plain
from dhc.ui.widgets.plot import plot

START = 8.0  # seconds that each run of a network takes before its first step: its process, Keras, compiling; measured on two cores


@st.cache_data(ttl=15, show_spinner=False)
def resolved_device(asked: str) -> str:
    """The device that `asked` means here. Raises DeviceError."""
    return hardware.resolve(asked)


@st.cache_data(ttl=600, show_spinner=False)
def _matrix_rate() -> float:
    return matrix_rate()


@st.cache_data(ttl=600, show_spinner=False)
def _precision(asked: str, device: str, gains: bool) -> str:
    return hardware.precision(asked, device, gains=gains)


def resolved_precision(config: RunConfig, device: str, classes: int) -> str:
    """The dtype policy that the config's network gets on `device`."""
    return _precision(config.device.precision, device, gains_from_bfloat16(config, classes))


def expectation(config: RunConfig, dataset: Dataset, device: str, known: Sequence[RunInfo] | None = None) -> Estimate:
    """The estimate for a config on the pictures of its data set. Raises DataError and ValueError as a launch would.

    `known` are the runs that it may rest on, newest first, where they are at hand already.
    """
    train, val = picture_counts(config, dataset)
    classes = class_count(dataset, config.data.classes)
    return estimate(
        config,
        device,
        classes=classes,
        train=train,
        val=val,
        earlier_runs=session.runs() if known is None else known,
        matrix_rate=_matrix_rate,
        precision=lambda config: resolved_precision(config, device, classes),
    )


def picture_counts(config: RunConfig, dataset: Dataset) -> tuple[int, int]:
    """About how many training and how many val pictures the config's run takes."""
    k = class_count(dataset, config.data.classes)
    train, val = (int(np.count_nonzero(np.asarray(dataset.splits[name].y) < k)) for name in ("train", "val"))
    return round(train * config.data.train_fraction), val


def draw(config: RunConfig, dataset: Dataset) -> None:
    """Draw what will happen: pictures, network, device, memory, time, the planned learning rate."""
    k = class_count(dataset, config.data.classes)
    with st.container(border=True):
        st.markdown("**What will happen**")
        if config.trains_network:
            _network(config, dataset, k)
        else:
            _neighbours(config, dataset)
        st.caption(f"Pictures: {plain(str(Path(config.data.path).name))}, {k} of {len(dataset.classes)} classes")


def _network(config: RunConfig, dataset: Dataset, k: int) -> None:
    hardware.require(config.device.backend)
    device = resolved_device(config.device.device)
    found = expectation(config, dataset, device)
    first, second, third = st.columns(3)
    first.metric("Parameters", f"{found.cost.parameters:,}", help=f"{layer_count(config, k)}, {k} classes")
    second.metric(
        "Memory",
        size_text(found.cost.memory),
        help="Weights, gradients, Adam's moments, activations of one batch; the backend itself takes about 0.5 GB more.",
    )
    third.metric("Per epoch", duration_text(found.seconds_per_epoch), help=f"Expected, {found.source}.")
    where = f"the GPU ({device})" if device.startswith("gpu") else "the CPU (no GPU is used)"
    total = (
        ""
        if found.seconds is None
        else f", about **{duration_text(START + found.seconds)}** for {config.fit.epochs} epochs, its start included"
    )
    st.markdown(f"Trains on {where}, in {resolved_precision(config, device, k)}{total}. {_speed(found)}")
    rates = planned_rates(config)
    plot(
        schedule.planned_rates(rates.rates),
        key="planned_rates",
        height=230,
        alt="Planned learning rate by epoch",
        clicks=False,
    )
    st.caption(rates.note)


def _neighbours(config: RunConfig, dataset: Dataset) -> None:
    train, val = picture_counts(config, dataset)
    found = expectation(config, dataset, "cpu")
    first, second, third = st.columns(3)
    pairs = train * val
    told = f"{pairs / 1e6:.3g} million" if pairs >= 1_000_000 else f"{pairs:,}"
    first.metric("Comparisons", told, help=f"Each of {val:,} val pictures with {train:,} training pictures.")
    second.metric("Memory", size_text(found.cost.memory), help="The training pictures, and those compared at a time.")
    third.metric("Time", duration_text(found.seconds), help=f"Expected, {found.source}.")
    if config.knn.k > train:
        raise ConfigError(f"knn.k is {config.knn.k}, but there are only {train} training pictures: choose a smaller k")
    st.markdown(
        f"Nothing is trained: the {config.knn.k} nearest training pictures by {config.knn.metric} distance vote. The other "
        "metrics and usual numbers of neighbours are counted in the same pass, on the CPU."
    )


def _speed(found: Estimate) -> str:
    return (
        ""
        if found.pictures_per_second is None
        else f"About {found.pictures_per_second:.0f} pictures/s, {found.source}."
    )
