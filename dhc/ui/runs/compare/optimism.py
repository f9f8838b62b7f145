"""How much of the winner's lead is the luck of having been chosen: three estimates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
)
from dhc.analysis.pictures import measured_on_same_pictures, pictures_of
from dhc.analysis.ranking import run_places
from dhc.errors import RunError
from dhc.jobs import evaluation as jobs
from dhc.jobs.evaluation import Evaluation
from dhc.runs import rundir
from dhc.runs.naming import titles
from dhc.runs.predictions import read_predictions
from dhc.runs.store import RunInfo
from dhc.text import count_text, duration_text, signed_points
from dhc.ui.manage.submission import can_answer
from dhc.ui.shell import session, sharing
from dhc.ui.shell.markdown import bold
from dhc.ui.shell.states import attempt, error_box, guard
from dhc.ui.shell.watch import watch
from dhc.ui.widgets.controls import points_delta

KEY = "dhc_noise_"
MIRROR = KEY + "mirror"  # in the session: whether test is asked with each picture's mirror image
TITLES = {False: "Labelled test", True: "Labelled test, mirrored"}
MIRROR_HELP = (
    "Each picture is asked twice, as it is and with left and right exchanged, and the mean of both answers counts. It compares only with "
    "its like: val was judged without."
)
TICK = 1.0  # seconds between two looks while a run is judged on test
MOST = 100  # runs whose answers are read
COUNT_HELP = (
    "Every ended run on the same val pictures, selected or not: each was a chance to be lucky, and so was each of its epochs, because "
    "the best one is kept."
)
LUCK_HELP = (
    "The expected largest of so many normal deviates times the standard error of the accuracy, reduced by how far the selected runs are "
    "right on the same pictures. This is what equally good runs would give: where one is truly better, it is less."
)
TEST_HELP = "The winner on the test pictures, which never chose. Asked for many runs, test wears out just as val does."
HALVES_HELP = (
    "Val is halved by a hash of the file names, in 200 ways. Each time the best of the selected runs, and its best epoch, is chosen by one "
    "half and judged on the other. What it loses there was luck. Halves are luckier than the whole: for all of val it is about 0.7 of that."
)


def draw(runs: Sequence[RunInfo]) -> None:
    """The best of the selected runs, how often val has chosen, and what its lead is worth."""
    candidates = [info for info in runs if info.config is not None and is_measured(info)]
    if not candidates:
        st.caption("How much of the lead is luck can be said once a selected run has ended.")
        return
    winners = run_places(candidates)[0]
    winner = winners[0]
    comparable = measured_on_same_pictures(winner, session.runs(), pictures_of)
    ids = {info.id for info in comparable}
    answers = _answers(winner, [info for info in candidates if info.id in ids][:MOST])
    _head(winners, candidates)
    count, luck, halves, test = st.columns(4, gap="medium")
    with count:
        st.metric("Val has chosen among", count_text(len(comparable), "run"), help=COUNT_HELP)
        st.caption(f"with {count_text(sum(info.epochs_done for info in comparable), 'epoch')} in all")
    with luck:
        _luck(winner, len(comparable), answers)
    with halves, guard():
        _halves(answers)
    with test, guard():
        _test(winner)


def _head(winners: Sequence[RunInfo], candidates: Sequence[RunInfo]) -> None:
    names = titles(candidates)
    winner, *others = (names[info.id] for info in winners)
    more = f" and {len(others) - 1} more" if len(others) > 1 else ""
    tied = f" tied with {bold(others[0])}{more}," if others else ""
    st.markdown("#### Is the winner as good as it looks?")
    st.markdown(
        f"{bold(winner)},{tied} the best of {count_text(len(candidates), 'selected run')} that ended, reached val_accuracy "
        f"**{winners[0].best_val_accuracy:.3f}**. It was chosen by the very pictures that judged it, which flatters."
    )


@dataclass(frozen=True, eq=False)
class RightAnswers:
    """Where a run was right.

    ids: (N,) str. right: (E, N) bool, after each epoch. best: (N,) bool, of the network that was kept.
    """

    ids: np.ndarray
    right: np.ndarray
    best: np.ndarray


def _answers(winner: RunInfo, runs: Sequence[RunInfo]) -> dict[str, RightAnswers]:
    """Run id → its answers, the winner's first.

    Of the runs that can be read and have the winner's pictures in the winner's order.
    """
    by_id: dict[str, RightAnswers] = {}
    for info in [winner, *(info for info in runs if info.id != winner.id)]:
        try:
            answers = _read_answers(info.folder, (info.folder / rundir.PREDICTIONS).stat().st_mtime_ns)
        except (RunError, OSError):
            continue
        if not by_id or np.array_equal(answers.ids, next(iter(by_id.values())).ids):
            by_id[info.id] = answers
    return by_id


@lru_cache(maxsize=MOST)
def _read_answers(folder: Path, stamp: int) -> RightAnswers:
    predictions = read_predictions(folder)
    return RightAnswers(predictions.ids, right_answers(predictions), predictions.predicted == predictions.y_true)


def _luck(winner: RunInfo, count: int, answers: Mapping[str, RightAnswers]) -> None:
    own = answers.get(winner.id)
    if own is None or winner.best_val_accuracy is None:
        st.metric("Luck to be expected", "?", help=LUCK_HELP)
        st.caption("The winner's answers cannot be read.")
        return
    correlation = mean_correlation(np.array([other.best for other in answers.values()]))
    luck = expected_optimism(winner.best_val_accuracy, len(own.ids), max(1, count), correlation)
    st.metric("Luck to be expected", f"up to {100 * luck:.1f} points", help=LUCK_HELP)
    st.caption(f"{len(own.ids):,} pictures; two runs' right answers correlate by {correlation:.2f}")


def _halves(answers: Mapping[str, RightAnswers]) -> None:
    if len(answers) < 2:
        st.metric("Held-back half", "–", help=HALVES_HELP)
        st.caption("Select at least two ended runs with the same val pictures.")
        return
    result = _halving(tuple(answers.values()))
    luck = points_delta(-result.optimism)
    st.metric("Held-back half", f"{result.held_back_accuracy:.1%}", help=HALVES_HELP, **luck)
    share = max(result.winners.values())
    st.caption(
        f"{result.choosing_accuracy:.1%} on the half that chose; {signed_points(result.optimism)} ± {100 * result.sd:.1f} points of luck "
        f"over {result.splits} halvings of {count_text(result.runs, 'run')}; the same run won {share:.0%} of them"
    )


@lru_cache(maxsize=4)
def _halving(answers: tuple[RightAnswers, ...]) -> HalvingResult:
    return judge_by_halves(answers[0].ids, {str(i): other.right for i, other in enumerate(answers)})


def _test(winner: RunInfo) -> None:
    """The winner's accuracy on the labelled test pictures, or the button that measures it; the same with the test-time mirror."""
    assert winner.config is not None
    mirror = st.session_state.get(MIRROR, False)
    evaluation = jobs.evaluation(winner.folder, mirror)
    if evaluation is not None and evaluation.accuracy is not None:
        _test_accuracy(winner, evaluation, mirror)
        _mirror_choice()
        return
    test = session.dataset(winner.config.data.path).splits.get("test")
    if test is None or test.y is None:
        hint = "It takes a data set with test_labels.csv, such as the stand-in set."
        st.metric("Labelled test", "–", help=hint)
        st.caption("The data set has no labelled test pictures.")
    elif not can_answer(winner) and evaluation is None:
        st.metric("Labelled test", "–", help="Judging other pictures takes the run's network.")
        st.caption("The run's network is not here, as with the examples.")
        if mirror:
            _mirror_choice()
    else:
        _ask(winner, len(test.files), mirror)
        _mirror_choice()


