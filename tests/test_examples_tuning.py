"""What the rules of the tuning tools say of the ten example runs: each has its cause, and nothing else fires."""

from __future__ import annotations

from pathlib import Path

import pytest

from dhc.analysis import weakness
from dhc.analysis.case import Case
from dhc.analysis.coach import RULES, marks, read_rules
from dhc.analysis.confusion import confusion_matrix
from dhc.analysis.importance import importance
from dhc.analysis.pictures import JudgedPictures, judged_pictures
from dhc.analysis.reading import read
from dhc.analysis.sureness import fit_temperature, sureness
from dhc.runs.contract import Environment
from dhc.runs.predictions import read_predictions
from dhc.runs.store import RunInfo, Store

STORE = Store(Path(__file__).parents[1] / "runs")
# The coach's rules, and where accuracy and confidence lie more than 0.1 apart: + too sure, - not sure enough.
FIRES: dict[str, tuple[tuple[str, ...], str]] = {
    "20261124-035327-knn-a114": ((), "+"),  # of five neighbours three or more seldom agree by chance alone
    "20261124-035327-cnn3-linear-dd40": (("overfitting",), "+"),  # no dropout: val_loss rises from epoch 3 on
    "20261124-035327-cnn3-04e6": (("overfitting",), "+"),  # likewise from epoch 6 on
    "20261124-035327-cnn3-dropout-7127": (
        (),
        "+",
    ),  # too sure, without the epochs of rising val_loss that a rule asks for
    "20261124-035327-cnn5-5d52": (("still-learning",), ""),  # best in its last epoch, val_loss falling
    "20261124-035327-cnn7-59f3": ((), ""),
    "20261124-035327-vgg16-e7df": ((), ""),
    "20261124-035327-vgg16-71c3": ((), ""),
    "20261124-035327-vgg16-4e99": (("still-learning",), "-"),  # best in its last epoch; trained with label smoothing
    "20261124-042501-vgg16-747c": (("rate-drops",), ""),  # a plateau that drops four times is to be looked at
}
# The ladder tries few values of each, together with the network: no sweep. Its smallest width and no dropout stand with its best network.
EDGES = {"model.conv_dropout": 0.0, "model.width": 0.25}


def runs() -> list[RunInfo]:
    found = STORE.runs()
    assert {info.id for info in found} >= set(FIRES)
    return [info for info in found if info.id in FIRES]


def sign(difference: float) -> str:
    return "" if abs(difference) < 0.1 else "+" if difference > 0 else "-"


def test_what_fires_on_the_examples_is_on_the_list() -> None:
    rules = read_rules(RULES.read_text(encoding="utf-8"))
    fires = {}
    for info in runs():
        assert info.config is not None
        predictions = read_predictions(info.folder)
        case = Case(STORE.history(info.id), info.config, len(predictions.classes))
        marked = tuple(mark.rule for mark in marks(case, rules))
        fires[info.id] = (marked, sign(sureness(predictions).overconfidence))
    assert fires == FIRES


def test_a_temperature_points_where_the_confidence_does() -> None:
    for info in runs():
        predictions = read_predictions(info.folder)
        fit = fit_temperature(predictions)
        assert fit is not None
        assert 0.7 < fit.value < (4 if info.config is not None and not info.config.trains_network else 1.6), info.id
        if sign(fit.before.overconfidence):
            assert (fit.value > 1) == (fit.before.overconfidence > 0), info.id


def test_the_edges_of_the_ladder_are_on_the_list() -> None:
    def pictures_of(info: RunInfo) -> JudgedPictures:
        assert info.config is not None
        return judged_pictures(info.config, Environment.of(info.folder))

    reading = read(runs(), pictures_of)
    assert {one.name: one.edge.value for one in reading.settings if one.edge is not None} == EDGES
    assert reading.worth is None, "nobody drew them"
    assert "so far 10 have" in importance(reading.trials).reason


@pytest.mark.parametrize("run_id", ["20261124-035327-vgg16-4e99", "20261124-035327-knn-a114"])
def test_of_ten_pictures_a_class_val_says_little_of_most(run_id: str) -> None:
    predictions = read_predictions(STORE.runs_dir / run_id)
    matrix = confusion_matrix(predictions.y_true, predictions.predicted, len(predictions.classes))
    assert 0.75 < len(weakness.uncertain_classes(matrix, 96)) / 96 < 1
    assert weakness.families(matrix)
