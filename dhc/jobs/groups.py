"""Runs that are started, named and stopped together: a sweep, the rungs of the ladder, an experiment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Literal

from dhc.config import RunConfig
from dhc.errors import ConfigError, RunError
from dhc.jobs.launch import launch_all
from dhc.runs import rundir
from dhc.runs.contract import Request
from dhc.runs.status import State, status_of
from dhc.text import one_line

MAX_NAME = 80  # characters
MOST_NAMED = 3  # settings in a generated name


def start_group(
    configs: Iterable[RunConfig], runs_dir: Path, name: str, *, rule: Literal["", "median"] = "", parent: str = ""
) -> tuple[str, list[str]]:
    """Queue runs as a group, all or none; returns the name that it got (see `free_name`) and the runs' ids, in order.

    `parent` is the run that they are changed copies of. Raises what `launch_all` raises, and ConfigError for a name without a letter.
    """
    free = free_name(runs_dir, name)
    return free, launch_all(configs, runs_dir, group=free, rule=rule, parent=parent)


def free_name(runs_dir: Path, name: str) -> str:
    """The name on one line, at most MAX_NAME characters, with (2), (3), … behind it where a group is called so already."""
    plain = one_line(name)
    if not plain:
        raise ConfigError("the group needs a name: write a word or two")
    taken = {group for _, group in _members(runs_dir)}
    number, free = 1, plain[:MAX_NAME].strip()
    while free in taken:
        number += 1
        end = f" ({number})"
        free = plain[: MAX_NAME - len(end)].strip() + end
    return free


def generated_name(names: Sequence[str], now: datetime | None = None) -> str:
    """A name that says which settings vary, and when: ``factor × conv dropout, 23 Nov 10:15``."""
    told = " × ".join(_word(name) for name in names[:MOST_NAMED]) + (" × …" if len(names) > MOST_NAMED else "")
    return with_date(told, now)


def with_date(what: str, now: datetime | None = None) -> str:
    """What was started, and when: ``Ladder, quick, 23 Nov 10:15``, local time."""
    moment = now or datetime.now()
    return f"{what}, {moment.day} {moment:%b %H:%M}"


def stop_group(runs_dir: Path, name: str) -> list[str]:
    """Stop every run of the group that is alive; returns their ids.

    Those that wait leave the queue first, so that no further one begins; one that trains stops at its next batch and keeps its best
    network. Raises RunError when the group has no run that could be stopped, and, the others being asked, for those that cannot be asked.
    """
    states = {folder: status_of(folder).state for folder, group in _members(runs_dir) if group == name}
    alive = [folder for folder, state in states.items() if state.alive]
    if not alive:
        raise RunError(f"the group {name!r} has no run that trains or waits: there is nothing to stop")
    refused = {}
    for folder in sorted(alive, key=lambda folder: states[folder] is not State.QUEUED):
        try:
            (folder / rundir.STOP).touch()
        except OSError as error:  # one that cannot be asked must not keep the others going
            refused[folder.name] = error.strerror or str(error)
    if refused:
        told = "; ".join(f"{run_id}: {why}" for run_id, why in sorted(refused.items()))
        raise RunError(f"of {len(alive)} runs {len(refused)} could not be asked to stop ({told})")
    return sorted(folder.name for folder in alive)


def _members(runs_dir: Path) -> Iterator[tuple[Path, str]]:
    """Each run's folder and the name of its group as the read model has it, "" for none."""
    for folder in runs_dir.iterdir() if runs_dir.is_dir() else ():
        if rundir.RUN_ID.fullmatch(folder.name):
            request = Request.read(folder)
            yield folder, "" if request is None else request.group


def _word(name: str) -> str:
    """``factor`` for schedule.factor, ``schedule`` for schedule.name, ``knn k`` for knn.k: what tells settings apart."""
    section, key = name.split(".")
    if key in ("name", "where"):
        return section
    return f"{section} {key}" if len(key) < 3 else key.replace("_", " ")
