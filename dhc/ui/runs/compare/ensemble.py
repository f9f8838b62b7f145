"""Same score, other mistakes: where the selected runs agree, what they answer together, and which of them to take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import ascii_uppercase

import numpy as np
import streamlit as st

from dhc.analysis.ensemble import MOST, Agreement, Ensemble, SharedAnswers, agreement, combine, line_up, mean_of_pairs
from dhc.analysis.lineage import parent_of
from dhc.analysis.paired import reviewed_text
from dhc.analysis.pictures import on_most_pictures, pictures_of
from dhc.analysis.ranking import best_first
from dhc.analysis.selection import Choice, Step, choice_text, greedy, judge_choice, suggested, suggestion_text
from dhc.analysis.significance import verdict
from dhc.errors import RunError
from dhc.figures import ensemble as figures
from dhc.runs import rundir
from dhc.runs.naming import titles
from dhc.runs.predictions import read_predictions
from dhc.runs.store import RunInfo
from dhc.text import clean, count_text, short_names, shorten
from dhc.ui.answers.matrix import click_on, clicked_cell
from dhc.ui.answers.pairs import changed_by_review
from dhc.ui.runs.compare import ensemble_pictures, ensemble_submission, nothing
from dhc.ui.runs.compare.ensemble_pictures import PAGE, PICTURE, SHOW
from dhc.ui.shell import address, session
from dhc.ui.shell.frame import link
from dhc.ui.shell.markdown import bold, plain
from dhc.ui.shell.states import guard
from dhc.ui.widgets.controls import points_delta, segments
from dhc.ui.widgets.plot import plot

KEY = "dhc_ensemble_"
BARS, TABLE = KEY + "bars", KEY + "table"
MEMBERS, PAIR, MEASURE = "ensemble", "ensemble_pair", "ensemble_measure"  # in the address
TITLE = 30  # characters of a run's title
MOST_TITLES = 3  # of runs that are left out
MEASURES = {"same": "Agree", "kappa": "Kappa", "double_fault": "Both wrong"}
MEASURE_HELP = (
    "Agree: share of the pictures to which both give the same class. Kappa: the same beyond what chance would give, 1 at most (Cohen, 1960). "
    "Both wrong: share that both have wrong (double fault, Giacinto and Roli, 2001); the lower, the more an ensemble can mend."
)
HELP = (
    "The mean of the members' probabilities, each as its network gives them, not calibrated. In brackets Wilson's 95% interval. Members "
    "that val chose flatter it."
)
ORACLE = "The share of pictures that at least one member has right: no way to choose among their answers does better."


@dataclass(frozen=True, eq=False)
class Candidates:
    """Runs that can be members, the best first: their letters and titles by id; `answers` is None for fewer than two.

    `stamps` change with the answers.
    """

    infos: Mapping[str, RunInfo]
    letters: Mapping[str, str]
    names: Mapping[str, str]
    answers: SharedAnswers | None
    stamps: tuple[tuple[int, int], ...]


def draw(runs: Sequence[RunInfo]) -> None:
    """The choice of members, their figures together, the pictures by how many have them right, and the submission."""
    candidates = _candidates(runs)
    if candidates.answers is None:
        nothing.say(
            "Two runs with answers to the same val pictures are needed: then it can be seen whether they make the same mistakes.",
            icon=":material/groups:",
        )
        return
    with guard():
        _board(candidates, candidates.answers)


@st.fragment
def _board(candidates: Candidates, everybody: SharedAnswers) -> None:
    """All below the choice of runs; a click runs only this, and is in the address before anything is drawn."""
    with guard():
        members = _members(candidates)
        if len(members) < 2:
            st.info("Choose a second member: an ensemble takes two runs or more.", icon=":material/group_add:")
            return
        answers = everybody if len(members) == len(everybody.runs) else everybody.of(members)
        together = combine(answers)
        _take_clicks(len(members))
        _figures(candidates, answers, together)
        left, right = st.columns([2, 3], gap="large")
        with right:
            rows = ensemble_pictures.draw(candidates.infos[answers.runs[0]], answers, together)
            _suggestion(candidates, everybody, members)
            ensemble_submission.draw({candidates.letters[run]: candidates.infos[run] for run in answers.runs})
        with left:
            _bars(answers, together)
            _alike(candidates, answers)
        ensemble_pictures.show(
            [candidates.infos[run] for run in answers.runs],
            [candidates.letters[run] for run in answers.runs],
            answers,
            together,
            rows,
        )


def _candidates(runs: Sequence[RunInfo]) -> Candidates:
    """The runs that were judged on the same val pictures as most of them; says who is left out."""
    with_answers = [
        info
        for info in runs
        if info.config is not None and info.epochs_done > 0 and (info.folder / rundir.PREDICTIONS).is_file()
    ]
    group = on_most_pictures(with_answers, pictures_of)
    infos = best_first(sorted(group, key=lambda info: info.id))[:MOST]
    _say_left_out([info for info in runs if info not in with_answers], "without answers or readable settings")
    others = [info for info in with_answers if info not in group]
    _say_left_out(others, "judged on other val pictures or classes")
    _say_left_out([info for info in group if info not in infos], f"beyond the {MOST} best")
    folders = tuple(info.folder for info in infos)
    files = (rundir.PREDICTIONS, rundir.REVIEW)
    stamps = tuple(session.stamp(folder / name) for folder in folders for name in files)
    answers, broken = _read(folders, stamps, frozenset[str]().union(*map(changed_by_review, infos)))
    for run, reason in broken.items():
        st.caption(plain(f"Left out: {run}, because {reason}."))
    infos = [info for info in infos if info.id not in broken]
    titled = titles(infos)
    names = dict(zip(titled, short_names(tuple(titled.values()), TITLE), strict=True))
    letters = dict(zip(titled, ascii_uppercase, strict=False))
    return Candidates({info.id: info for info in infos}, letters, names, answers, stamps)


def _say_left_out(runs: Sequence[RunInfo], why: str) -> None:
    if runs:
        names = ", ".join(plain(shorten(info.title, TITLE)) for info in runs[:MOST_TITLES])
        more = f" and {len(runs) - MOST_TITLES} more" if len(runs) > MOST_TITLES else ""
        st.caption(f"Left out, {why}: {names}{more}.")


@st.cache_resource(show_spinner=False, max_entries=2, hash_funcs=session.PATHS)
def _read(
    folders: tuple[Path, ...], stamps: tuple[tuple[int, int], ...], without: frozenset[str]
) -> tuple[SharedAnswers | None, dict[str, str]]:
    """The shared answers of those that can be read, and why the others cannot. Raises RunError where they do not fit."""
    predictions, broken = {}, {}
    for folder in folders:
        try:
            predictions[folder.name] = read_predictions(folder)
        except RunError as error:
            broken[folder.name] = str(error)
    return (line_up(predictions, without) if len(predictions) > 1 else None), broken


@st.cache_resource(show_spinner="Taking the members one by one …", max_entries=8)
def _path(
    runs: tuple[str, ...], stamps: tuple[tuple[int, int], ...], _answers: SharedAnswers
) -> tuple[tuple[Step, ...], Choice | None]:
    return greedy(_answers), judge_choice(_answers)


def _members(candidates: Candidates) -> tuple[str, ...]:
    """The members in the address, at first every candidate."""
    ids = list(candidates.infos)
    wanted = [run for run in address.words(MEMBERS) if run]
    st.session_state[KEY + "members"] = [run for run in wanted if run in ids] or ids

    def label(run: str) -> str:
        best = candidates.infos[run].best_val_accuracy
        figure = "" if best is None else f" {best:.3f}"
        return f"**{candidates.letters[run]}**{figure} {plain(candidates.names[run])}"

    chosen = st.pills(
        "Members",
        ids,
        selection_mode="multi",
        format_func=label,
        key=KEY + "members",
        on_change=_save_members,
        args=(tuple(ids),),
        help="The selected runs that were judged on the same val pictures.",
    )
    members = tuple(run for run in ids if run in chosen)
    if others := [shorten(clean(run), TITLE) for run in wanted if run not in ids]:
        more = f" and {len(others) - MOST_TITLES} more" if len(others) > MOST_TITLES else ""
        st.caption(plain(f"Not selected, or not there, so no members: {', '.join(others[:MOST_TITLES])}{more}."))
    _say_kin(candidates, members)
    return members


def _save_members(ids: tuple[str, ...]) -> None:
    chosen = [run for run in ids if run in st.session_state[KEY + "members"]]
    _put_members(chosen, ids)


def _put_members(members: Sequence[str], ids: Sequence[str]) -> None:
    every = len(members) in (0, len(ids))
    address.put(**{MEMBERS: None if every else ",".join(members), SHOW: None, PAGE: None, PICTURE: None, PAIR: None})


def _say_kin(candidates: Candidates, members: Sequence[str]) -> None:
    """Members that do not differ as much as they seem."""
    letters = candidates.letters
    kin = [(run, parent_of(candidates.infos[run])) for run in members]
    words = [f"{letters[run]} goes on from {letters[parent]}" for run, parent in kin if parent in members]
    if words:
        st.caption(f"{', '.join(words)}: they share epochs, so they err alike more than runs of their own would.")
    voters = [letters[run] for run in members if not candidates.infos[run].trains_network]
    if voters:
        verb = "answers" if len(voters) == 1 else "answer"
        st.caption(
            f"{', '.join(voters)} {verb} by nearest neighbours: shares of votes are averaged with probabilities, and few neighbours are always sure."
        )


def _take_clicks(members: int) -> None:
    """Put a clicked bar or pair into the address, before anything is drawn."""
    click = click_on(BARS)
    number = click.get("customdata") if isinstance(click, Mapping) else None
    if isinstance(number, int) and 0 <= number <= members:
        ensemble_pictures.choose_group(str(number))
    pair = clicked_cell(TABLE, members)
    if pair is not None and pair[0] != pair[1]:
        address.put(**{PAIR: f"{pair[0]},{pair[1]}"})


def _figures(candidates: Candidates, answers: SharedAnswers, together: Ensemble) -> None:
    """The ensemble's accuracy, the best member's, the oracle's, and whether the first two differ."""
    low, high = together.interval
    right = answers.right
    best = answers.runs[together.best]
    own = float(right[together.best].mean())
    columns = st.columns(4, gap="medium")
    gain = points_delta(together.accuracy - own)
    columns[0].metric("Together", f"{together.accuracy:.3f}", help=HELP, **gain)
    columns[0].caption(f"{low:.3f} to {high:.3f}, {count_text(len(answers.ids), 'val picture')}")
    columns[1].metric("Best member", f"{own:.3f}")
    columns[1].caption(f"{candidates.letters[best]} {plain(candidates.names[best])}")
    columns[2].metric("At least one right", f"{right.any(axis=0).mean():.3f}", help=ORACLE)
    nobody = int((~right.any(axis=0)).sum())
    columns[2].caption(f"none is right on {count_text(nobody, 'picture')}")
    columns[3].metric("Agree", f"{mean_of_pairs(agreement(answers).same):.3f}", help="The mean over each two members.")
    columns[3].caption(f"all are right on {count_text(int(right.all(axis=0).sum()), 'picture')}")
    table = together.table
    st.markdown(
        f"Together they mend {count_text(table.fixes, 'mistake')} of {bold(candidates.letters[best])} and make {count_text(table.breaks, 'new one')}. "
        f"{verdict(table, together.p)}"
    )
    if answers.left_out:
        st.caption(f"{count_text(answers.left_out, 'picture')} that only some of the runs were judged on are left out.")
    if reviewed := reviewed_text(answers.reviewed):
        st.caption(reviewed)


