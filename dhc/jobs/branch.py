"""Going on with a run: a child run takes over a parent's epochs up to one, and trains on from there with settings of its own.

The child's folder holds all that the parent had after that epoch, linked or copied, so that it needs its parent no more; its
training then resumes as one that was broken off there (`dhc.training.resume`).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from dhc.config import RunConfig, differences, find_field
from dhc.config.phrase import brief
from dhc.errors import ConfigError, RunError
from dhc.files import write
from dhc.files.archive import DamagedError
from dhc.files.read import open_regular
from dhc.jobs import launch
from dhc.jobs.places import Network, Place, Places, fault, places
from dhc.jobs.queue import last_place
from dhc.models.cost import cost
from dhc.models.junction import Choice, Standing, rates_after
from dhc.models.schedules import BY_LENGTH, PlannedRates
from dhc.runs import rundir
from dhc.runs.config_file import read_config, write_config
from dhc.runs.contract import Labels, Request
from dhc.runs.course import Branch, Course
from dhc.runs.dynamics import link_epochs
from dhc.runs.events import end_of_epoch
from dhc.runs.fit import require_fit_queue
from dhc.runs.labels import new_labels, read_labels
from dhc.runs.naming import branch_name
from dhc.runs.predictions import save_predictions
from dhc.runs.rundir import RunWriter
from dhc.runs.states import STATE, check_state, read_beside

Epoch = int | Literal["last", "best"]
RATE = "optimizer.learning_rate"
FREE = (
    "fit.epochs",
    "fit.keep_resume_state",
    "fit.keep_states_every",
    "fit.watch_health",
    "fit.watch_pictures",
    "device.device",
    "device.where",
)  # they leave no mark on the course
CHANGEABLE = (
    RATE,
    "optimizer.weight_decay",
    "model.conv_dropout",
    "model.dense_dropout",
    "fit.label_smoothing",
    "fit.early_stopping",
    *FREE,
)
SECTIONS = ("schedule", "augment")  # all of whose settings may change
OTHER_RUN = {
    "data": "the pictures",
    "model": "the network",
    "optimizer": "what the optimizer keeps",
    "fit": "the epochs before",
}
ROOM = 10_000_000  # bytes of a state beside its numbers
NUMBERS = (
    8  # that a state may hold for each of the network's: Adam has 3 and its averages, another optimizer may have more
)
CHUNK = 1 << 20  # bytes copied at once


@dataclass(frozen=True)
class Plan:
    """A child run before it is queued: where it goes on, with which settings and course, at which rates from then on."""

    place: Place
    config: RunConfig
    branch: Branch
    course: Course
    rates: PlannedRates

    @property
    def sentence(self) -> str:
        """What it will do with the schedule and early stopping."""
        return self.rates.note


def plan(
    folder: Path,
    epoch: Epoch = "last",
    more_epochs: int | None = None,
    changes: Mapping[str, Any] | None = None,
    schedule: Choice = "continue",
    *,
    options: Places | None = None,
) -> Plan:
    """What going on with the run in a folder would be, without doing it; `changes` names no more than what a person sets.

    `epoch` is the last one to take over: that of a kept state, ``last`` for the latest, ``best`` for the best network. Without
    `more_epochs` it trains what was left of the parent's. `options` are its `places`, if they were looked up already. Raises
    RunError where there is nothing to go on from, ConfigError for a setting that cannot change there.
    """
    network: Network = "best" if epoch == "best" else "state"
    options = places(folder) if options is None else options
    place = options.find(epoch if isinstance(epoch, int) else None, network)
    parent, _ = read_config(folder)
    if parent is None or place.standing is None:
        raise RunError(f"run {folder.name} cannot be gone on with: its settings have just gone")
    course = Course.of(folder)
    in_effect = course.settings_after(place.epoch)
    before = parent.with_values(in_effect)
    config = _config(parent, place.epoch, more_epochs, changes or {})
    now = config.with_values({**in_effect, **(changes or {}), "fit.epochs": config.fit.epochs})
    # The rates of a cosine until here were those of its whole length: no undisturbed run has both parts.
    free = [name for name in FREE if name != "fit.epochs" or before.schedule.name not in BY_LENGTH]
    old = {name: before.get(name) for name in differences([before, now]) if name not in free}
    if _sets_rate(now, place.standing, changes or {}):
        old[RATE] = place.standing.rate
    branch = Branch(run=folder.name, epoch=place.epoch, schedule=schedule, network=network, before=old)
    course = course.up_to(place.epoch).with_branch(branch)
    return Plan(place, config, branch, course, _rates(now, place.standing, course))


def branch(
    runs_dir: Path,
    run_id: str,
    epoch: Epoch = "last",
    more_epochs: int | None = None,
    changes: Mapping[str, Any] | None = None,
    schedule: Choice = "continue",
    *,
    name: str = "",
    note: str = "",
) -> str:
    """`queue` what `plan` says; returns the child's id at once. Raises what they do."""
    proposal = plan(rundir.run_dir(runs_dir, run_id), epoch, more_epochs, changes, schedule)
    return queue(runs_dir, run_id, proposal, name=name, note=note)


