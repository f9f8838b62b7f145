"""The curve coach: each detector on a curve made by hand, the rules file, suggestions within bounds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dhc.analysis import coach, detectors
from dhc.analysis.case import Case
from dhc.analysis.coach import RULES, apply, marks, read_rules, suggestion
from dhc.analysis.detectors import DETECTORS
from dhc.config import RunConfig, fields
from dhc.errors import RulesError
from dhc.figures.coach import annotate
from dhc.figures.curves import learning_curves
from dhc.runs.records import BATCH_COLUMNS, EPOCH_COLUMNS, LR_COLUMNS, History, empty_table

OURS = read_rules(RULES.read_text(encoding="utf-8"))
NAN = float("nan")
RULE = "[[rule]]\nid='a'\ntitle='A'\nlesson=''\n"
PLATEAU = f"{RULE}look_for='plateau'\n"


def case(
    *,
    classes: int | None = 10,
    drops: list[tuple[int, float, float]] | None = None,
    batches: list[float] | None = None,
    settings: dict[str, Any] | None = None,
    **columns: list[float],
) -> Case:
    """A run whose epochs have these figures; what is not given is 0, the learning rate 0.001, all epochs done."""
    n = len(next(iter(columns.values())))
    table: dict[str, Any] = {name: np.zeros(n) for name in EPOCH_COLUMNS} | {"learning_rate": np.full(n, 1e-3)}
    table |= {"epoch": np.arange(1, n + 1), "best": np.zeros(n, dtype=bool), **columns}
    lr = pd.DataFrame(drops, columns=["epoch", "old", "new"]) if drops else empty_table(LR_COLUMNS)
    batch_table = empty_table(BATCH_COLUMNS)
    if batches is not None:
        rows: dict[str, Any] = {name: np.zeros(len(batches)) for name in BATCH_COLUMNS}
        batch_table = pd.DataFrame(rows | {"loss": batches, "epoch": np.full(len(batches), n + 1)})
    config = RunConfig().with_values({"fit.epochs": n or 1, **(settings or {})})
    return Case(History(batch_table, pd.DataFrame(table), lr), config, classes)


def test_overfitting_begins_where_val_loss_starts_to_rise_while_loss_falls() -> None:
    rising = case(val_loss=[3, 2, 1, 1.5, 2, 2.5], loss=[3, 2.5, 2, 1.5, 1, 0.5])
    detection = detectors.overfitting(rising, epochs=3, smooth=1)
    assert detection is not None
    assert detection.epochs == (3,)
    assert (
        detection.sentence
        == "val_loss rose 3 epochs in a row up to epoch 6, 1.00 to 2.50, while loss fell from 2.00 to 0.50"
    )
    assert detectors.overfitting(rising, epochs=4, smooth=1) is None
    assert (
        detectors.overfitting(case(val_loss=[3, 2, 1, 1.5, 2, 2.5], loss=[1, 1, 1, 2, 3, 4]), epochs=3, smooth=1)
        is None
    )


def test_smoothing_sees_a_rise_through_jitter() -> None:
    jittery = case(val_loss=[1, 1.4, 1.1, 1.5, 1.2, 1.6, 1.3, 1.7], loss=[8, 7, 6, 5, 4, 3, 2, 1])
    assert detectors.overfitting(jittery, epochs=4, smooth=1) is None
    detection = detectors.overfitting(jittery, epochs=4, smooth=2)
    assert detection is not None
    assert detection.epochs == (1,)  # the mean of epochs 1 and 2 is where it starts, and 1 is the lower


def test_a_drop_stands_at_the_epoch_before_the_new_rate_and_says_what_came_of_it() -> None:
    detection = detectors.rate_drops(case(val_accuracy=[0.2, 0.5, 0.4, 0.6], drops=[(4, 1e-3, 5e-4)]))
    assert detection is not None
    assert detection.epochs == (3,)
    assert detection.sentence == (
        "the learning rate fell once, first after epoch 3: 0.001 → 0.0005; best val_accuracy before the first fall 0.500, "
        "after it 0.600"
    )
    assert detectors.rate_drops(case(val_accuracy=[0.2])) is None


def test_a_plateau_is_where_the_best_value_stops_growing_above_chance() -> None:
    flat = [0.3, 0.5, 0.504, 0.5, 0.5, 0.503, 0.6]
    detection = detectors.plateau(case(val_accuracy=flat), epochs=4, gain=0.005)
    assert detection is not None
    assert detection.epochs == (2,)
    assert detectors.plateau(case(val_accuracy=flat), epochs=5, gain=0.005) is None
    assert detectors.plateau(case(val_accuracy=flat, settings={"schedule.name": "cosine"}), epochs=4) is None
    assert detectors.plateau(case(val_accuracy=[0.1] * 9), epochs=4, gain=0.005) is None  # that is a dead start


def test_divergence_is_a_loss_that_explodes_or_is_no_number() -> None:
    detection = detectors.divergence(case(loss=[2, 1, 5]))
    assert detection is not None
    assert detection.epochs == (3,)
    assert detection.sentence == "loss was 5.00 in epoch 3 after 1.00 at its lowest"
    assert detectors.divergence(case(loss=[2, 0.1, 0.5])) is None  # small losses double easily
    assert detectors.divergence(case(loss=[2, NAN, 1])).epochs == (2,)  # type: ignore[union-attr]
    assert detectors.divergence(case(loss=[2, 1], batches=[0.9, NAN])).epochs == (3,)  # type: ignore[union-attr]


def test_a_dead_start_stays_at_chance_and_ends_where_it_wakes() -> None:
    detection = detectors.dead_start(case(accuracy=[0.1, 0.12, 0.1, 0.3], val_accuracy=[0.1, 0.1, 0.14, 0.4]), epochs=3)
    assert detection is not None
    assert detection.epochs == (3,)
    assert (
        "in the first 3 epochs accuracy and val_accuracy did not get above 0.140; chance is 1 in 10"
        in detection.sentence
    )
    assert detectors.dead_start(case(accuracy=[0.1, 0.12, 0.3], val_accuracy=[0.1] * 3), epochs=3) is None
    assert detectors.dead_start(case(accuracy=[0.1] * 3, val_accuracy=[0.1] * 3, classes=None), epochs=3) is None


def test_val_asleep_is_a_val_at_chance_beside_an_accuracy_that_is_not() -> None:
    detection = detectors.val_asleep(case(accuracy=[0.4, 0.5, 0.6], val_accuracy=[0.1, 0.1, 0.5]))
    assert detection is not None
    assert detection.epochs == (2,)
    assert "while accuracy reached 0.500" in detection.sentence
    assert detectors.val_asleep(case(accuracy=[0.1, 0.5], val_accuracy=[0.1, 0.1])) is None


def test_unstable_counts_the_falls_and_names_the_worst() -> None:
    detection = detectors.unstable(case(val_accuracy=[0.5, 0.4, 0.6, 0.3, 0.5, 0.44]), fall=0.05, times=3)
    assert detection is not None
    assert detection.epochs == (2, 4, 6)
    assert "3 times, most in epoch 4: 0.600 to 0.300" in detection.sentence
    assert detectors.unstable(case(val_accuracy=[0.5, 0.4, 0.6, 0.3]), fall=0.05, times=3) is None


def test_still_learning_is_said_at_the_end_only() -> None:
    rising = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]
    detection = detectors.still_learning(case(val_accuracy=rising))
    assert detection is not None
    assert detection.epochs == (6,)
    assert detection.sentence == "mean val_accuracy of the last 3 epochs was 0.500, of the 3 before 0.200"
    assert detectors.still_learning(case(val_accuracy=rising, settings={"fit.epochs": 7})) is None
    assert detectors.still_learning(case(val_accuracy=[0.5] * 6)) is None


@pytest.mark.parametrize(
    "curve",
    [
        [0.40, 0.48, 0.55, 0.600, 0.552, 0.629, 0.562],  # a run that was told to be rising, and fell
        [0.50, 0.60, 0.45, 0.58, 0.50, 0.66],
        [0.10, 0.70, 0.20, 0.65, 0.30, 0.72],
    ],
)
def test_a_curve_that_goes_up_and_down_is_not_said_to_be_still_rising(curve: list[float]) -> None:
    assert detectors.still_learning(case(val_accuracy=curve)) is None


def test_a_rise_of_its_own_is_told_from_one_by_chance() -> None:
    rng = np.random.default_rng(0)
    flat = [detectors.still_learning(case(val_accuracy=list(0.5 + 0.05 * rng.normal(size=12)))) for _ in range(400)]
    steep = [
        detectors.still_learning(case(val_accuracy=list(0.3 + 0.04 * np.arange(12) + 0.01 * rng.normal(size=12))))
        for _ in range(100)
    ]
    assert sum(detection is not None for detection in flat) <= 20  # 5 in 100
    assert sum(detection is not None for detection in steep) >= 95


def test_a_rate_too_low_is_a_tail_of_small_steps_without_gain() -> None:
    rate = [1e-3] * 3 + [1e-4] * 4
    tail = case(val_accuracy=[0.1, 0.4, 0.5, 0.5, 0.49, 0.5, 0.5], learning_rate=rate)
    detection = detectors.rate_too_low(tail, epochs=4)
    assert detection is not None
    assert detection.epochs == (4,)
    learned = case(val_accuracy=[0.1, 0.4, 0.5, 0.6, 0.6, 0.6, 0.6], learning_rate=rate)
    assert detectors.rate_too_low(learned, epochs=4) is None
    tail = case(val_accuracy=[0.1, 0.4, 0.5, 0.5, 0.49, 0.5, 0.5], learning_rate=rate, settings={"augment.cutmix": 1.0})
    assert detectors.rate_too_low(tail, epochs=4) is None, "accuracy on mixed pictures does not tell"


def test_marks_are_numbered_by_epoch_and_carry_the_changed_config() -> None:
    dead = case(accuracy=[0.1] * 4, val_accuracy=[0.1] * 4, loss=[2, 2, 2, 5], settings={"model.dense_dropout": 0.1})
    first, second = marks(dead, OURS)
    assert [(mark.number, mark.rule, mark.epochs) for mark in (first, second)] == [
        (1, "divergence", (4,)),
        (2, "dead-start", (4,)),
    ]
    assert second.suggestion == "conv_dropout 0.6 → 0.4, dense_dropout 0.1 → 0.0".replace("0.0", "0")
    assert second.config == dead.config.with_values({"model.conv_dropout": 0.4, "model.dense_dropout": 0.0})


def test_what_has_no_effect_in_the_network_is_never_suggested_and_knn_has_no_marks() -> None:
    flat: dict[str, Any] = {"accuracy": [0.1] * 4, "val_accuracy": [0.1] * 4}
    (mark,) = marks(case(**flat, settings={"model.name": "cnn3", "schedule.name": "constant"}), OURS)
    assert mark.suggestion == "learning_rate 0.001 → 0.0003"  # there is no dropout to lighten
    assert marks(case(**flat, settings={"model.name": "knn"}), OURS) == ()


def test_a_step_beyond_a_bound_ends_at_it() -> None:
    by_name = {field.name: field for field in fields()}
    assert apply("add -0.2", by_name["model.conv_dropout"], 0.1) == 0
    assert apply("add 0.3", by_name["model.conv_dropout"], 0.9) == 0.95
    assert apply("multiply 1.5", by_name["fit.epochs"], 14) == 21
    assert apply("multiply 9", by_name["fit.epochs"], 40_000) == 50_000
    assert apply("add -0.2", by_name["model.conv_dropout"], 0.6) == 0.4
    assert suggestion(RunConfig(), ({"fit.epochs": "multiply 1"}, {"model.head": "set flatten"})) is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[rule]\n", "coach.toml is not readable as TOML"),
        ("rules = 3", "coach.toml may only hold [[rule]] tables, not rules"),
        ("rule = 3", "may only hold [[rule]] tables"),
        (RULE, "rule 1 (a), look_for: Field required"),
        (f"{RULE}look_for='magic'", "rule 1 (a), look_for: there is no 'magic'; there are overfit"),
        (f"{PLATEAU}with={{wait=3}}", "plateau takes epochs, gain, not 'wait'"),
        (f"{PLATEAU}with={{epochs=2.5}}", "epochs must be a whole number above 0"),
        (f"{PLATEAU}try=[{{'fit.epoch'='add 1'}}]", "there is no setting 'fit.epoch'"),
        (f"{PLATEAU}try=[{{'fit.epochs'='1.5 times'}}]", "is not a change: write"),
        (f"{PLATEAU}try=[{{'model.head'='add 1'}}]", "model.head is not a number"),
        (f"{PLATEAU}try=[{{'model.head'='set round'}}]", "cannot be 'round'"),
    ],
)
def test_a_broken_rules_file_is_one_sentence_that_says_where(text: str, says: str) -> None:
    with pytest.raises(RulesError) as error:
        read_rules(text)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_two_rules_of_one_id_are_refused() -> None:
    one = "[[rule]]\nid='a'\ntitle='A'\nlesson=''\nlook_for='plateau'\n"
    with pytest.raises(RulesError, match="two rules of the id 'a'"):
        read_rules(one + one)


def test_every_detector_is_used_by_our_own_rules_once() -> None:
    assert sorted(rule.look_for for rule in OURS) == sorted(DETECTORS)
    assert len({rule.id for rule in OURS}) == len(OURS)


some = st.lists(st.one_of(st.floats(0, 1), st.sampled_from([0.1, 0.5, NAN])), max_size=30)


@settings(max_examples=60, deadline=None)
@given(some, some, some, some, st.sampled_from([None, 1, 3, 96]), st.sampled_from(["vgg16", "cnn3", "cnn7"]))
def test_whatever_the_curve_marks_lie_within_it_and_suggestions_are_sound(
    val: list[float], acc: list[float], loss: list[float], val_loss: list[float], classes: int | None, network: str
) -> None:
    n = min(len(val), len(acc), len(loss), len(val_loss))
    run = case(
        val_accuracy=val[:n],
        accuracy=acc[:n],
        loss=loss[:n],
        val_loss=val_loss[:n],
        classes=classes,
        settings={"model.name": network},
    )
    run_marks = marks(run, OURS)
    assert [mark.number for mark in run_marks] == list(range(1, len(run_marks) + 1))
    for mark in run_marks:
        assert all(1 <= epoch <= n for epoch in mark.epochs)
        assert "nan" not in mark.sentence
        assert all(run.config.uses(change.name) or mark.config.uses(change.name) for change in mark.changes)  # type: ignore[union-attr]
        assert bool(mark.changes) == (mark.config is not None)


def test_the_marks_are_a_last_trace_that_leaves_the_others_in_their_places() -> None:
    run = case(accuracy=[0.1] * 4, val_accuracy=[0.1] * 4, loss=[2, 2, 2, 5])
    bare = learning_curves(run.history, metric="accuracy")
    with_marks = annotate(learning_curves(run.history, metric="accuracy"), marks(run, OURS))
    assert [trace.uid for trace in with_marks.data] == [*(trace.uid for trace in bare.data), "coach"]
    assert list(with_marks.data[-1].x) == [4, 4]
    assert list(with_marks.data[-1].text) == ["1", "2"]
    assert [trace.uid for trace in annotate(learning_curves(run.history, metric="loss"), ()).data][-1] == "coach"


def test_the_rules_file_lies_where_the_coach_looks() -> None:
    assert coach.RULES.is_file()
