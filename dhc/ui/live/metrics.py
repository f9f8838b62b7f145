"""The figures above a network's curves: accuracies, learning rate, speed, device use."""

from __future__ import annotations

import math

import psutil
import streamlit as st

from dhc.machine.cores import cores
from dhc.models.mixing import mixes
from dhc.models.schedules import rate_of_epoch
from dhc.runs.contract import Process
from dhc.runs.identity import is_alive
from dhc.runs.records import History
from dhc.runs.status import State
from dhc.runs.store import RunInfo
from dhc.text import duration_text, rate_text
from dhc.ui.shell import session
from dhc.ui.shell.glossary import explained

NONE = "–"
VAL = "On the val pictures, after the last epoch."
TRAIN = "On the training pictures while it learned from them, with dropout and augmentation where these are on."
MIXED = "On mixed pictures, of which nobody can tell all: val_accuracy stands above it."
RATE = "As it stands now; each drop is a line in the curves."


def draw(info: RunInfo, history: History) -> None:
    """Six figures in a row; a dash where there is none yet. The sixth: how busy the device is, or how long the run took."""
    with st.container(key="dhc-live-tiles"):
        columns = st.columns(6)
    epochs = history.epochs
    best = NONE if info.best_val_accuracy is None else f"{info.best_val_accuracy:.3f}"
    columns[0].metric("Best val_accuracy", best)
    columns[1].metric(
        "val_accuracy",
        f"{epochs['val_accuracy'].iloc[-1]:.3f}" if len(epochs) else NONE,
        help=explained(VAL, "split", "accuracy"),
    )
    is_mixed = info.config is not None and mixes(info.config.augment)
    columns[2].metric(
        "accuracy",
        _latest(history, "accuracy", "{:.3f}"),
        help=explained(
            f"{TRAIN} {MIXED}" if is_mixed else TRAIN, *(("Mixup", "CutMix") if is_mixed else ("accuracy",))
        ),
    )
    columns[3].metric("Learning rate", _learning_rate(info, history), help=explained(RATE, "learning rate"))
    columns[4].metric("Pictures/s", _latest(history, "pictures_per_second", "{:,.0f}"))
    if info.state.alive:
        label, use = device_use(info, history)
        columns[5].metric(label, use, help="Of the whole device, right now.")
    else:
        columns[5].metric("Time", NONE if info.seconds is None else duration_text(info.seconds))


def _latest(history: History, column: str, template: str) -> str:
    for table in (history.batches, history.epochs):
        values = table[column].dropna()
        if len(values):
            return template.format(values.iloc[-1])
    return NONE


def _learning_rate(info: RunInfo, history: History) -> str:
    if history.rate is not None:
        return rate_text(history.rate)
    return NONE if info.config is None else rate_text(rate_of_epoch(info.config, 0))


def device_use(info: RunInfo, history: History) -> tuple[str, str]:
    """A label and how busy the run's device is now, in percent; a dash if unknown. Of a GPU the training tells it itself."""
    label = "GPU use" if info.device.startswith("gpu:") else "CPU use"
    if info.state is not State.RUNNING:
        return label, NONE
    if len(history.gpu) and math.isfinite(use := history.gpu["utilization"].iloc[-1]):
        return label, f"{use:.0f} %"
    if info.device.startswith("gpu:"):
        percents = {f"gpu:{gpu.index}": f"{gpu.utilization} %" for gpu in session.gpus()}
        return label, percents.get(info.device, NONE)
    process = Process.read(info.folder)
    child = None if process is None else process.child
    if process is None or child is None or child.pid is None or child.created is None:
        return label, NONE
    if not is_alive(child, process.host):  # on another machine: its number may be another program's here
        return label, NONE
    return label, _cpu_use(child.pid, child.created)


@st.cache_data(ttl=2, show_spinner=False)
def _cpu_use(pid: int, created: float) -> str:
    try:
        process, fresh = _process(pid, created)
        percent = fresh.pop() if fresh else process.cpu_percent()
    except (psutil.Error, ValueError, OverflowError):
        return NONE
    return f"{percent / cores():.0f} %"


@st.cache_resource(max_entries=16, show_spinner=False)
def _process(pid: int, created: float) -> tuple[psutil.Process, list[float]]:
    """One object a process, since psutil measures CPU use between two calls of the same one; and a first measurement.

    A second call right after the first would say 0.
    """
    process = psutil.Process(pid)
    return process, [process.cpu_percent(interval=0.2)]