def _mirror_choice() -> None:
    st.toggle("With the mirror image", help=MIRROR_HELP, key=MIRROR)


def _test_accuracy(winner: RunInfo, evaluation: Evaluation, mirror: bool) -> None:
    accuracy, pictures = evaluation.accuracy, evaluation.pictures
    assert accuracy is not None
    before = None if mirror else winner.best_val_accuracy or 0.0  # val was judged without a mirror
    change = {} if before is None else points_delta(accuracy - before)
    error = (accuracy * (1 - accuracy) / pictures) ** 0.5
    st.metric(TITLES[mirror], f"{accuracy:.1%}", help=TEST_HELP, **change)
    st.caption(f"{evaluation.correct:,} of {pictures:,} pictures right, standard error {100 * error:.1f} points")


def _ask(winner: RunInfo, pictures: int, mirror: bool) -> None:
    watch(
        lambda: jobs.evaluation(winner.folder, mirror),
        lambda evaluation: _draw_evaluation(winner, evaluation, pictures, mirror),
        every=TICK,
        alive=lambda evaluation: evaluation is not None and evaluation.pending,
        page=lambda evaluation: evaluation is not None and evaluation.accuracy is not None,
    )


def _draw_evaluation(winner: RunInfo, evaluation: Evaluation | None, pictures: int, mirror: bool) -> None:
    st.metric(TITLES[mirror], "?", help=f"{pictures:,} pictures that never chose.")
    if evaluation is not None and evaluation.pending:
        progress = f"Judging {pictures:,} test pictures … {duration_text(evaluation.seconds)}"
        st.caption(f":material/hourglass_top: {progress}")
        cancel = (jobs.cancel, winner.folder, mirror)
        st.button("Cancel", on_click=attempt, args=cancel, key=KEY + "cancel", type="tertiary", **sharing.greyed())
        return
    if evaluation is not None:
        error_box(f"The test pictures could not be judged: {evaluation.failure}")
    st.button(
        "Judge it on test",
        icon=":material/fact_check:",
        key=KEY + "test",
        on_click=attempt,
        args=(jobs.start, winner.folder, mirror),
        kwargs={"failure": "The test could not be started"},
        **sharing.greyed(),
    )
