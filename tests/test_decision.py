"""Which setting to keep: contests counted by hand, ties, pictures, repeats; scipy and a coin as oracles, properties over orders."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, ttest_ind

from dhc.analysis.advice import advice, names_of, points_text, time_of_repeats, time_text
from dhc.analysis.decision import Decision, contest, decide, least_lead
from dhc.analysis.pictures import JudgedPictures, by_pictures, judged_pictures, same_pictures
from dhc.analysis.ranking import best_first, best_run, places
from dhc.analysis.reasons import reasons
from dhc.analysis.significance import ContingencyTable
from dhc.config import RunConfig
from dhc.errors import RunError
from dhc.runs.contract import Environment, Labels
from dhc.runs.naming import titles
from dhc.runs.records import Predictions
from dhc.runs.status import State, Status
from dhc.runs.store import RunInfo
from dhc.text import duration_text

PICTURES = 1_000
HERE, ELSEWHERE = JudgedPictures("/data/a", 0, "val-1"), JudgedPictures("/data/b", 0, "val-2")


def run(
    number: int,
    accuracy: float | None,
    state: State = State.FINISHED,
    *,
    readable: bool = True,
    name: str = "",
    data: str = "/data/a",
    **changes: Any,
) -> RunInfo:
    """A run queued as the `number`-th; changes are settings of the model's section."""
    values = {"data.path": data, **{name.replace("__", "."): value for name, value in changes.items()}}
    config = RunConfig().with_values(values) if readable else None
    return RunInfo(
        id=f"20260101-{number:06d}-vgg16-000a",
        folder=Path(f"/runs/{number}"),
        config=config,
        status=Status(state),
        queued_at=float(number),
        epochs_done=3,
        best_val_accuracy=accuracy,
        best_epoch=3,
        seconds=60.0,
        pictures_per_second=100.0,
        device="cpu",
        labels=Labels(name=name),
    )


def dropout(number: int, value: float, accuracy: float | None, seed: int = 0, **also: Any) -> RunInfo:
    return run(number, accuracy, model__conv_dropout=value, fit__seed=seed, **also)


def answers(info: RunInfo) -> Predictions:
    """The first of the pictures right, as many as its accuracy says: the worse run's are a part of the better one's."""
    return predictions(round((info.best_val_accuracy or 0) * PICTURES))


def predictions(right: int, *, first: int = 0, n: int = PICTURES) -> Predictions:
    said = np.ones(n, dtype=np.int64)
    said[first : first + right] = 0
    chances = np.full((n, 2), 0.5, dtype=np.float32)
    return Predictions(
        np.array([f"{i}.png" for i in range(n)]), np.zeros(n, np.int64), said[None], 1, chances, ("a", "b")
    )


def right(count: int, *, first: int = 0) -> np.ndarray:
    one = predictions(count, first=first)
    return (one.predicted == one.y_true).astype(float)


def decided(
    runs: Sequence[RunInfo],
    by_id: Mapping[str, Predictions] | None = None,
    pictures: Mapping[str, JudgedPictures] | None = None,
) -> Decision:
    marks = pictures or {}
    record = contest(runs, runs, lambda info: marks.get(info.id, HERE))
    return decide(record, runs, lambda info: by_id[info.id] if by_id else answers(info))


# Places and ties


def test_equals_share_a_place_and_the_first_queued_leads_it() -> None:
    runs = [dropout(3, 0.1, 0.4), dropout(1, 0.2, 0.4), dropout(2, 0.3, 0.3), dropout(4, 0.4, None)]
    assert best_run(runs) is runs[1]
    assert best_first(runs) == [runs[1], runs[0], runs[2], runs[3]]
    assert best_run([runs[3]]) is None


def test_one_accuracy_in_two_precisions_is_a_tie_and_one_picture_more_is_none() -> None:
    single = float(np.float32(0.86))
    assert single != 0.86
    assert places([0.86, single], lambda x: x, lambda x: x) == [[0.86, single]]
    assert len(places([86_000 / 100_000, 86_001 / 100_000], lambda x: x, lambda x: x)) == 2


@given(st.lists(st.integers(0, 40), min_size=1, max_size=12), st.randoms())
def test_the_best_is_the_same_in_any_order(counts: list[int], random: Any) -> None:
    runs = [dropout(i, 0.01 * i, count / 40) for i, count in enumerate(counts)]
    shuffled = random.sample(runs, len(runs))
    one, other = decided(runs), decided(shuffled)
    assert one.best == other.best
    assert one.runner_up == other.runner_up
    assert one.evidence == other.evidence
    assert one.repeats == other.repeats
    assert advice(one) == advice(other)
    assert one.best is not None
    assert one.best.mean == max(counts) / 40
    assert len(one.contest.winners) == counts.count(max(counts))
    assert one.tied == (counts.count(max(counts)) > 1)


