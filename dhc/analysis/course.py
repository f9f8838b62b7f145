"""What sets a run apart from another with the same settings: where it branched off, what was changed while it trained."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

from dhc.analysis.differences import Row
from dhc.analysis.lineage import course_sentences
from dhc.config import RunConfig
from dhc.models.schedules import BY_LENGTH
from dhc.runs.course import Branch
from dhc.runs.store import RunInfo

BOOKKEEPING = (
    "fit.keep_resume_state",
    "fit.keep_states_every",
    "fit.watch_health",
    "fit.watch_pictures",
    "device.where",
)  # they change no result


def course_key(info: RunInfo) -> Hashable:
    """Equal for runs that the same was done to, on their way and to their pictures: such runs may be repeats of each other, no others.

    () for an undisturbed run, and for one that only went on as its parent would have.
    """
    way = _way(info)
    return (way, info.review) if info.review else way


def _way(info: RunInfo) -> tuple[Hashable, ...]:
    course = info.course
    if not course.branches and not course.changes:
        return ()
    branches = [key for branch in course.branches if (key := _branch_key(branch, info.config))]
    changes = [(change.epoch, *sorted(change.values.items())) for change in course.changes if change.values]
    return (tuple(branches), tuple(changes)) if branches or changes else ()


def is_as_set(info: RunInfo) -> bool:
    """Whether a run was trained by its settings alone, from its first epoch on: only then another run can repeat it."""
    return _way(info) == ()


def course_rows(infos: Sequence[RunInfo], titles: Mapping[str, str]) -> tuple[Row, ...]:
    """A row for the table of differences, where something was done to one of the runs; else none. `titles` of all runs, by id."""
    texts = tuple(" ".join(course_sentences(info, titles)) or None for info in infos)
    return (Row("course", "On its way", texts),) if any(texts) else ()


def _branch_key(branch: Branch, config: RunConfig | None) -> Hashable:
    by_length = config is not None and config.schedule.name in BY_LENGTH
    idle = BOOKKEEPING if by_length else (*BOOKKEEPING, "fit.epochs")
    before = tuple(sorted((name, repr(value)) for name, value in branch.before.items() if name not in idle))
    if (branch.schedule, branch.network) == ("continue", "state") and not before:
        return ()
    return branch.epoch, branch.schedule, branch.network, before
