"""From where one can go on with a run: its kept states by epoch, and its best network; and what of them cannot serve."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from dhc.config import RunConfig
from dhc.data.content import changes, dealt
from dhc.data.layout import Dataset, open_dataset
from dhc.data.review_effect import marks_of_run, reviews_split, with_review
from dhc.errors import DataError, RunError, sentence
from dhc.files.archive import DamagedError
from dhc.files.read import reason
from dhc.models.junction import Standing
from dhc.runs import rundir
from dhc.runs.config_file import read_config
from dhc.runs.contract import Request, UsedPictures
from dhc.runs.course import Course
from dhc.runs.events import EventLog
from dhc.runs.predictions import read_predictions
from dhc.runs.states import STATE, Kind, epoch_of, kinds_of, read_beside, read_record, state_folders

Network = Literal["state", "best"]
NO_STATE = "it has saved no state and no network yet: a run keeps them from its first epochs on"
KNN = "it compares pictures and has no epochs: only a run that trains a network can be gone on with"
SEARCH = "it searches for a learning rate and keeps no network: start a run with the rate that it suggests"
EXAMPLE = "it came with the dashboard, stored without its network: start a copy of it, which keeps its own"


@dataclass(frozen=True)
class Place:
    """An epoch that one can go on from.

    epoch     the last one that is taken over, from 1
    network   ``state``: exactly, with the optimizer's state; ``best``: from the best network, with a fresh optimizer
    kinds     why a state was kept: it is the last, the best, one of every n, or was saved before a change
    folder    where its files lie
    standing  how the schedule stood; None where that cannot be read
    problem   why it cannot serve, in a sentence; ""
    """

    epoch: int
    network: Network
    kinds: tuple[Kind, ...]
    folder: Path
    standing: Standing | None = None
    problem: str = ""


@dataclass(frozen=True)
class Places:
    """All of a run's `places`, earliest first, states before the best network; `problem` says why none of them serves, or ""."""

    places: tuple[Place, ...] = ()
    problem: str = ""

    @property
    def usable(self) -> tuple[Place, ...]:
        """Those that can serve."""
        return () if self.problem else tuple(place for place in self.places if not place.problem)

    def find(self, epoch: int | None, network: Network) -> Place:
        """The place of that epoch, or without one the last; RunError says why there is none that serves."""
        of_network = [place for place in self.places if place.network == network]
        chosen = [place for place in of_network if epoch in (None, place.epoch)]
        if self.problem:
            raise RunError(self.problem)
        if usable := [place for place in chosen if not place.problem]:
            return usable[-1]
        if chosen:
            raise RunError(chosen[-1].problem)
        starts = [str(place.epoch) if place.network == "state" else "best" for place in self.usable]
        wanted = "there is no best network" if network == "best" else "no state was kept"
        after = "" if epoch is None else f" after epoch {epoch}"
        remedy = f"go on from {' or '.join(starts)}" if starts else "start a copy of the run"
        raise RunError(f"{wanted}{after}: {remedy}")


def places(folder: Path) -> Places:
    """What the run in a folder can go on from, judged by all but the values of its arrays, which `branch` reads as well."""
    config, problem = read_config(folder)
    if config is None:
        return Places(problem=f"run {folder.name} cannot be gone on with: {problem}")
    every = tuple(map(_with_room, _places(folder, config)))
    return Places(every, _problem(folder, config, every))


def _problem(folder: Path, config: RunConfig, every: tuple[Place, ...]) -> str:
    """What keeps the whole run from being gone on with, in a sentence, or ""."""
    request = Request.of(folder)
    why = ""
    if not config.trains_network:
        why = KNN
    elif request.search is not None:
        why = SEARCH
    elif not every:
        why = EXAMPLE if request.example else NO_STATE
    return f"run {folder.name} cannot be gone on with: {why}" if why else other_pictures(folder, config)