def test_a_tie_is_said_and_nothing_is_to_be_repeated() -> None:
    decision = decided([dropout(1, 0.2, 0.4), dropout(2, 0.5, 0.4), dropout(3, 0.7, 0.3)])
    assert advice(decision) == "dropout 0.2 and dropout 0.5 are tied (0.400): keep either."
    assert decision.repeats == ()
    three = decided([dropout(n, n / 10, 0.4) for n in range(1, 4)])
    assert advice(three) == "dropout 0.1, dropout 0.2 and one more are tied (0.400): keep any of them."
    five = decided([dropout(n, n / 10, 0.4) for n in range(1, 6)])
    assert advice(five) == "dropout 0.1, dropout 0.2 and three more are tied (0.400): keep any of them."


def test_a_tie_for_the_second_place_is_said() -> None:
    decision = decided([dropout(1, 0.2, 0.8), dropout(2, 0.5, 0.4), dropout(3, 0.7, 0.4), dropout(4, 0.6, 0.3)])
    assert "Next are dropout 0.5 and one more, 40.0 points behind: " in advice(decision)


# The sentence by hand


def test_one_seed_each_is_judged_by_mcnemars_test() -> None:
    runs = [dropout(1, 0.2, 0.871), dropout(2, 0.4, 0.859)]
    by_id = {runs[0].id: predictions(871), runs[1].id: predictions(859, first=40)}
    decision = decided(runs, by_id)
    assert decision.evidence is not None
    table = decision.evidence.table
    assert table is not None
    assert (table.breaks, table.fixes, table.n) == (40, 28, 1000)
    assert decision.evidence.p == pytest.approx(binomtest(28, 68).pvalue)
    assert decision.evidence.interval[0] < 0.012 < decision.evidence.interval[1]
    assert decision.size is not None
    assert decision.size.seeds is not None
    assert len(decision.repeats) == 2 * (decision.size.seeds - 1)
    assert advice(decision, time="40 min", strong="**{}**".format, soft="*{}*".format) == (
        "Keep **dropout 0.2** (0.871). Next is *dropout 0.4*, 1.2 points behind: luck 1 in 6. "
        "Four repeats each, about 40 min, should settle it."
    )
    text = {reason.title: reason.text for reason in reasons(decision)}
    assert "only the first has 40 right that the second has wrong, and only the second 28" in text["Luck"]
    assert "not the chance that the second is better" in text["Luck"]
    luck = 0.564190 * math.sqrt(0.871 * 0.129 / 1000) * math.sqrt(1 - table.correlation)
    assert f"by up to {100 * luck:.1f} points if all were equally good" in text["Chosen by val"]
    assert table.correlation == pytest.approx(np.corrcoef(right(871), right(859, first=40))[0, 1])
    assert "2 settings by 2 runs, all judged on the same val pictures of a" in text["Compared"]


def coins(fixes: int, breaks: int) -> float:
    """McNemar's p by counting the falls of fair coins that are at least this uneven."""
    n, far = fixes + breaks, abs(fixes - breaks)
    return sum(math.comb(n, k) for k in range(n + 1) if abs(n - 2 * k) >= far) / 2**n


@given(st.integers(0, 30), st.integers(0, 30))
def test_luck_is_what_fair_coins_say(only_first: int, only_second: int) -> None:
    n = 100
    runs = [dropout(1, 0.2, (30 + only_first) / n), dropout(2, 0.4, (30 + only_second) / n)]
    by_id = {
        runs[0].id: predictions(30 + only_first, first=30 - only_first, n=n),  # 30 right that both share
        runs[1].id: predictions(30 + only_second, first=30, n=n),
    }
    evidence = decided(runs, by_id).evidence
    assert evidence is not None
    assert evidence.p == pytest.approx(coins(only_first, only_second))


