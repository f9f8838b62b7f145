"""Which two of the selected runs are compared: A, the baseline, and B.

The panels of two runs share the choice, in the address.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import permutations

import streamlit as st

from dhc.analysis.decision import telling_settings
from dhc.analysis.differences import differing_settings
from dhc.analysis.paired import reviewed_text
from dhc.analysis.ranking import best_first, best_run
from dhc.config.phrase import phrase
from dhc.runs import rundir
from dhc.runs.store import RunInfo
from dhc.text import count_text, shorten
from dhc.ui.answers.pairs import Pair, align, on_other_data
from dhc.ui.runs.compare import nothing
from dhc.ui.runs.decision import contest_of
from dhc.ui.shell import address
from dhc.ui.shell.markdown import plain

A, B = "pair_a", "pair_b"
TITLE, HASH = 34, 4  # characters of a run's name in the list, and of the end of its id
MOST_TITLES = 3  # of runs without answers


def pick(runs: Sequence[RunInfo], panel: str) -> Pair | None:
    """Draw the choice of A and B for a panel and return the two; None, said, for fewer runs.

    Raises RunError for answers that cannot be read and for two runs that cannot be compared.
    """
    infos = {info.id: info for info in runs if info.epochs_done > 0 and (info.folder / rundir.PREDICTIONS).is_file()}
    if len(infos) < 2:
        nothing.say(_too_few(len(runs), len(infos)), icon=":material/compare_arrows:")
        return None
    _say_left_out([info for info in runs if info.id not in infos])
    a, b = _of_address(infos)
    _draw(infos, a, b, f"dhc_{panel}_")
    pair = align(infos[a], infos[b])
    if reviewed := reviewed_text(pair.pairing.reviewed):
        st.caption(reviewed)
    return pair


def _too_few(count: int, with_answers: int) -> str:
    if count < 2:
        return "Select two runs in the table to compare them picture by picture."
    without = count - with_answers
    return (
        f"Two runs with answers are needed: {without} of the {count} selected {'has' if without == 1 else 'have'} none, because no "
        "epoch has ended yet or the answers were deleted. Select others."
    )


def _say_left_out(runs: Sequence[RunInfo]) -> None:
    if runs:
        titles = ", ".join(plain(shorten(info.title, TITLE)) for info in runs[:MOST_TITLES])
        more = f" and {len(runs) - MOST_TITLES} more" if len(runs) > MOST_TITLES else ""
        st.caption(f"{count_text(len(runs), 'selected run')} without answers cannot be chosen: {titles}{more}.")


def _of_address(infos: Mapping[str, RunInfo]) -> tuple[str, str]:
    """A and B of the address, as far as they are selected; else the best run and that of the next setting.

    Both on the same pictures, if any two are.
    """
    # Read past `address.choice`, which would complain of a run that has only left the selection.
    a, b = (run_id if (run_id := st.query_params.get(name, "")) in infos else "" for name in (A, B))
    b = "" if b == a else b
    order = _best_first(list(infos.values()))
    pairs = [(one, other) for one, other in permutations(order, 2) if a in ("", one) and b in ("", other)]
    return next((pair for pair in pairs if not on_other_data(infos[pair[0]], infos[pair[1]])), pairs[0])


def _best_first(runs: Sequence[RunInfo]) -> list[str]:
    """The runs' ids: the best of each setting in the order of the decision, then the others from the best down."""
    ids = {info.id for info in runs}
    settings = contest_of(runs).settings
    bests = [best_run(info for info in setting.runs if info.id in ids) for setting in settings]
    leaders = [info.id for info in bests if info is not None]
    return list(dict.fromkeys([*leaders, *(info.id for info in best_first(runs))]))


def _draw(infos: Mapping[str, RunInfo], a: str, b: str, key: str) -> None:
    state, labels = st.session_state, _labels(list(infos.values()), (infos[a], infos[b]))
    state[key + "a"], state[key + "b"] = a, b
    first, swap, second = st.columns([12, 1.4, 12], gap="small", vertical_alignment="bottom")
    with first:
        _box("A, the baseline", key + "a", labels, lambda: _put(state[key + "a"], b, a, infos))
    with swap:
        sides, icon = {A: b, B: a}, ":material/swap_horiz:"
        st.button(icon, key=key + "swap", on_click=address.put, kwargs=sides, width="stretch", help="Swap A and B")
    with second:
        _box("B", key + "b", labels, lambda: _put(a, state[key + "b"], b, infos, of_b=True))


def _box(label: str, key: str, labels: Mapping[str, str], change: Callable[[], None]) -> None:
    st.selectbox(label, list(labels), key=key, format_func=lambda run_id: labels.get(run_id, run_id), on_change=change)


def _put(a: str, b: str, before: str, infos: Mapping[str, RunInfo], *, of_b: bool = False) -> None:
    """Take the choice; a run chosen for both sides changes places with the one that stood there."""
    if a not in infos or b not in infos:
        return
    if a == b:
        a, b = (before, b) if of_b else (a, before)
    address.put(**{A: a, B: b})


def _labels(runs: Sequence[RunInfo], pair: Sequence[RunInfo]) -> dict[str, str]:
    """Run id → its name if it has one, what it reached, and its settings in which A and B differ, the tuner's first.

    Runs that these words do not tell apart get all in which the runs differ, and if that is not enough, the end of their id.
    """
    between, among = _telling(pair), _telling(runs)
    brief = {info.id: _label(info, between or among) for info in runs}
    counts = Counter(brief.values())
    labels = {
        info.id: brief[info.id] if counts[brief[info.id]] == 1 else _label(info, [*between, *among]) for info in runs
    }
    counts = Counter(labels.values())
    return {run_id: label if counts[label] == 1 else f"{label} · {run_id[-HASH:]}" for run_id, label in labels.items()}


def _telling(runs: Sequence[RunInfo]) -> list[str]:
    configs = [info.shown_config for info in runs if info.shown_config is not None]
    return telling_settings(configs) or list(differing_settings(configs))


def _label(info: RunInfo, names: Sequence[str]) -> str:
    values = "" if info.shown_config is None else phrase(info.shown_config, names)
    name = info.labels.name or ("" if values else info.title)
    figure = "" if info.best_val_accuracy is None else f"{info.best_val_accuracy:.3f}"
    return " · ".join(part for part in (shorten(name, TITLE), figure, values) if part)
