"""How much of the winner's lead is choosing: how often val was asked, what to expect of that, and what pictures say that did not choose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import streamlit as st

from dhc.analysis.ladder import is_measured
from dhc.analysis.optimism import (
    HalvingResult,
    expected_optimism,
    judge_by_halves,
    mean_correlation,
    right_answers,
    runs_on_same_pictures,
)
from dhc.errors import RunError
from dhc.jobs import evaluation as jobs
from dhc.jobs.evaluation import Evaluation
from dhc.runs import rundir
from dhc.runs.store import RunInfo, read_predictions
from dhc.text import count_text, duration_text
from dhc.ui.manage.submission import can_answer
from dhc.ui.runs.compare.pair import fingerprint_of
from dhc.ui.shell import session
from dhc.ui.shell.markdown import bold
from dhc.ui.shell.states import attempt, error_box, guard
from dhc.ui.shell.watch import watch

KEY = "dhc_noise_"
TICK = 1.0  # seconds between two looks while a run is judged on test
MOST = 100  # runs whose answers are read
COUNTED = (
    "Every ended run on the same val pictures, selected or not: each was a chance to be lucky, and so was each of its epochs, because "
    "the best one is kept."
)
EXPECTED = (
    "The expected largest of so many normal deviates times the standard error of the accuracy, lessened by how much the selected runs "
    "are right on the same pictures. This is what equally good runs would give: where one is truly better, it is less."
)
HELD = (
    "Val is halved by a hash of the file names, in 200 ways. Each time the best of the selected runs, and its best epoch, is chosen by one "
    "half and judged on the other. What it loses there was luck. Halves are luckier than the whole: for all of val it is about 0.7 of that."
)


def draw(runs: Sequence[RunInfo]) -> None:
    """The best of the selected runs, how often val has been used to choose, and three estimates of what that is worth."""
    measured = [info for info in runs if info.config is not None and is_measured(info)]
    if not measured:
        st.caption("How much of the lead is choosing can be said once a selected run has ended.")
        return
    winner = max(measured, key=lambda info: info.best_val_accuracy or 0.0)
    assert winner.config is not None
    everyone = session.runs()
    known = {info.id: found for info in [*everyone, *runs] if (found := fingerprint_of(info)) is not None}
    alike = runs_on_same_pictures(winner.config, known.get(winner.id), everyone, known)
    _head(winner, len(measured))
    columns = st.columns(4, gap="medium")
    with columns[0]:
        epochs = sum(info.epochs_done for info in alike)
        st.metric("Val has chosen among", count_text(len(alike), "run"), help=COUNTED)
        st.caption(f"with {count_text(epochs, 'epoch')} in all")
    selected = [info for info in measured if info.id in {other.id for other in alike}][:MOST]
    answers = _answers(winner, selected)
    with columns[1]:
        _expected(winner, len(alike), answers)
    with columns[2], guard():
        _held(answers)
    with columns[3], guard():
        _test(winner)


def _head(winner: RunInfo, among: int) -> None:
    st.markdown("#### Is the winner as good as it looks?")
    st.markdown(
        f"{bold(winner.title)}, the best of {count_text(among, 'selected run')} that ended, reached val_accuracy "
        f"**{winner.best_val_accuracy:.3f}**. It was chosen by the very pictures that judged it, which flatters."
    )


@dataclass(frozen=True, eq=False)
class Answers:
    """A run's right answers: ids (N,) str, right (E, N) bool after each epoch, best (N,) bool of the network that was kept."""

    ids: np.ndarray
    right: np.ndarray
    best: np.ndarray


def _answers(winner: RunInfo, runs: Sequence[RunInfo]) -> dict[str, Answers]:
    """Run id → its answers, of those that can be read and have the winner's pictures in the winner's order; the winner's first."""
    found: dict[str, Answers] = {}
    for info in [winner, *(info for info in runs if info.id != winner.id)]:
        try:
            answers = _read(info.folder, (info.folder / rundir.PREDICTIONS).stat().st_mtime_ns)
        except (RunError, OSError):
            continue
        if not found or np.array_equal(answers.ids, next(iter(found.values())).ids):
            found[info.id] = answers
    return found


@lru_cache(maxsize=MOST)
def _read(folder: Path, stamp: int) -> Answers:
    p = read_predictions(folder)
    return Answers(p.ids, right_answers(p), p.predicted == p.y_true)


