"""Which settings matter: of which runs it is said, why it is not, and optuna's own figures where it is installed."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from test_sweeps import drawn, run

from dhc.analysis.importance import FEWEST, Trial, importance, trials
from dhc.analysis.reading import importance_text
from dhc.runs.course import Change, Course
from dhc.runs.status import State

# By optuna alone; tests/goldens/importance.py made it.
RECORDED = json.loads((Path(__file__).parent / "goldens" / "importance.json").read_text(encoding="utf-8"))
NAMES = ("optimizer.learning_rate", "model.conv_dropout")


def recorded() -> list[Trial]:
    names = RECORDED["shares"]
    return [Trial({name: trial["values"].get(name) for name in names}, trial["result"]) for trial in RECORDED["trials"]]


def test_finished_runs_count_and_repeats_of_one_setting_once() -> None:
    runs = [
        run(0, 0.6, {"model.conv_dropout": 0.2, "fit.seed": 0}),
        run(1, 0.8, {"model.conv_dropout": 0.2, "fit.seed": 1}),
    ]
    runs += [run(2, 0.9, {"model.conv_dropout": 0.3}, State.STOPPED), run(3, None, {"model.conv_dropout": 0.4})]
    changed = run(4, 0.7, {"model.conv_dropout": 0.5})
    object.__setattr__(changed, "course", Course(changes=[Change(epoch=2, factor=0.5)]))
    (trial,) = trials([*runs, changed], ["model.conv_dropout", "schedule.decay_rate"])
    assert trial.result == pytest.approx(0.7)
    assert trial.values == {"model.conv_dropout": 0.2, "schedule.decay_rate": None}, "None where it has no effect"


def test_below_fifty_it_is_said_why_not_and_fifty_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)  # as where it is not installed
    few = importance(trials(drawn(FEWEST - 1), NAMES))
    assert "once 50 runs with different settings have finished; so far 49 have" in few.reason
    assert importance_text(few) == few.reason
    assert 'pip install "optuna>=5,<6"' in importance(trials(drawn(FEWEST), NAMES)).reason


def test_of_equal_results_nothing_is_the_best() -> None:
    equals = [Trial({"model.conv_dropout": number / 100}, 0.5) for number in range(60)]
    assert importance(equals).reason.endswith("60 runs of 60 reached the same.")


def test_the_shares_are_those_that_optuna_itself_gave() -> None:
    pytest.importorskip("optuna", reason='optuna is optional: pip install "optuna>=5,<6"')
    found = importance(recorded())
    assert found.reason == ""
    assert dict(found.shares) == pytest.approx(RECORDED["shares"])
    assert "Initial learning rate accounts for 88%" in importance_text(found)


def test_a_setting_that_does_nothing_has_hardly_a_share() -> None:
    pytest.importorskip("optuna", reason='optuna is optional: pip install "optuna>=5,<6"')
    found = importance(trials(drawn(), (*NAMES, "fit.epochs")))
    assert list(found.shares) == list(NAMES), "one that never varied has none"
    assert found.shares["optimizer.learning_rate"] > 0.8
