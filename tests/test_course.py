"""A run to which something was done on its way is no repeat of one that nothing was done to, wherever that counts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from test_decision import HERE, answers, run

from dhc.analysis.advice import advice, names_of
from dhc.analysis.course import course_key, course_rows
from dhc.analysis.decision import contest, decide
from dhc.analysis.factor import families, not_yet_run
from dhc.analysis.repeats import are_repeats, next_repeats, repeats_of, used_seeds
from dhc.analysis.settings import scatter
from dhc.analysis.sweeps import isolate
from dhc.runs.course import Branch, Change, Course
from dhc.runs.naming import titles
from dhc.runs.store import RunInfo

CHANGED = Course(changes=[Change(epoch=5, learning_rate=3e-4, patience=5, asked_at=1.0)])


def on_way(info: RunInfo, course: Course = CHANGED) -> RunInfo:
    return replace(info, course=course)


@pytest.mark.parametrize(
    ("branch", "settings", "is_undisturbed"),
    [
        ({}, {}, True),
        ({"before": {"fit.epochs": 8, "fit.keep_resume_state": False}}, {}, True),
        ({"before": {"fit.epochs": 8}}, {"schedule__name": "cosine"}, False),  # its rates were those of 8 epochs
        ({"before": {"model.dense_dropout": 0.1}}, {}, False),
        ({"schedule": "hold"}, {}, False),
        ({"network": "best"}, {}, False),
    ],
)
def test_a_run_that_only_went_on_is_undisturbed(
    branch: dict[str, Any], settings: dict[str, Any], is_undisturbed: bool
) -> None:
    info = on_way(run(1, 0.7, **settings), Course(branches=[Branch(epoch=8, **branch)]))
    assert (course_key(info) == ()) is is_undisturbed
    assert (course_key(info) == course_key(run(2, 0.7))) is is_undisturbed


def test_the_same_change_at_the_same_epoch_is_the_same_course_whenever_it_was_asked_for() -> None:
    first, later = (on_way(run(1, 0.7), Course(changes=[Change(epoch=5, factor=0.5, asked_at=t)])) for t in (1.0, 2.0))
    assert course_key(first) == course_key(later)
    for other in (Change(epoch=6, factor=0.5), Change(epoch=5, factor=0.4), Change(epoch=5, patience=5)):
        assert course_key(on_way(first, Course(changes=[other]))) != course_key(first)


def test_what_was_changed_is_repeated_by_what_was_changed_alike_and_frees_its_seed() -> None:
    plain, again = run(1, 0.7, fit__seed=0), run(2, 0.71, fit__seed=1)
    changed, twin = on_way(run(3, 0.8, fit__seed=2)), on_way(run(4, 0.81, fit__seed=3))
    runs = [plain, again, changed, twin]
    assert repeats_of(plain, runs) == [plain, again]
    assert repeats_of(changed, runs) == [changed, twin]
    assert not are_repeats(plain, changed)
    assert are_repeats(changed, twin)
    assert plain.config is not None
    assert used_seeds(plain.config, runs) == {0, 1}
    assert [config.fit.seed for config in next_repeats(plain.config, runs, up_to=3)] == [2]


def test_a_decision_sets_a_changed_run_against_the_others_and_offers_no_repeats_of_it() -> None:
    runs = [run(1, 0.7, fit__seed=0), on_way(run(2, 0.8, fit__seed=0)), run(3, 0.72, fit__seed=1)]
    subject = contest(runs, runs, lambda info: HERE)
    assert [len(setting.runs) for setting in subject.settings] == [1, 2]
    decision = decide(subject, runs, answers)
    assert decision.repeats == ()
    text = advice(decision)
    assert "The first was changed while training, which no repeat does again" in text
    assert "changed at epoch 5" in names_of(decision)[0]
    assert "changed" not in names_of(decision)[1]


def test_a_changed_run_says_nothing_of_the_value_that_it_began_with() -> None:
    runs = [run(1, 0.7, schedule__patience=5), on_way(run(2, 0.9, schedule__patience=5)), run(3, 0.8)]
    assert [one.runs for one in isolate(runs, "schedule.patience")] == [(runs[0].id,), (runs[2].id,)]
    assert len(scatter(runs, "schedule.patience", "val_accuracy").repeats) == 3
    trials = [run(4, 0.7, schedule__factor=0.5), run(5, 0.7), on_way(run(6, 0.9, schedule__factor=0.3))]
    (family,) = families(trials)
    assert family.factors == 2
    assert trials[2].config is not None
    assert not_yet_run([trials[2].config], trials) == [trials[2].config]


def test_what_was_done_to_a_run_stands_in_its_title_and_among_the_differences() -> None:
    plain, changed = run(1, 0.7), on_way(run(2, 0.8))
    other = on_way(
        run(3, 0.8), Course(branches=[Branch(epoch=8, schedule="hold", before={"model.dense_dropout": 0.1})])
    )
    named = titles([plain, changed, other])
    assert named[changed.id] == f"{named[plain.id]}, changed at epoch 5"
    assert named[other.id] == f"{named[plain.id]}, from epoch 8"
    assert titles([plain, run(4, 0.7, schedule__patience=3), changed])[changed.id].endswith("changed at epoch 5")
    (row,) = course_rows([plain, changed, other], {})
    assert row.values[:2] == (None, "Changed while it trained, from epoch 5 on: rate 0.0003, patience 5.")
    assert str(row.values[2]).startswith("Epochs 1 to 8 are from")
    assert course_rows([plain], {}) == ()
