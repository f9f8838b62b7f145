"""The GPU's memory, load and heat beside a training; a script that prints what the driver's own tool prints plays the driver."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from screens import open_page, sent

from dhc.config import RunConfig
from dhc.figures import gpu as figures
from dhc.machine import hardware
from dhc.runs import rundir
from dhc.runs.config_file import write_config
from dhc.runs.contract import Process, Request
from dhc.runs.events import EventLog
from dhc.runs.identity import identify
from dhc.training import gpu


@pytest.fixture
def driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """``driver(script)`` puts an `nvidia-smi` first on the PATH, which notes each call; returns its notes."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(gpu, "EVERY", 0.02)

    def put(script: str) -> Path:
        notes = tmp_path / "calls"
        notes.write_text("")
        tool = tmp_path / "nvidia-smi"
        tool.write_text(f'#!/bin/sh\necho "$*" >> {notes}\n{script}\n')
        tool.chmod(0o755)
        return notes

    return put


def log_of(folder: Path) -> EventLog:
    log = EventLog(folder / rundir.EVENTS)
    log.refresh()
    return log


def watch_until(folder: Path, device: str, holds: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    with rundir.RunWriter(folder) as writer, gpu.watched(device, writer):
        while not holds():
            assert time.monotonic() < end
            time.sleep(0.01)


def test_what_the_driver_says_of_this_gpu_is_written_and_read_while_the_training_writes_too(
    driver: Callable[[str], Path], tmp_path: Path
) -> None:
    notes = driver("echo '31234, 81559, 97, 64'")
    end = time.monotonic() + 20
    with rundir.RunWriter(tmp_path) as writer, gpu.watched("gpu:1", writer):
        while len(log_of(tmp_path).history().gpu) < 3:
            assert time.monotonic() < end
            writer.event("batch", epoch=1, position=0.5, loss=1.0, accuracy=0.5)
    log = log_of(tmp_path)
    table = log.history().gpu
    assert log.damaged_lines == 0
    assert (np.diff(table["t"]) >= 0).all()
    figures_of_all = table.drop(columns="t").drop_duplicates().to_numpy().tolist()
    assert figures_of_all == [[31234.0, 81559.0, 97.0, 64.0]]
    assert "--id=1 " in notes.read_text()
    calls = len(notes.read_text().splitlines())
    time.sleep(0.1)
    assert len(notes.read_text().splitlines()) == calls  # nobody asks once the training is over


@pytest.mark.slow
def test_a_training_on_a_gpu_tells_of_it_and_live_draws_it(
    driver: Callable[[str], Path], tiny_config: RunConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dhc.training.loop import train_and_evaluate

    driver("echo '31234, 81559, 97, 64'")
    config = tiny_config.with_values(
        {"device.precision": "float32"}
    )  # it computes on the CPU, whatever the driver says
    folder = rundir.create(tmp_path / "runs", config.model.name)
    write_config(folder, config)
    Request(queued_at=1.0, device="gpu:0").write(folder)
    summary = train_and_evaluate(config, folder, device="gpu:0")
    assert (summary.epochs, log_of(folder).damaged_lines) == (2, 0)
    child = identify(os.getpid())
    Process(child=child, worker=child, host=socket.gethostname()).write(folder)
    monkeypatch.setenv("DHC_RUNS_DIR", str(folder.parent))
    at = open_page("live", run=folder.name)
    assert not at.exception
    assert {metric.label: metric.value for metric in at.metric}["GPU use"] == "97 %"
    charts = {chart["alt"]: json.loads(chart["figure"])["data"] for chart in sent(at, "plot")}
    names = [trace["name"] for trace in charts["Utilization, memory and temperature of the GPU by time"]]
    assert names == ["utilization, %", "memory, %", "temperature, °C"]


def test_what_a_gpu_does_not_tell_is_missing_and_stays_out_of_the_chart(
    driver: Callable[[str], Path], tmp_path: Path
) -> None:
    driver("echo '512, 24576, [N/A], 41'")
    watch_until(tmp_path, "gpu:0", lambda: len(log_of(tmp_path).history().gpu) >= 2)
    table = log_of(tmp_path).history().gpu
    assert table["utilization"].isna().all()
    names = {trace.name: np.isfinite(np.asarray(trace.y, dtype=float)).any() for trace in figures.load(table).data}
    assert names == {"utilization, %": False, "memory, %": True, "temperature, °C": True}


@pytest.mark.parametrize("script", ["echo 'No devices were found'", "exit 9", "echo '1, 2'"])
def test_a_driver_that_answers_nothing_is_soon_left_alone(
    driver: Callable[[str], Path], tmp_path: Path, script: str
) -> None:
    notes = driver(script)
    watch_until(tmp_path, "gpu:0", lambda: len(notes.read_text().splitlines()) == gpu.FAILURES)
    assert len(notes.read_text().splitlines()) == gpu.FAILURES
    assert log_of(tmp_path).history().gpu.empty


def test_a_cpu_asks_no_driver(driver: Callable[[str], Path], tmp_path: Path) -> None:
    notes = driver("echo '1, 2, 3, 4'")
    with rundir.RunWriter(tmp_path) as writer, gpu.watched("cpu", writer):
        time.sleep(0.1)
    assert notes.read_text() == ""


def test_a_driver_that_hangs_holds_no_training_up(
    driver: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hardware, "DRIVER_SECONDS", 0.3)
    driver("exec sleep 60")
    begin = time.monotonic()
    with rundir.RunWriter(tmp_path) as writer, gpu.watched("gpu:0", writer):
        pass
    assert time.monotonic() - begin < 10


def test_a_run_of_ten_days_writes_a_few_thousand_looks() -> None:
    seconds, looks = 0.0, 0
    while seconds < 10 * 86_400:
        seconds += max(gpu.EVERY, seconds / gpu.LOOKS)
        looks += 1
    assert looks < 4_000


def test_a_resume_keeps_what_was_seen_before_and_figures_that_cannot_be_true_count_as_missing(tmp_path: Path) -> None:
    with rundir.RunWriter(tmp_path) as writer:
        writer.event("gpu", memory_used=1000, memory=2000, utilization=50, temperature=60)
        writer.event("epoch", epoch=1, loss=1.0, accuracy=0.5, val_loss=1.0, val_accuracy=0.5, learning_rate=1e-3)
        writer.event("resume", epoch=1)
        writer.event("gpu", memory_used=-5, memory=1e30, utilization=101, temperature="hot")
        writer.event("gpu", memory_used=-5, memory=1e30, utilization=101, temperature=400)
    log = log_of(tmp_path)
    table = log.history().gpu
    assert (len(table), len(log.history().epochs), log.damaged_lines) == (2, 0, 1)
    assert table.iloc[1].drop("t").isna().all()
    assert json.loads((tmp_path / rundir.EVENTS).read_text().splitlines()[0])["kind"] == "gpu"


def test_the_chart_counts_minutes_of_training_and_leaves_a_pause_out(tmp_path: Path) -> None:
    table = log_of(tmp_path).history().gpu
    assert [len(trace.x) for trace in figures.load(table).data] == [0, 0, 0]
    moments = [0.0, 60.0, 120.0, 90_000.0, 90_060.0]  # resumed the day after
    for moment in moments:
        table.loc[len(table)] = [moment, 512.0, 1024.0, 90.0, 70.0]
    use, memory, temperature = figures.load(table).data
    assert use.x.tolist() == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert (use.y[0], memory.y[0], temperature.y[0]) == (90, 50, 70)
    assert memory.text[0] == "0.5 of 1 GiB"