@given(st.integers(0, 30), st.integers(0, 30))
def test_two_runs_that_change_places_change_nothing_but_which_is_kept(only_a: int, only_b: int) -> None:
    a, b = predictions(30 + only_a, first=30 - only_a, n=100), predictions(30 + only_b, first=30, n=100)
    here = [dropout(1, 0.2, (30 + only_a) / 100), dropout(2, 0.4, (30 + only_b) / 100)]
    there = [dropout(1, 0.2, (30 + only_b) / 100), dropout(2, 0.4, (30 + only_a) / 100)]
    one, other = decided(here, {here[0].id: a, here[1].id: b}), decided(there, {there[0].id: b, there[1].id: a})
    assert one.evidence is not None
    assert other.evidence is not None
    assert one.lead == other.lead
    assert one.evidence.p == other.evidence.p
    assert one.tied == other.tied == (only_a == only_b)
    assert len(one.repeats) == len(other.repeats)
    if not one.tied:
        assert one.best is not None
        assert other.best is not None
        assert one.evidence.interval == other.evidence.interval
        assert one.best.config.model.conv_dropout != other.best.config.model.conv_dropout


def test_repeats_are_pooled_and_judged_by_welchs_test() -> None:
    first, second = [0.871, 0.869, 0.873], [0.861, 0.859]
    runs = [dropout(i, 0.2, value, seed=i) for i, value in enumerate(first)]
    runs += [dropout(10 + i, 0.4, value, seed=i) for i, value in enumerate(second)]
    decision = decided(runs)
    assert decision.best is not None
    assert len(decision.best.runs) == 3
    assert decision.best.best_run is runs[2]
    assert decision.evidence is not None
    assert decision.evidence.source == "repeats"
    assert decision.evidence.p == pytest.approx(ttest_ind(first, second, equal_var=False).pvalue)
    low, high = ttest_ind(first, second, equal_var=False).confidence_interval()
    assert decision.evidence.interval == pytest.approx((low, high))
    assert advice(decision) == (
        "Keep dropout 0.2 (0.871, mean of 3 seeds). Next is dropout 0.4 (mean of 2 seeds), 1.1 points behind: luck 1 in 200."
    )


def test_repeats_that_are_not_listed_count_and_a_second_run_of_a_seed_does_not() -> None:
    listed = [dropout(1, 0.2, 0.8), dropout(2, 0.4, 0.7)]
    others = [dropout(3, 0.2, 0.9, seed=1), dropout(4, 0.2, 0.99, seed=0), dropout(5, 0.6, 0.95)]
    record = contest(listed, [*listed, *others], lambda info: HERE)
    assert [(setting.mean, len(setting.runs)) for setting in record.settings] == [(pytest.approx(0.85), 2), (0.7, 1)]


def test_repeats_under_way_are_not_asked_for_again() -> None:
    runs = [dropout(1, 0.2, 0.871), dropout(2, 0.4, 0.859)]
    by_id = {runs[0].id: predictions(871), runs[1].id: predictions(859, first=40)}
    repeats = decided(runs, by_id).repeats
    queued = [
        dropout(10 + i, config.model.conv_dropout, None, seed=config.fit.seed, state=State.QUEUED)
        for i, config in enumerate(repeats)
    ]
    decision = decided([*runs, *queued[:-1]], by_id)
    assert decision.repeats == repeats[-1:]
    decision = decided([*runs, *queued], by_id)
    assert decision.repeats == ()
    assert "Eight of their repeats are under way. Not counted: 8 still under way." in advice(decision)


def test_repeats_take_as_long_as_the_runs_that_they_repeat() -> None:
    runs = [dropout(1, 0.2, 0.871), replace(dropout(2, 0.4, 0.859), seconds=120.0)]
    by_id = {runs[0].id: predictions(871), runs[1].id: predictions(859, first=40)}
    decision = decided(runs, by_id)
    each = len(decision.repeats) // 2
    assert time_of_repeats(decision) == each * (60 + 120)
    assert f"each, about {duration_text(each * 180)}, should settle it." in advice(
        decision, time=time_text(time_of_repeats(decision))
    )
    for elsewhere in (replace(runs[1], example=True), replace(runs[1], seconds=None)):
        assert time_of_repeats(decided([runs[0], elsewhere], by_id)) is None
    assert time_of_repeats(decided(runs[:1], by_id)) is None


def test_a_better_run_of_the_next_setting_leaves_luck_open() -> None:
    runs = [dropout(1, 0.2, 0.80), dropout(2, 0.4, 0.82, seed=0), dropout(3, 0.4, 0.76, seed=1)]
    decision = decided(runs)
    assert decision.evidence is not None
    assert decision.evidence.p is None
    assert "1.0 point behind: too few seeds to tell luck from merit. " in advice(decision)
    assert "more pictures right" in {reason.title: reason.text for reason in reasons(decision)}["Luck"]