def other_pictures(folder: Path, config: RunConfig) -> str:
    """What differs, by their names and labels, between the pictures of today and those that a run began with, in a sentence, or ""."""
    try:
        dataset = open_dataset(Path(config.data.path))
        marks = marks_of_run(folder, config)
    except (DataError, OSError) as error:
        return f"the pictures of run {folder.name} cannot be read: {sentence(error)}"
    used = UsedPictures.of(folder)
    whole = not config.data.classes and config.data.train_fraction == 1 and not config.data.skip_bad
    for split, before in (("train", used.labels(used.train)), ("val", used.labels(used.val))):
        now = _labels(dataset, split)
        if reviews_split(split, config.data):
            now = with_review(now, marks, split, dataset.classes)
        if not whole:
            now = {file: label for file, label in now.items() if file in before}
        if split == "train" and config.data.shuffle_labels:
            now = dealt(now, before, config.fit.seed)
        if before and (difference := changes(before, now)):
            return (
                f"run {folder.name} was trained with other {split} pictures than {config.data.path} has now "
                f"({difference.text()}): put them back, or start a copy on the new ones"
            )
    return ""


def _labels(dataset: Dataset, split: str) -> dict[str, str]:
    part = dataset.splits[split]
    assert part.y is not None
    return {file: dataset.classes[label] for file, label in zip(part.files, part.y.tolist(), strict=True)}


def _places(folder: Path, config: RunConfig) -> Iterator[Place]:
    course, best = Course.of(folder), _best_epoch(folder)
    found = {
        epoch_of(place): place for name in (rundir.RESUME, rundir.STATES) for place in state_folders(folder / name)
    }
    found = {epoch: place for epoch, place in found.items() if _has_state(place)}
    changed, every = [change.epoch for change in course.changes], config.fit.keep_states_every
    for epoch, place in sorted(found.items()):
        kinds = kinds_of(epoch, last=max(found), best=best, every=every, changes=changed)
        yield _state(Place(epoch, "state", kinds, place), config, course)
    if best is not None and (folder / rundir.BEST).is_file():
        yield _best(Place(best, "best", ("best",), folder), config, course)


def _with_room(place: Place) -> Place:
    """The place; one at the last epoch that any run may have cannot serve."""
    if place.problem or place.epoch < rundir.MOST_EPOCHS:
        return place
    problem = f"nothing can follow epoch {place.epoch}: no run has more than {rundir.MOST_EPOCHS:,}, so start a copy of the run"
    return replace(place, problem=problem)


def _has_state(place: Path) -> bool:
    """Not so where a run that went on from a best network was broken off before it saved one of its own."""
    return (place / STATE).exists() or (place / STATE).is_symlink()


def _best_epoch(folder: Path) -> int | None:
    try:
        return read_predictions(folder).best_epoch
    except RunError:
        return None


def _state(place: Place, config: RunConfig, course: Course) -> Place:
    try:
        record = read_record(place.folder, config.fit.epochs)
    except (DamagedError, OSError) as error:
        return replace(place, problem=f"the state after epoch {place.epoch} {fault(error)}")
    return replace(place, standing=Standing(**record.standing(course)))


def _best(place: Place, config: RunConfig, course: Course) -> Place:
    try:
        read_beside(place.folder, place.epoch, place.epoch, config.fit.epochs)
    except (DamagedError, OSError) as error:
        return replace(place, problem=f"the best network, of epoch {place.epoch}, {fault(error)}")
    log = EventLog(place.folder / rundir.EVENTS, batches=False)
    log.refresh()
    epochs = log.history().epochs
    rates = epochs["learning_rate"].tolist()[: place.epoch]
    if epochs["epoch"].tolist()[: place.epoch] != list(range(1, place.epoch + 1)) or not 0 <= rates[-1] <= 10:
        return replace(
            place, problem=f"{rundir.EVENTS} lacks some of the {place.epoch} epochs up to the best: start a copy"
        )
    return replace(place, standing=Standing(place.epoch, rates[-1], rates[-1], **course.schedule_after(place.epoch)))


def fault(error: DamagedError | OSError) -> str:
    """What is wrong with a state or a network, behind its name."""
    if isinstance(error, FileNotFoundError):
        return "is not whole any more: some of its files are gone"
    if isinstance(error, OSError):
        return f"cannot be read: {reason(error)}"
    return f"cannot be used, because it is damaged or was edited (it {error})"