def _expected(winner: RunInfo, count: int, answers: dict[str, Answers]) -> None:
    own = answers.get(winner.id)
    if own is None or winner.best_val_accuracy is None:
        st.metric("Luck to be expected", "?", help=EXPECTED)
        st.caption("The winner's answers cannot be read.")
        return
    correlation = mean_correlation(np.array([other.best for other in answers.values()]))
    luck = expected_optimism(winner.best_val_accuracy, len(own.ids), max(1, count), correlation)
    st.metric("Luck to be expected", f"up to {100 * luck:.1f} points", help=EXPECTED)
    st.caption(f"{len(own.ids):,} pictures; two runs' right answers correlate by {correlation:.2f}")


def _held(answers: dict[str, Answers]) -> None:
    if len(answers) < 2:
        st.metric("Held-back half", "–", help=HELD)
        st.caption("Select two ended runs or more with the same val pictures.")
        return
    found = _held_back(tuple(answers.values()))
    st.metric(
        "Held-back half", f"{found.held_back_accuracy:.1%}", delta=f"{-100 * found.optimism:+.1f} points", help=HELD
    )
    won = max(found.winners.values())
    st.caption(
        f"{found.choosing_accuracy:.1%} on the half that chose; {100 * found.optimism:+.1f} ± {100 * found.sd:.1f} points of luck over "
        f"{found.splits} halvings of {count_text(found.runs, 'run')}; the same run won {won:.0%} of them"
    )


@lru_cache(maxsize=4)
def _held_back(answers: tuple[Answers, ...]) -> HalvingResult:
    return judge_by_halves(answers[0].ids, {str(i): other.right for i, other in enumerate(answers)})


def _test(winner: RunInfo) -> None:
    """The winner on the labelled test pictures: known, asked for, or for the asking."""
    assert winner.config is not None
    found = jobs.evaluation(winner.folder)
    if found is not None and found.accuracy is not None:
        _judged(winner, found)
        return
    test = session.dataset(winner.config.data.path).splits.get("test")
    if test is None or test.y is None:
        st.metric("Labelled test", "–", help="A data set with test_labels.csv, such as the stand-in set, can be asked.")
        st.caption("The data set has no labelled test pictures.")
    elif not can_answer(winner) and found is None:
        st.metric("Labelled test", "–", help="Judging other pictures takes the run's network.")
        st.caption("The run's network is not here, as with the examples.")
    else:
        _ask(winner, len(test.files))


def _judged(winner: RunInfo, found: Evaluation) -> None:
    assert found.accuracy is not None
    lost = found.accuracy - (winner.best_val_accuracy or 0.0)
    error = (found.accuracy * (1 - found.accuracy) / found.pictures) ** 0.5
    st.metric(
        "Labelled test", f"{found.accuracy:.1%}", delta=f"{100 * lost:+.1f} points",
        help="The winner on the test pictures, which never chose. Asked for many runs, test wears out just as val does.",
    )  # fmt: skip
    st.caption(f"{found.correct:,} of {found.pictures:,} pictures right, standard error {100 * error:.1f} points")


def _ask(winner: RunInfo, pictures: int) -> None:
    watch(
        lambda: jobs.evaluation(winner.folder),
        lambda evaluation: _draw_evaluation(winner, evaluation, pictures),
        every=TICK,
        alive=lambda evaluation: evaluation is not None and evaluation.pending,
        page=lambda evaluation: evaluation is not None and evaluation.accuracy is not None,
    )


def _draw_evaluation(winner: RunInfo, evaluation: Evaluation | None, pictures: int) -> None:
    st.metric("Labelled test", "?", help=f"{pictures:,} pictures that never chose.")
    if evaluation is not None and evaluation.pending:
        progress = f"Judging {pictures:,} test pictures … {duration_text(evaluation.seconds)}"
        st.caption(f":material/hourglass_top: {progress}")
        return
    if evaluation is not None:
        error_box(f"The test pictures could not be judged: {evaluation.failed}")
    st.button(
        "Judge it on test",
        icon=":material/fact_check:",
        key=KEY + "test",
        on_click=attempt,
        args=(jobs.ask, winner.folder),
        kwargs={"failure": "The test could not be started"},
    )