def queue(runs_dir: Path, run_id: str, proposal: Plan, *, name: str = "", note: str = "") -> str:
    """Queue the child run of a plan for the run, and make sure that a worker is there; returns its id at once.

    Raises RunError where the parent's files are damaged or have just gone, DeviceError for a device that is not here.
    """
    folder = rundir.run_dir(runs_dir, run_id)
    require_fit_queue(runs_dir)
    device = _device(proposal.config, folder)
    _check(proposal, folder)
    labels = new_labels(name=name or proposed_name(folder, proposal), note=note)
    request = Request(queued_at=time.time(), device=device, place=last_place(runs_dir), parent=run_id)
    try:
        child = launch.create_run(
            runs_dir, proposal.config.model.name, lambda draft: _fill(draft, folder, proposal, request, labels)
        )
    except FileNotFoundError as error:
        raise RunError(
            f"run {run_id} lost what was to be gone on from just now ({error.filename}): see what is left of it"
        ) from None
    launch.start_worker(runs_dir, device)
    return child


def _config(before: RunConfig, epoch: int, more_epochs: int | None, changes: Mapping[str, Any]) -> RunConfig:
    """The child's settings. Raises ConfigError."""
    for name in changes:
        field = find_field(name)
        if name not in CHANGEABLE and field.section not in SECTIONS:
            why = OTHER_RUN.get(field.section, "what the epochs before were computed with")
            raise ConfigError(
                f"{name} cannot change where a run goes on, because it decides on {why}: start a copy of the run instead"
            )
    total = before.fit.epochs if more_epochs is None else epoch + more_epochs
    config = before.with_values({"fit.epochs": total, **changes})
    if config.fit.epochs <= epoch:
        raise ConfigError(
            f"nothing is left to train after epoch {epoch} of {config.fit.epochs}: say how many more epochs, at least one"
        )
    return config


def _sets_rate(config: RunConfig, standing: Standing, changes: Mapping[str, Any]) -> bool:
    """Whether a person names the rate to go on with, though the run may have begun with the same; a timetable counts from its own."""
    is_free = config.schedule.name == "plateau" or standing.held
    return RATE in changes and is_free and config.optimizer.learning_rate != standing.next_rate


def _rates(config: RunConfig, standing: Standing, course: Course) -> PlannedRates:
    """What the schedule does from the course's last branch on."""
    *earlier, last = course.branches
    before = Course(branches=earlier, changes=course.changes)
    standing = replace(standing, **before.schedule_after(standing.epoch)).with_changes(last.before)
    return rates_after(config, standing, last.schedule, new_rate=RATE in last.before)