def test_what_takes_more_repeats_than_are_worth_it_counts_as_equal() -> None:
    runs = [dropout(1, 0.2, 0.601), dropout(2, 0.4, 0.600)]
    decision = decided(runs, {runs[0].id: predictions(601), runs[1].id: predictions(600, first=300)})
    assert decision.repeats == ()
    assert (
        "as good as pure luck. More than 30 repeats each would be needed to settle it: count them as equal."
        in advice(decision)
    )


# Few pictures


def test_with_few_discordant_pictures_no_lead_can_be_told_from_luck() -> None:
    assert least_lead(ContingencyTable(30, 2, 3, 5)) is None
    assert least_lead(ContingencyTable(30, 0, 6, 4)) == 6 / 40
    assert least_lead(ContingencyTable(0, 0, 0, 4)) is None
    runs = [dropout(1, 0.2, 0.75), dropout(2, 0.4, 0.70)]
    few = {runs[0].id: predictions(30, n=40), runs[1].id: predictions(28, n=40)}
    text = advice(decided(runs, few))
    assert "5.0 points (2 of 40 pictures) behind: too few val pictures to tell it from luck." in text


@settings(max_examples=60)
@given(st.integers(0, 80), st.integers(0, 200))
def test_the_least_lead_is_the_first_that_the_test_calls_no_luck(discordant: int, rest: int) -> None:
    if discordant + rest == 0:
        return
    leads = (
        [discordant - 2 * few for few in range(discordant // 2 + 1) if binomtest(few, discordant, 0.5).pvalue < 0.05]
        if discordant
        else []
    )
    expected = min(leads) / (discordant + rest) if leads else None
    assert least_lead(ContingencyTable(rest, 0, discordant, 0)) == expected


# Pictures


def test_only_runs_on_the_same_pictures_compete_and_the_others_are_counted() -> None:
    runs = [
        dropout(1, 0.2, 0.9),
        dropout(2, 0.4, 0.7),
        dropout(3, 0.4, 0.99, data="/data/b"),
        dropout(4, 0.2, 0.8, data="/data/b"),
    ]
    marks = {runs[0].id: HERE, runs[1].id: HERE, runs[2].id: ELSEWHERE, runs[3].id: ELSEWHERE}
    decision = decided(runs, pictures=marks)
    assert decision.best is not None
    assert decision.best.runs == (runs[2],), "of two sets of pictures that of the newest run counts"
    assert advice(decision).endswith("Not counted: 2 on other pictures.")
    assert "(a)" in {reason.title: reason.text for reason in reasons(decision)}["On other pictures"]
    alone = decided([*runs[:2], runs[2]], pictures=marks)
    assert alone.best is not None
    assert alone.best.runs == (runs[0],), "a set with nothing to compare gives way to one with two settings"


def test_pictures_that_changed_since_are_other_pictures() -> None:
    runs = [dropout(1, 0.2, 0.9), dropout(2, 0.4, 0.7), dropout(3, 0.6, 0.6)]
    before = JudgedPictures(HERE.folder, 0, "val-0")
    decision = decided(runs, pictures={runs[0].id: before})
    assert decision.best is not None
    assert decision.best.runs == (runs[1],)
    assert "Not counted: 1 on these pictures before or after they changed." in advice(decision)


def test_whoever_asks_for_more_classes_than_there_are_is_judged_on_all() -> None:
    def judged(asked: int, present: int | None) -> JudgedPictures:
        config = RunConfig().with_values({"data.path": "/a", "data.classes": asked})
        return judged_pictures(config, Environment(data_prints={"val": "x"}, data_classes=present))

    assert judged(12, 6) == judged(6, 6) == judged(0, 6)
    assert judged(4, 6) != judged(0, 6)
    assert judged(12, None).classes == 12, "an older run noted no number"


def test_what_is_shown_of_a_run_has_the_classes_that_there_are() -> None:
    def shown(asked: int, present: int | None, queued: int | None = None) -> int:
        environment = Environment(data_classes=present)
        info = replace(run(1, 0.5, data__classes=asked), environment=environment, classes=queued)
        assert info.config is not None
        assert info.shown_config is not None
        assert info.config.data.classes == asked
        return info.shown_config.data.classes

    assert [shown(12, 5), shown(5, 5), shown(4, 5), shown(0, 5), shown(12, None)] == [5, 5, 4, 0, 12]
    assert [shown(12, None, 8), shown(12, 5, 8), shown(4, None, 8)] == [8, 5, 4]
    runs = [dropout(1, 0.2, 0.9, data__classes=12), dropout(2, 0.4, 0.7), dropout(3, 0.6, 0.6)]
    runs[0] = replace(runs[0], environment=Environment(data_classes=5, data_prints={"val": "y"}))
    decision = decided(runs, pictures={runs[0].id: JudgedPictures("/elsewhere", 0, "y")})
    assert "(a, 5 classes)" in {reason.title: reason.text for reason in reasons(decision)}["On other pictures"]
    assert titles([runs[0], runs[1]])[runs[0].id].endswith("classes 5")


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        (JudgedPictures("/a", 0, "x", "f"), JudgedPictures("/b", 0, "x", "g"), True),
        (JudgedPictures("/a", 0, "x"), JudgedPictures("/a", 0, "y"), False),
        (JudgedPictures("/a", 0, "x"), JudgedPictures("/a", 4, "x"), False),
        (JudgedPictures("/a", 0, "", "f"), JudgedPictures("/b", 0, "", "f"), True),
        (JudgedPictures("/a", 0, "", "f"), JudgedPictures("/a", 0, "", "g"), False),
        (JudgedPictures("/a", 0, "x", "f"), JudgedPictures("/a", 0, "", "g"), True),  # prints of two kinds
        (JudgedPictures("/a", 0, "x", "f"), JudgedPictures("/b", 0, "", "f"), False),
        (JudgedPictures("/a"), JudgedPictures("/a"), True),
        (JudgedPictures("/a"), JudgedPictures("/b"), False),
    ],
)
def test_pictures_are_the_same_by_print_else_by_fingerprint_else_by_folder(
    first: JudgedPictures, second: JudgedPictures, same: bool
) -> None:
    assert same_pictures(first, second) is same_pictures(second, first) is same


