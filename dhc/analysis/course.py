"""What sets a run apart from another with the same settings: where it branched off, what was changed while it trained."""

from __future__ import annotations

from collections.abc import Hashable, Iterable

from dhc.analysis.differences import Row, value_text
from dhc.config import RunConfig
from dhc.runs.course import Branch, Change, change_text
from dhc.runs.store import RunInfo

BOOKKEEPING = ("fit.keep_resume_state", "fit.keep_states_every", "fit.watch_health")  # they change no result
BY_ITS_LENGTH = "cosine"  # the schedule whose rates depend on how many epochs there are


def course_key(info: RunInfo) -> Hashable:
    """Equal for runs that the same was done to on their way: such runs may be repeats of each other, no others.

    () for an undisturbed run, and for one that only went on as its parent would have.
    """
    course = info.course
    if not course.branches and not course.changes:
        return ()
    branches = [key for branch in course.branches if (key := _branch_key(branch, info.config))]
    changes = [(change.epoch, *sorted(change.values.items())) for change in course.changes if change.values]
    return (tuple(branches), tuple(changes)) if branches or changes else ()


def is_as_set(info: RunInfo) -> bool:
    """Whether a run was trained by its settings alone, from its first epoch on: only then another run can repeat it."""
    return course_key(info) == ()


def course_text(info: RunInfo) -> str:
    """What was done to a run on its way, in its order: ``changed at epoch 5: rate 0.0003``; "" for nothing."""
    steps = [(branch.epoch, _branch_text(branch)) for branch in info.course.branches]
    steps += [(change.epoch, _change_text(change)) for change in info.course.changes if change.values]
    return "; ".join(text for _, text in sorted(steps, key=lambda step: step[0]))


def course_rows(infos: Iterable[RunInfo]) -> tuple[Row, ...]:
    """A row for the table of differences, where something was done to one of the runs; else none."""
    texts = tuple(course_text(info) or None for info in infos)
    return (Row("course", "On its way", texts),) if any(texts) else ()


def _branch_key(branch: Branch, config: RunConfig | None) -> Hashable:
    by_length = config is not None and config.schedule.name == BY_ITS_LENGTH
    idle = BOOKKEEPING if by_length else (*BOOKKEEPING, "fit.epochs")
    before = tuple(sorted((name, repr(value)) for name, value in branch.before.items() if name not in idle))
    if (branch.schedule, branch.network) == ("continue", "state") and not before:
        return ()
    return branch.epoch, branch.schedule, branch.network, before


def _branch_text(branch: Branch) -> str:
    before = ", ".join(f"{name} {value_text(value, name)}" for name, value in sorted(branch.before.items()))
    how = {"continue": "", "hold": ", rate held", "restart": ", schedule anew"}[branch.schedule]
    start = f"went on from {'the best network, ' * (branch.network == 'best')}epoch {branch.epoch} of another run{how}"
    return f"{start} (until then {before})" if before else start


def _change_text(change: Change) -> str:
    return f"changed at epoch {change.epoch}: {change_text({name: (value,) for name, value in change.values.items()})}"
