"""Starting runs from a screen: how long they will take, and queueing them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Literal

from dhc.analysis.repeats import SEED, effective_key
from dhc.config import RunConfig
from dhc.data.layout import Dataset
from dhc.jobs.groups import start_group
from dhc.jobs.launch import launch, launch_all
from dhc.runs.contract import Design
from dhc.text import count_text, duration_text
from dhc.ui.shell import session
from dhc.ui.shell.states import error_box
from dhc.ui.train import expectation


def expectation_text(configs: Sequence[RunConfig], dataset: Dataset) -> str:
    """Markdown: how many runs, on which devices, for how long, and how many others are alive.

    Raises what a launch would.
    """
    seconds = [expectation.run_seconds(config, dataset)[0] for config in configs]
    devices = {_device(config) for config in configs}
    places = " and ".join("the CPU" if device == "cpu" else device for device in sorted(devices))
    queue = "1 run" if len(configs) == 1 else f"{count_text(len(configs), 'run')}, one after the other,"
    alive = sum(info.state.alive for info in session.runs())
    others = f" {count_text(alive, 'run')} already training or waiting." if alive else ""
    return f"{queue} on {places}: {_time_text(seconds)}.{others}"


def total_seconds(configs: Sequence[RunConfig], dataset: Dataset) -> float | None:
    """How long the runs take one after the other; None where nothing is known of one of them.

    Raises what a launch would.
    """
    total = 0.0
    by_settings = {effective_key(config, but=(SEED,)): config for config in configs}
    for key, count in Counter(effective_key(config, but=(SEED,)) for config in configs).items():
        seconds, _ = expectation.run_seconds(by_settings[key], dataset)
        if seconds is None:
            return None
        total += count * seconds
    return total


def _time_text(seconds: Sequence[float | None]) -> str:
    """The sum of the estimates; None stands for a run whose time nothing is known of."""
    estimates = [estimate for estimate in seconds if estimate is not None]
    if not estimates:
        return "how long is unknown until the first such run on this device"
    unknown, total = len(seconds) - len(estimates), sum(estimates)
    more = f", plus {unknown} whose time is unknown until the first such run here" if unknown else ""
    return f"{'less than **a second**' if total < 1 else f'about **{duration_text(total)}**'}{more}"


def _device(config: RunConfig) -> str:
    return expectation.resolved_device(config.device.device if config.trains_network else "cpu")


def start(
    configs: Sequence[RunConfig],
    *,
    group: str = "",
    rule: Literal["", "median"] = "",
    parent: str = "",
    names: Sequence[str] = (),
    design: Design = "",
    note: str = "",
) -> list[str]:
    """Queue the runs, all or none, as a group where a name is given; returns their ids.

    `parent` is the run that they are changed copies of; `names` are the runs' own, the `note` that of each. Where the system refuses, the screen says so, and there are no ids.
    """
    runs_dir = session.runs_dir()
    configs = [with_pictures(config) for config in configs]
    try:
        if group:
            about = {"parent": parent, "note": note}
            return start_group(configs, runs_dir, group, rule=rule, names=names, design=design, **about)[1]
        return launch_all(configs, runs_dir, parent=parent, names=names, note=note)
    except OSError as error:
        _say_refusal("The runs", error)
        return []


def with_pictures(config: RunConfig) -> RunConfig:
    """The config with the folder in which its pictures lie by now: a repeat of a run may outlive the place of its data set."""
    folder = session.pictures_folder(config)
    return config if folder == config.data.path else config.with_values({"data.path": folder})


def start_one(config: RunConfig, **about: Any) -> str | None:
    """Queue a run and return its id; None where the system refuses, which the screen says.

    `about` is what `launch` takes: name, note, parent, bet.
    """
    try:
        return launch(config, session.runs_dir(), **about)
    except OSError as error:
        _say_refusal("The run", error)
        return None


def _say_refusal(runs: str, error: OSError) -> None:
    reason = error.strerror or error
    error_box(f"{runs} could not be started: {reason}. Make sure that {session.runs_dir()} can be written to.")