def _bars(answers: SharedAnswers, together: Ensemble) -> None:
    counts, size = answers.right.sum(axis=0), len(answers.runs) + 1
    right, wrong = (np.bincount(counts[mask], minlength=size).tolist() for mask in (together.right, ~together.right))
    group = ensemble_pictures.group_of_address(ensemble_pictures.groups(answers, together))
    figure = figures.right_counts(right, wrong, selected=int(group) if group.isdigit() else None)
    plot(figure, key=BARS, height=250, alt=figures.right_counts_alt(right, wrong))


def _alike(candidates: Candidates, answers: SharedAnswers) -> None:
    """How alike each two members answer; a click on two of them leads to their flip board."""
    binding = address.bound_choice(MEASURE, list(MEASURES), "same", key=KEY + "measure")
    measure = segments("Two members each", MEASURES, help=MEASURE_HELP, **binding)
    alike = agreement(answers)
    letters = [candidates.letters[run] for run in answers.runs]
    names = [candidates.names[run] for run in answers.runs]
    pair = address.pair(PAIR, below=len(letters))
    values = getattr(alike, measure)
    figure = figures.agreement(values, letters, names, title=MEASURES[measure].lower(), selected=pair)
    alt = f"{MEASURES[measure]}, of each two of {len(letters)} members; on average {mean_of_pairs(values):.2f}"
    plot(figure, key=TABLE, height=min(420, 90 + 34 * len(letters)), alt=alt)
    if pair is None or pair[0] == pair[1]:
        st.caption("Click a field: the two stand side by side on the flip board.")
    else:
        _pair(answers, alike, letters, pair)


