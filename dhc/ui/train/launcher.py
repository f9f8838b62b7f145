"""Starting runs from a screen: how long they will take, and queueing them."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, Literal

from dhc.analysis.repeats import SEED, effective_key
from dhc.cluster.settings import NAMES
from dhc.config import RunConfig
from dhc.data.layout import Dataset
from dhc.jobs.groups import start_group
from dhc.jobs.launch import launch, launch_all
from dhc.runs.contract import Design
from dhc.runs.rundir import ENGINES
from dhc.text import count_text, duration_text
from dhc.ui.shell import session
from dhc.ui.shell.states import error_box
from dhc.ui.train import expectation


def expectation_text(configs: Sequence[RunConfig], dataset: Dataset) -> str:
    """Markdown: how many runs, on which devices, for how long, and how many others are alive.

    Raises what a launch would.
    """
    seconds = [expectation.run_seconds(config, dataset)[0] for config in configs]
    devices = sorted({expectation.place_of(config) for config in configs})
    places = " and ".join("the CPU" if device == "cpu" else NAMES.get(device, device) for device in devices)
    queue = "1 run" if len(configs) == 1 else f"{count_text(len(configs), 'run')}, {_pace(devices)},"
    alive = sum(info.state.alive for info in session.runs())
    others = f" {count_text(alive, 'run')} already training or waiting." if alive else ""
    return f"{queue} on {places}: {_time_text(configs, seconds)}.{others}"


def _pace(devices: Sequence[str]) -> str:
    """How many of the runs go on side by side, in words."""
    widths = [expectation.at_once(device) for device in devices if device in ENGINES]
    if not widths:
        return "one after the other"
    return f"up to {widths[0]} at once" if widths[0] else "as many at once as it has room for"


def total_seconds(configs: Sequence[RunConfig], dataset: Dataset) -> float | None:
    """How long the runs take together (`expectation.wall_seconds`); None where nothing is known of one of them.

    Raises what a launch would.
    """
    by_settings: dict[Hashable, float] = {}
    for config in configs:
        key = (config.device.where, effective_key(config, but=(SEED,)))
        if key not in by_settings:
            seconds, _ = expectation.run_seconds(config, dataset)
            if seconds is None:
                return None
            by_settings[key] = seconds
    times = [by_settings[config.device.where, effective_key(config, but=(SEED,))] for config in configs]
    return expectation.wall_seconds(configs, times)


def _time_text(configs: Sequence[RunConfig], seconds: Sequence[float | None]) -> str:
    """How long all take together; None stands for a run whose time nothing is known of."""
    known = [(config, time) for config, time in zip(configs, seconds, strict=True) if time is not None]
    if not known:
        return "how long is unknown until the first such run on this device"
    unknown, total = len(seconds) - len(known), expectation.wall_seconds(*zip(*known, strict=True))
    more = f", plus {unknown} whose time is unknown until the first such run here" if unknown else ""
    is_blind = len(known) > 1 and any(expectation.at_once(expectation.place_of(config)) is None for config, _ in known)
    more += " if one ran after the other; look at the cluster on Machines to know how many run at once" * is_blind
    return f"{'less than **a second**' if total < 1 else f'about **{duration_text(total)}**'}{more}"


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
