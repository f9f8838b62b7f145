"""One picture's way through the epochs: the record, its sentence and its figure."""

from __future__ import annotations

import numpy as np
import pytest

from dhc.analysis.trajectory import Trajectory, trajectory_of
from dhc.figures.trajectory import LANES, lane_classes, lanes
from dhc.runs.records import Predictions
from dhc.ui.answers.picture import trajectory_sentence


def predictions(y_true: int, *after_each_epoch: int) -> Predictions:
    y_pred = np.array(after_each_epoch)[:, None]
    return Predictions(
        ids=np.array(["a.png"]),
        y_true=np.array([y_true]),
        y_pred=y_pred,
        best_epoch=len(y_pred),
        probabilities=np.full((1, 10), 0.1, np.float32),
        classes=tuple(f"class {c}" for c in range(10)),
    )


@pytest.mark.parametrize(
    ("after_each_epoch", "right", "first_right", "settled"),
    [((3, 1, 1), 2, 2, 2), ((1, 1, 1), 3, 1, 1), ((2, 3, 2), 0, None, 3), ((1, 2, 1), 2, 1, 3), ((5,), 0, None, 1)],
)
def test_a_trajectory_counts_right_epochs_and_knows_since_when_it_is_settled(
    after_each_epoch: tuple[int, ...], right: int, first_right: int | None, settled: int
) -> None:
    assert trajectory_of(predictions(1, *after_each_epoch), 0) == Trajectory(
        predicted=after_each_epoch,
        true=1,
        best_epoch=len(after_each_epoch),
        right_count=right,
        first_right_epoch=first_right,
        settled_epoch=settled,
    )


@pytest.mark.parametrize(
    ("after_each_epoch", "sentence"),
    [
        ((1, 1), "Right after every one of 2 epochs."),
        ((1,), "Right after every one of 1 epoch."),
        ((3, 1, 1), "Right after 2 of 3 epochs, first after epoch 2; class 1 from epoch 2 on."),
        ((1, 2, 4), "Right after 1 of 3 epochs, first after epoch 1; class 4 only after the last one."),
        ((2, 2), "Never right in 2 epochs; class 2 from epoch 1 on."),
    ],
)
def test_a_trajectory_is_told_in_one_sentence(after_each_epoch: tuple[int, ...], sentence: str) -> None:
    record = predictions(1, *after_each_epoch)
    assert trajectory_sentence(trajectory_of(record, 0), record.classes) == sentence


def test_the_true_class_has_the_first_lane_and_the_others_follow_by_frequency() -> None:
    assert lane_classes(trajectory_of(predictions(1, 5, 4, 4, 5, 4, 1), 0)) == [1, 4, 5]
    assert lane_classes(trajectory_of(predictions(9, 2), 0)) == [9, 2], "also where it was never right"


def test_each_epoch_has_one_mark_in_the_lane_of_its_class() -> None:
    record = predictions(1, 5, 4, 4, 1)
    marks = lanes(trajectory_of(record, 0), record.classes).data[0]
    z = np.asarray(marks.z, dtype=np.float64)
    assert np.isfinite(z).sum(axis=0).tolist() == [1, 1, 1, 1]
    assert np.nan_to_num(z, nan=-1).argmax(axis=0).tolist() == [2, 1, 1, 0]
    assert z[0, 3] == 1
    assert np.nansum(z) == 1


def test_more_classes_than_lanes_share_the_last_one() -> None:
    record = predictions(1, 2, 3, 4, 5, 6, 7, 1)
    figure = lanes(trajectory_of(record, 0), record.classes)
    assert list(figure.layout.yaxis.ticktext) == ["class 1", "class 2", "class 3", "class 4", "3 other classes"]
    assert len(figure.data[0].z) == LANES


def test_names_are_shown_letter_for_letter() -> None:
    record = predictions(1, 0)
    figure = lanes(trajectory_of(record, 0), ("<b>x</b>", "<img src=x>", *record.classes[2:]))
    assert list(figure.layout.yaxis.ticktext) == ["&lt;img src=x&gt;", "&lt;b&gt;x&lt;/b&gt;"]
    assert "<b>" not in figure.data[0].hovertext[1][0]