def test_runs_are_grouped_by_pictures_whatever_their_order() -> None:
    runs = [dropout(i, 0.1, 0.5) for i in range(6)]
    marks = {info.id: (HERE, ELSEWHERE)[i % 2] for i, info in enumerate(runs)}
    groups = by_pictures(runs, lambda info: marks[info.id])
    assert groups == by_pictures(runs[::-1], lambda info: marks[info.id])
    assert [(pictures, len(members)) for pictures, members in groups] == [(ELSEWHERE, 3), (HERE, 3)]


# What is missing


def test_without_a_result_and_with_a_single_one_it_is_said() -> None:
    assert advice(decided([])) == ""
    nothing = [dropout(1, 0.2, None, state=State.QUEUED), dropout(2, 0.2, None, state=State.FAILED)]
    assert advice(decided(nothing)) == "No run has a result yet. Not counted: 1 still under way, 1 without a result."
    alone = decided([run(1, 0.5), run(2, 0.9, readable=False)])
    assert "(0.500) is alone: there is no other setting among these runs. " in advice(alone)
    assert advice(alone).endswith("Not counted: 1 with unreadable settings.")
    first = decided([run(1, 0.5, name="a"), run(3, 0.4, State.RUNNING)])
    assert advice(first) == "a (0.500) is the first setting with a result. Not counted: 1 still under way."
    assert alone.contest.left_out.unreadable[0].id == "20260101-000002-vgg16-000a"
    dealt = run(4, 0.9, data__shuffle_labels=True)
    beside = decided([run(1, 0.5), run(3, 0.4, model__width=0.5), dealt])
    assert beside.best is not None
    assert beside.best.best_run.id == run(1, 0.5).id, "what learned dealt labels is no setting to keep"
    assert advice(beside).endswith("Not counted: 1 with shuffled labels.")
    assert "Shuffled labels" in [reason.title for reason in reasons(beside) if reason.text]
    assert advice(decided([dealt])).startswith("No run with true labels has a result yet.")


def test_a_failed_run_does_not_win_and_a_stopped_one_may() -> None:
    decision = decided(
        [dropout(1, 0.2, 0.99, state=State.FAILED), dropout(2, 0.4, 0.7, state=State.STOPPED), dropout(3, 0.6, 0.6)]
    )
    assert decision.best is not None
    assert decision.best.best_run.state is State.STOPPED