def _device(config: RunConfig, parent: Path) -> str:
    """Where the parent ran, unless it is to be another device or that is gone."""
    before, _ = read_config(parent)
    is_moved = before is None or any(
        getattr(before.device, name) != getattr(config.device, name) for name in ("device", "where")
    )
    return launch.device_of(config) if is_moved else launch.device_again(config, Request.of(parent))


def proposed_name(parent: Path, proposal: Plan) -> str:
    """What the child is called unless a person names it: what differs, else how many epochs more."""
    title = read_labels(parent).name or brief(proposal.config)
    place, (before, schedule) = proposal.place, (proposal.branch.before, proposal.branch.schedule)
    at_end = "last" in place.kinds
    return branch_name(proposal.config, before, title, place.epoch, at_end=at_end, schedule=schedule)


def _check(proposal: Plan, parent: Path) -> None:
    """Read all that the child will go on from. Raises RunError where it is not whole."""
    place, config = proposal.place, read_config(parent)[0] or proposal.config
    what = f"the state after epoch {place.epoch}" if place.network == "state" else "the best network"
    try:
        if place.network == "best":
            read_beside(place.folder, place.epoch, place.epoch, config.fit.epochs)
        else:
            classes = len(read_beside(place.folder, place.epoch, None, config.fit.epochs).classes)
            most = 4 * NUMBERS * cost(config, classes).parameters + ROOM
            check_state(place.folder, config.fit.epochs, most)
    except (DamagedError, OSError) as error:
        raise RunError(f"{what} of run {parent.name} {fault(error)}") from None


def _fill(draft: Path, parent: Path, proposal: Plan, request: Request, labels: Labels) -> None:
    """Write the child's folder. Raises OSError, RunError."""
    place = proposal.place
    write_config(draft, proposal.config)
    request.write(draft)
    proposal.course.write(draft)
    labels.write(draft)
    for name in (rundir.PICTURES, rundir.REVIEW, rundir.ENVIRONMENT, rundir.HEALTH):
        if (parent / name).exists():
            write.link(parent / name, draft / name)
    link_epochs(parent, draft, place.epoch)
    resume = write.make_folder(draft / rundir.RESUME)
    target = write.make_folder(resume / f"epoch-{place.epoch:05d}")
    write.link(place.folder / rundir.BEST, target / rundir.BEST)
    if place.network == "state":
        write.link(place.folder / STATE, target / STATE)
        write.link(place.folder / rundir.PREDICTIONS, target / rundir.PREDICTIONS)
    else:
        _cut_predictions(place, target)
    for name in (rundir.BEST, rundir.PREDICTIONS):
        write.link(target / name, draft / name)
    _cut_events(parent, draft, place.epoch)
    with RunWriter(draft) as writer:
        branch = proposal.branch
        writer.event("branch", epoch=branch.epoch, run=branch.run, schedule=branch.schedule, network=branch.network)


def _cut_predictions(place: Place, target: Path) -> None:
    """Write the predictions up to the best epoch, which say no more of later ones."""
    whole = read_beside(place.folder, place.epoch, place.epoch, rundir.MOST_EPOCHS)
    save_predictions(
        target,
        ids=whole.ids,
        y_true=whole.y_true,
        y_pred=list(whole.y_pred[: place.epoch]),
        best_epoch=whole.best_epoch,
        probabilities=whole.probabilities,
        classes=whole.classes,
    )


def _cut_events(parent: Path, draft: Path, epoch: int) -> None:
    """Copy the events up to an epoch. Raises RunError where they do not reach it."""
    end = end_of_epoch(parent / rundir.EVENTS, epoch)
    if not end:
        raise RunError(f"{rundir.EVENTS} of run {parent.name} lacks epoch {epoch}: start a copy of the run")
    with open_regular(parent / rundir.EVENTS) as old, write.create(draft / rundir.EVENTS) as new:
        while end and (data := old.read(min(end, CHUNK))):
            new.write(data)
            end -= len(data)
