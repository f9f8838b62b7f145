"""Which two of the selected runs are compared: A, the baseline, and B. The panels of two runs share the choice, in the address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import permutations
from pathlib import Path

import streamlit as st

from dhc.analysis.differences import differing_settings, setting_text
from dhc.analysis.ladder import resolved_path
from dhc.analysis.paired import Pairing, pair_up
from dhc.errors import RunError
from dhc.runs import rundir
from dhc.runs.records import Predictions
from dhc.runs.store import RunInfo
from dhc.text import count_text, shorten
from dhc.ui.shell import address, session
from dhc.ui.shell.markdown import plain
from dhc.ui.shell.states import empty

A, B = "pair_a", "pair_b"
TITLE, SETTING = 34, 20  # characters of a run's title and of a setting in the list
MOST_NAMED = 3  # runs without answers that are named


@dataclass(frozen=True, eq=False)
class Pair:
    """Two runs, what each said of val, and the pictures that they share."""

    a: RunInfo
    b: RunInfo
    of_a: Predictions
    of_b: Predictions
    pairing: Pairing


def pick(runs: Sequence[RunInfo], panel: str) -> Pair | None:
    """Draw the choice of A and B for a panel of that name and return the two; None, said in words, for fewer than two runs.

    Raises RunError for answers that cannot be read and ValueError for two runs that cannot be compared.
    """
    known = {info.id: info for info in runs if info.epochs_done > 0 and (info.folder / rundir.PREDICTIONS).is_file()}
    if len(known) < 2:
        empty(_too_few(runs, known), icon=":material/compare_arrows:")
        return None
    _tell_left_out([info for info in runs if info.id not in known])
    a, b = _chosen(known)
    _draw(known, a, b, f"dhc_{panel}_")
    return open_pair(known[a], known[b])


def open_pair(a: RunInfo, b: RunInfo) -> Pair:
    """Read both runs and align them. Raises RunError and ValueError as `pick`."""
    _refuse_other_data(a, b)
    of_a, of_b = session.predictions(a), session.predictions(b)
    return Pair(a, b, of_a, of_b, _pairing(of_a, of_b))


@lru_cache(maxsize=8)
def _pairing(a: Predictions, b: Predictions) -> Pairing:
    return pair_up(a, b)


def fingerprint_of(info: RunInfo) -> str | None:
    """The fingerprint of the data set that the run was trained on, None where nobody noted it."""
    path = info.folder / rundir.ENVIRONMENT
    try:
        stamp = path.stat().st_mtime_ns
    except OSError:
        return None
    return _fingerprint(path, stamp)


@lru_cache(maxsize=4096)
def _fingerprint(path: Path, stamp: int) -> str | None:
    value = (rundir.read_json(path) or {}).get("data_fingerprint")
    return value if isinstance(value, str) and value else None


def _refuse_other_data(a: RunInfo, b: RunInfo) -> None:
    """The same file name may stand for another picture in another data set."""
    if _on_other_data(a, b):
        paths = [info.config.data.path for info in (a, b) if info.config]
        names = " and ".join(shorten(Path(path).name or path, 40) for path in paths)
        raise RunError(
            f"A and B were judged on different pictures ({names}): choose two runs on the same data set to compare them."
        )


def _on_other_data(a: RunInfo, b: RunInfo) -> bool:
    if a.config is None or b.config is None or resolved_path(a.config.data.path) == resolved_path(b.config.data.path):
        return False
    prints = [fingerprint_of(a), fingerprint_of(b)]
    return None in prints or prints[0] != prints[1]


def _too_few(runs: Sequence[RunInfo], known: Mapping[str, RunInfo]) -> str:
    if len(runs) < 2:
        return "Select two runs in the table to compare them picture by picture."
    left = len(runs) - len(known)
    return (
        f"Two runs with answers are needed: {left} of the {len(runs)} selected {'has' if left == 1 else 'have'} none, because no epoch "
        "has ended yet or the answers were deleted. Select others."
    )


def _tell_left_out(left: Sequence[RunInfo]) -> None:
    if left:
        named = ", ".join(plain(shorten(info.title, TITLE)) for info in left[:MOST_NAMED])
        more = f" and {len(left) - MOST_NAMED} more" if len(left) > MOST_NAMED else ""
        st.caption(f"{count_text(len(left), 'selected run')} without answers cannot be chosen: {named}{more}.")


def _chosen(known: Mapping[str, RunInfo]) -> tuple[str, str]:
    """A and B of the address as far as they are there; else B is the table's first run that has one on the same pictures below it, A.

    So the newest run is judged against the one before it, and where the best stand first, the best against the second.
    """
    # Read past `links.choice`, which would complain of a run that has only left the selection.
    a, b = (run_id if (run_id := st.query_params.get(name, "")) in known else "" for name in (A, B))
    b = "" if b == a else b
    pairs = [(one, other) for other, one in permutations(known, 2) if a in ("", one) and b in ("", other)]
    return next((pair for pair in pairs if not _on_other_data(known[pair[0]], known[pair[1]])), pairs[0])


def _draw(known: Mapping[str, RunInfo], a: str, b: str, key: str) -> None:
    told = _labels(list(known.values()))
    st.session_state[key + "a"], st.session_state[key + "b"] = a, b
    first, swap, second = st.columns([12, 1.4, 12], gap="small", vertical_alignment="bottom")
    with first:
        _box("A, the baseline", key + "a", told, lambda: _put(st.session_state[key + "a"], b, a, known))
    with swap:
        st.button(
            ":material/swap_horiz:", key=key + "swap", on_click=address.put, kwargs={A: b, B: a}, width="stretch",
            help="Swap A and B",
        )  # fmt: skip
    with second:
        _box("B", key + "b", told, lambda: _put(a, st.session_state[key + "b"], b, known, of_b=True))


def _box(label: str, key: str, told: Mapping[str, str], change: object) -> None:
    st.selectbox(label, list(told), key=key, format_func=lambda run_id: told.get(run_id, run_id), on_change=change)  # type: ignore[call-overload]


def _put(a: str, b: str, before: str, known: Mapping[str, RunInfo], *, of_b: bool = False) -> None:
    """Take the choice; a run chosen for both sides changes places with the one that stood there."""
    if a not in known or b not in known:
        return
    if a == b:
        a, b = (before, b) if of_b else (a, before)
    address.put(**{A: a, B: b})


def _labels(runs: Sequence[RunInfo]) -> dict[str, str]:
    """Run id → its title, what it reached, and the settings that tell the selected runs apart."""
    names = differing_settings([info.config for info in runs if info.config is not None])
    found = {}
    for info in runs:
        best = "" if info.best_val_accuracy is None else f" · {info.best_val_accuracy:.3f}"
        values = [f"{_short(name)}{shorten(setting_text(info.config, name), SETTING)}" for name in names[:4]]
        found[info.id] = f"{shorten(info.title, TITLE)}{best}{''.join(f' · {value}' for value in values)}"
    return found


def _short(name: str) -> str:
    """ "dropout " of a setting; nothing of a model's or a schedule's name, which says itself what it is."""
    key = name.split(".")[1]
    return "" if key == "name" else f"{key} "
