"""Starting several runs at once: how long they will take, said first, and the button."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from dhc.config import RunConfig
from dhc.data.layout import Dataset
from dhc.jobs.groups import start_group
from dhc.jobs.launch import launch_all
from dhc.runs.store import RunInfo
from dhc.text import count_text, duration_text
from dhc.ui.shell import session
from dhc.ui.shell.states import error_box
from dhc.ui.train import expectation


def expectation_text(configs: Sequence[RunConfig], dataset: Dataset) -> str:
    """Markdown: how many runs, for how long as far as that is known, on what, behind how many. Raises what a launch would."""
    runs = session.runs()
    times = [_seconds(config, dataset, runs) for config in configs]
    known = [seconds for seconds in times if seconds is not None]
    devices = {_device(config) for config in configs}
    on = " and ".join("the CPU" if device == "cpu" else device for device in sorted(devices))
    queue = "1 run" if len(configs) == 1 else f"{count_text(len(configs), 'run')}, one after the other,"
    told = f"{queue} on {on}: {_time(known, len(times) - len(known))}."
    waiting = sum(info.state.alive for info in runs)
    if not waiting:
        return told
    return f"{told} {count_text(waiting, 'run')} {'trains or waits' if waiting == 1 else 'train or wait'} already."


def _time(known: Sequence[float], unknown: int) -> str:
    if not known:
        return "how long is not known before the first such run on this device"
    more = f", and {unknown} of which the time is not known before the first such run here" if unknown else ""
    total = sum(known)
    return f"{'less than **a second**' if total < 1 else f'about **{duration_text(total)}**'}{more}"


def _seconds(config: RunConfig, dataset: Dataset, runs: Sequence[RunInfo]) -> float | None:
    seconds = expectation.expectation(config, dataset, _device(config), runs).seconds
    return expectation.START + seconds if seconds is not None and config.trains_network else seconds


def _device(config: RunConfig) -> str:
    return expectation.resolved_device(config.device.device if config.trains_network else "cpu")


def start(
    configs: Sequence[RunConfig], *, group: str = "", rule: Literal["", "median"] = "", parent: str = ""
) -> list[str]:
    """Queue the runs, all or none, as a group where a name is given; returns their ids.

    `parent` is the run that they are changed copies of. Says so where the folder of runs cannot be written to.
    """
    try:
        if group:
            return start_group(configs, session.runs_dir(), group, rule=rule, parent=parent)[1]
        return launch_all(configs, session.runs_dir(), parent=parent)
    except OSError as error:
        error_box(
            f"The runs could not be started: {error.strerror or error}; see that {session.runs_dir()} can be written to."
        )
        return []