def _pair(answers: SharedAnswers, alike: Agreement, letters: Sequence[str], pair: tuple[int, int]) -> None:
    i, j = pair
    kappa = f"{alike.kappa[i, j]:.2f}" if np.isfinite(alike.kappa[i, j]) else "–"
    st.markdown(
        f"**{letters[i]}** and **{letters[j]}** give the same answer to {alike.same[i, j]:.1%} of the pictures (kappa {kappa}) and have "
        f"{alike.double_fault[i, j]:.1%} both wrong."
    )
    two = {"pair_a": answers.runs[i], "pair_b": answers.runs[j], "select": st.query_params.get("select", "")}
    link("Runs", text="Open their flip board", panel="flips", **two)


def _suggestion(candidates: Candidates, everybody: SharedAnswers, members: Sequence[str]) -> None:
    """Which of the candidates to take, and what that choice is worth."""
    if len(everybody.runs) < 3:
        return
    path, choice = _path(everybody.runs, candidates.stamps, everybody)
    best = [everybody.runs[place] for place in suggested(path)]
    letters = ", ".join(f"**{candidates.letters[run]}**" for run in best)
    st.markdown(f"#### Which to take\n{letters}: {suggestion_text(path, len(everybody.ids))}")
    st.caption(choice_text(choice))
    if len(best) > 1 and set(best) != set(members):
        ids = tuple(candidates.infos)
        st.button(
            f"Take these {len(best)}",
            icon=":material/group_add:",
            key=KEY + "take",
            on_click=_put_members,
            args=(best, ids),
        )
