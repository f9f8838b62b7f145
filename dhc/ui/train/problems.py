"""What is wrong with the Train form's values, each fault at its field, and the config that is forecast meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dhc.config import RunConfig, fields, find_field
from dhc.config.titles import in_titles, names_in, problems
from dhc.data.layout import Dataset
from dhc.data.select import class_count
from dhc.data.standin.planned import planned_dataset
from dhc.errors import ConfigError, DataError, UserError, sentence
from dhc.jobs.datasets import is_dataset
from dhc.machine import hardware
from dhc.models.cost import cost
from dhc.ui.shell import session
from dhc.ui.shell.standin import stand_in_folder
from dhc.ui.train import draft, expectation


def relevant_values(values: Mapping[str, Any], sweep: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
    """The values by dotted name that a launch would use.

    Of a setting that a sweep varies it is the first one. One without effect that its field cannot take, which nobody sees,
    counts as its last sound one.
    """
    first = {name: several[0] for name, several in sweep.items() if several}
    relevant = {**values, **first}
    for field in fields():
        unseen = field.name in sweep or not draft.has_effect(field, relevant, sweep)
        if unseen and not draft.accepts(field.name, relevant[field.name]):
            relevant[field.name] = draft.sound_value(field)
    return relevant


def find(values: Mapping[str, Any]) -> dict[str, str]:
    """A sentence by dotted name for each field with a fault, in the words of the form's titles."""
    wrong = problems(values)
    if not wrong:
        _ask_machine(RunConfig().with_values(values), wrong)
    return wrong


def notes(values: Mapping[str, Any], wrong: Mapping[str, str]) -> dict[str, str]:
    """A sentence by dotted name for each field that asks for more than there is, which is no fault."""
    if {"data.path", "data.classes"} & set(wrong):
        return {}
    config = sound_config(values, wrong)
    present = len(dataset_to_forecast(config).classes)
    return {"data.classes": f"The data set has {present}."} if config.data.classes > present else {}


def sound_config(values: Mapping[str, Any], wrong: Mapping[str, str]) -> RunConfig:
    """What is forecast: the values, with the last sound ones, else the defaults, in the fields with a fault."""
    sound = {field.name: draft.sound_value(field) for field in fields()}
    try:
        return RunConfig().with_values({**values, **{name: sound[name] for name in wrong}})
    except ConfigError:
        return RunConfig().with_values(sound)


def needs_pictures(path: str) -> bool:
    """Whether a path leads to where the stand-in set will be, and it is not there yet."""
    return draft.same_place(path, str(stand_in_folder())) and not is_dataset(stand_in_folder())


def dataset_of(config: RunConfig) -> Dataset:
    """The config's data set; the stand-in set as it will be where that is meant. Raises DataError."""
    if needs_pictures(config.data.path):
        return planned_dataset(stand_in_folder())
    return session.dataset(config.data.path)


def dataset_to_forecast(config: RunConfig) -> Dataset:
    """The same, or the stand-in set as it will be where the config's cannot be read."""
    try:
        return dataset_of(config)
    except (DataError, OSError):
        return planned_dataset(stand_in_folder())


def _ask_machine(config: RunConfig, wrong: dict[str, str]) -> None:
    """Add what only this machine, its devices and its pictures can say."""

    def ask(name: str, question: Callable[[], object]) -> bool:
        """Whether there is no fault; one that names no setting stands at the field `name`."""
        try:
            question()
        except (UserError, OSError) as error:
            text = sentence(error)
            wrong.update(dict.fromkeys(names_in(text) or (name,), in_titles(text)))
            return False
        return True

    if config.device.where != "here":
        ask("device.where", lambda: expectation.place_of(config))
    elif config.trains_network:
        ask("device.backend", lambda: hardware.require(config.device.backend))
        ask("device.device", lambda: expectation.resolved_device(config.device.device))
    if ask("data.path", lambda: dataset_of(config)):
        dataset = dataset_of(config)
        if ask("data.classes", lambda: class_count(dataset, config.data.classes)):
            ask("model.width", lambda: cost(config, class_count(dataset, config.data.classes)))
            ask("knn.k", lambda: _require_neighbours(config, dataset))


def _require_neighbours(config: RunConfig, dataset: Dataset) -> None:
    train, _ = expectation.picture_counts(config, dataset)
    if not config.trains_network and config.knn.k > train:
        raise ConfigError(f"{find_field('knn.k').title}: 1 to {train:,}, the number of training pictures")
