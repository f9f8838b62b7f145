"""Where a run comes from and what came of it: its junctions with other runs, its children, its course in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dhc.config import RunConfig, find_field
from dhc.config.phrase import value_words
from dhc.errors import ConfigError
from dhc.runs.course import Branch, Change, Course, change_text
from dhc.runs.store import RunInfo

NEXT: Mapping[str, str] = {
    "continue": "the schedule as it stood",
    "hold": "the learning rate held as it stood",
    "restart": "the schedule begun anew",
}


@dataclass(frozen=True)
class Junction:
    """Where a run took over the epochs of another one: all up to `epoch` are those of `run`, or of runs before that."""

    run: str
    epoch: int


def junctions(course: Course) -> tuple[Junction, ...]:
    """The junctions, from the first epoch to the last: each lies behind the one before it.

    A branch at an epoch that a later branch went back behind, as hand-editing may leave one, is none.
    """
    return tuple(Junction(branch.run, branch.epoch) for branch in _branches(course))


def inherited_epochs(course: Course) -> int:
    """How many epochs were taken over from other runs."""
    return course.branches[-1].epoch if course.branches else 0


def parent_of(info: RunInfo) -> str:
    """Id of the run that it went on from, "" where it began by itself."""
    return info.course.branches[-1].run if info.course.branches else ""


def children(info: RunInfo, infos: Iterable[RunInfo]) -> list[RunInfo]:
    """The runs that went on from `info`, in the order of `infos`."""
    return [other for other in infos if other.id != info.id and parent_of(other) == info.id]


def course_sentences(info: RunInfo, titles: Mapping[str, str]) -> list[str]:
    """The run's branches and changes in words, by epoch. `titles` has the names of the runs that are there, by id."""
    branches = _branches(info.course)
    lines = [
        (
            branch.epoch + 1,
            _branch_sentence(branch, titles.get(branch.run), _after(branches[number + 1 :], info.config)),
        )
        for number, branch in enumerate(branches)
    ]
    lines += [(change.epoch, _change_sentence(change)) for change in info.course.changes]
    return [text for _, text in sorted(lines, key=lambda line: line[0]) if text]


def _branches(course: Course) -> tuple[Branch, ...]:
    behind: list[Branch] = []
    for branch in reversed(course.branches):
        if not behind or branch.epoch < behind[-1].epoch:
            behind.append(branch)
    return tuple(reversed(behind))


def _after(later: Sequence[Branch], config: RunConfig | None) -> dict[str, Any]:
    """The settings that held from a branch on: those of the config, but for what the `later` branches changed."""
    values = {} if config is None else config.effective_settings()
    for branch in reversed(later):
        values |= branch.before
    return values


def _branch_sentence(branch: Branch, title: str | None, after: Mapping[str, Any]) -> str:
    epochs = "Epoch 1 is" if branch.epoch == 1 else f"Epochs 1 to {branch.epoch} are"
    whose = title or f"{branch.run or 'a run'}, which is not here any more"
    network = "" if branch.network == "state" else ", its best network, with a fresh optimizer"
    changes = ", ".join(filter(None, (_setting(name, old, after) for name, old in branch.before.items())))
    return f"{epochs} from {whose}{network}; then {NEXT[branch.schedule]}{f', {changes}' if changes else ''}."


def _setting(name: str, old: Any, after: Mapping[str, Any]) -> str:
    """``dropout 0.6 → 0.5``; "" for what is no setting, or has no effect any more."""
    try:
        short = find_field(name).short
    except ConfigError:
        return ""
    return f"{short} {value_words(old, name)} → {value_words(after[name], name)}" if name in after else ""


def _change_sentence(change: Change) -> str:
    if not change.values:
        return ""
    parts = change_text({name: (value,) for name, value in change.values.items()})
    return f"Changed while it trained, from epoch {change.epoch} on: {parts}."
