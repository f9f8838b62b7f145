"""Groups of runs, started and stopped together: a sweep, the ladder's rungs, an experiment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Literal

from dhc.config import RunConfig
from dhc.errors import ConfigError, RunError
from dhc.files import write
from dhc.jobs import webhook
from dhc.jobs.launch import launch_all
from dhc.runs import rundir
from dhc.runs.contract import Design, Request
from dhc.runs.naming import group_names
from dhc.runs.status import State, status_of
from dhc.text import one_line

MAX_NAME = 80  # characters
MAX_SETTINGS = 3  # in a generated name


def start_group(
    configs: Iterable[RunConfig],
    runs_dir: Path,
    name: str,
    *,
    rule: Literal["", "median"] = "",
    parent: str = "",
    names: Sequence[str] = (),
    design: Design = "",
    note: str = "",
) -> tuple[str, list[str]]:
    """Queue runs as a group, all or none; returns its name (see `free_name`) and the runs' ids.

    `parent` is the run that they are changed copies of; `names` are the runs' own, by default what differs among them; `design` says how
    their settings were chosen; each gets the `note`. Raises what `launch_all` raises, and ConfigError for an empty name.
    """
    free = free_name(runs_dir, name)
    every = list(configs)
    names = names or group_names(every)
    ids = launch_all(every, runs_dir, group=free, rule=rule, parent=parent, names=names, design=design, note=note)
    return free, ids


def free_name(runs_dir: Path, name: str) -> str:
    """The name on one line, with (2), (3), … behind it where another group has it already.

    At most MAX_NAME characters. Raises ConfigError for an empty name.
    """
    line = one_line(name)
    if not line:
        raise ConfigError("the group needs a name: write a word or two")
    names = {group for _, group in _members(runs_dir)}
    number, candidate = 1, line[:MAX_NAME].strip()
    while candidate in names:
        number += 1
        suffix = f" ({number})"
        candidate = line[: MAX_NAME - len(suffix)].strip() + suffix
    return candidate


def generated_name(names: Sequence[str], now: datetime | None = None) -> str:
    """A name that says which settings vary, and when: ``factor × conv dropout, 23 Nov 10:15``."""
    words = [_word(name) for name in names[:MAX_SETTINGS]] + ["…"] * (len(names) > MAX_SETTINGS)
    return with_date(" × ".join(words), now)


def with_date(title: str, now: datetime | None = None) -> str:
    """What was started, and when: ``Ladder, quick, 23 Nov 10:15``, local time."""
    moment = now or datetime.now()
    return f"{title}, {moment.day} {moment:%b %H:%M}"


def stop_group(runs_dir: Path, name: str) -> list[str]:
    """Stop every run of the group that trains or waits; returns their ids.

    Those that wait leave the queue first, so that no further one begins; one that trains stops at its next batch and keeps
    its best network. Raises RunError where there is nothing to stop, and, after asking the others, for those that cannot be
    asked.
    """
    states = {folder: status_of(folder).state for folder, group in _members(runs_dir) if group == name}
    alive = [folder for folder, state in states.items() if state.alive]
    if not alive:
        raise RunError(f"the group {name[:MAX_NAME]!r} has no run that trains or waits: there is nothing to stop")
    failures = {}
    for folder in sorted(alive, key=lambda folder: states[folder] is not State.QUEUED):
        try:
            write.mark(folder / rundir.STOP)
        except OSError as error:  # one that cannot be asked must not keep the others going
            failures[folder.name] = error.strerror or str(error)
    webhook.announce_cancelled(alive)
    if failures:
        reasons = "; ".join(f"{run_id}: {why}" for run_id, why in sorted(failures.items()))
        raise RunError(f"{len(failures)} of {len(alive)} runs could not be asked to stop ({reasons})")
    return sorted(folder.name for folder in alive)


def _members(runs_dir: Path) -> Iterator[tuple[Path, str]]:
    """Each run's folder and the name of its group as the read model has it, "" for none."""
    for folder in runs_dir.iterdir() if runs_dir.is_dir() else ():
        if rundir.RUN_ID.fullmatch(folder.name):
            request = Request.read(folder)
            yield folder, "" if request is None else request.group


def _word(name: str) -> str:
    """A setting's name in a word or two: ``factor``, ``schedule`` (schedule.name), ``knn k``."""
    section, key = name.split(".")
    if key in ("name", "where"):
        return section
    return f"{section} {key}" if len(key) < 3 else key.replace("_", " ")