@pytest.mark.parametrize(
    "error", [RunError("the answers are damaged: train it again"), PermissionError(13, "Permission denied")]
)
def test_answers_that_cannot_be_read_leave_the_figures_and_say_why(error: Exception) -> None:
    runs = [dropout(1, 0.2, 0.9), dropout(2, 0.4, 0.7)]

    def refuse(info: RunInfo) -> Predictions:
        raise error

    decision = decide(contest(runs, runs, lambda info: HERE), runs, refuse)
    assert advice(decision) == (
        "Keep dropout 0.2 (0.900). Next is dropout 0.4, 20.0 points behind: how much of it is luck cannot be said."
    )
    text = {reason.title: reason.text for reason in reasons(decision)}["Luck"]
    assert text.startswith("It cannot be said: ")
    assert ("damaged" if isinstance(error, RunError) else "Permission denied") in text


def test_answers_that_contradict_the_lead_are_not_tested_for_luck() -> None:
    runs = [dropout(1, 0.2, 0.9), dropout(2, 0.4, 0.7)]
    decision = decide(contest(runs, runs, lambda info: HERE), runs, lambda info: predictions(700))
    assert "how much of it is luck cannot be said" in advice(decision)
    assert f"answers of run {runs[0].id} are right for 70.0% of val, but it noted 90.0%" in decision.problem


def test_nearest_neighbours_compete_and_are_not_repeated() -> None:
    runs = [run(n, 0.1 * n, model__name="knn", knn__k=n) for n in (1, 2)]
    decision = decided(runs)
    assert decision.repeats == ()
    assert advice(decision).startswith("Keep k 2 (0.200). Next is k 1, 10.0 points behind: luck less than 1 in 1,000.")
    assert "nothing to repeat" in {reason.title: reason.text for reason in reasons(decision)}["Repeats"]


# What it is called


def test_a_setting_is_named_by_what_differs_the_tuners_first() -> None:
    runs = [
        run(1, 0.9, model__conv_dropout=0.2, schedule__factor=0.5, data__train_fraction=0.5),
        run(2, 0.8, model__conv_dropout=0.4, schedule__factor=0.5, data__train_fraction=0.5),
        run(3, 0.7, model__conv_dropout=0.4, schedule__factor=0.9, data__train_fraction=0.5),
    ]
    assert names_of(decided(runs)) == ("dropout 0.2, factor 0.5", "dropout 0.4")


def test_where_too_much_differs_the_runs_names_are_said() -> None:
    many = {"model__conv_dropout": 0.2, "schedule__factor": 0.5, "schedule__patience": 3, "model__width": 0.5}
    first, second = names_of(decided([run(1, 0.9, name="the good one", **many), run(2, 0.8)]))
    assert first == "the good one"
    assert second == "dropout 0.6, factor 0.8, patience 22, width 1"


def test_a_mean_of_seeds_is_not_called_by_one_of_them() -> None:
    many = {"model__conv_dropout": 0.2, "schedule__factor": 0.5, "schedule__patience": 3, "model__width": 0.5}
    repeats = [run(2 + seed, 0.8 - 0.1 * seed, name=f"LR 0.01, seed {seed}", fit__seed=seed) for seed in range(3)]
    favourite = run(1, 0.9, name="my favourite", **many)
    decision = decided([favourite, *repeats])
    assert names_of(decision) == ("my favourite", "LR 0.01")
    assert "Next is LR 0.01 (mean of 3 seeds)" in advice(decision)
    assert "LR 0.01, seed 0" not in str([reason.text for reason in reasons(decision)])
    nameless = [run(2 + seed, 0.8 - 0.1 * seed, name=f"seed {seed}", fit__seed=seed) for seed in range(3)]
    assert names_of(decided([favourite, *nameless]))[1].startswith("vgg16, ")
    assert names_of(decided([favourite, repeats[0]]))[1] == "LR 0.01, seed 0", "of one seed it is the name"


def test_a_run_alone_with_its_repeats_has_its_own_figure_before_their_mean() -> None:
    listed = [run(1, 0.248, name="my favourite")]
    everyone = [*listed, run(2, 0.2, fit__seed=1), run(3, 0.143, fit__seed=2), run(4, 0.5, model__width=0.5)]
    record = contest(listed, everyone, lambda info: HERE)
    text = advice(decide(record, everyone, answers))
    assert text == ("my favourite (0.248; mean of 3 seeds 0.197) is alone: there is no other setting among these runs.")


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.012, "1.2 points"), (-0.01, "1.0 point"), (0.0002, "less than 0.1 points"), (0, "0.0 points")],
)
def test_points_in_words(share: float, text: str) -> None:
    assert points_text(share) == text
