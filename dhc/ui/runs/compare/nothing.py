"""What a panel says where the selected runs give it nothing to draw, with the selection that would as a button."""

from __future__ import annotations

from dhc.analysis.ranking import best_first
from dhc.runs import rundir
from dhc.runs.store import RunInfo
from dhc.ui.answers.pairs import on_other_data
from dhc.ui.shell import address, session
from dhc.ui.shell.states import empty

STEPS = {1: "Select the best run", 2: "Select the two best runs"}


def say(message: str, *, icon: str, count: int = 2) -> None:
    """The panel's empty state; its button selects the `count` best runs that have answers, where there are so many."""
    is_possible = len(_best(session.runs(), count)) == count
    empty(message, step=STEPS[count] if is_possible else "", action=_select_best, args=(count,), icon=icon)


def _select_best(count: int) -> None:
    infos = _best(session.store().runs(), count)  # a callback runs before the page has read the runs
    address.put(select=",".join(info.id for info in infos))


def _best(runs: list[RunInfo], count: int) -> list[RunInfo]:
    """The best networks on one set of pictures, that of the best of all."""
    candidates = best_first([info for info in runs if _is_candidate(info)])
    return [info for info in candidates if not on_other_data(candidates[0], info)][:count]


def _is_candidate(info: RunInfo) -> bool:
    has_answers = info.epochs_done > 0 and (info.folder / rundir.PREDICTIONS).is_file()
    return has_answers and info.config is not None and info.trains_network and not info.labels.archived
