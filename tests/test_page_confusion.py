"""The Confusion screen, run without a browser on run folders with real pictures."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from folders import write_folder
from make_run import make_run
from screens import address, click, open_page, page_links, sent, texts
from sklearn.metrics import classification_report, confusion_matrix
from streamlit.testing.v1 import AppTest

from dhc.analysis.confusion import class_order, confused_pairs
from dhc.analysis.mistakes import outcomes, select_rows
from dhc.runs.predictions import read_predictions
from dhc.runs.records import Predictions
from dhc.ui.answers.matrix import MatrixView, matrix_figure

pytestmark = pytest.mark.pages

RUN, PERFECT = "20261123-100000-vgg16-000a", "20261123-100000-vgg16-000b"
MATRIX, PAIRS, PICTURES = "dhc_confusion_matrix", "dhc_confusion_pairs", "dhc_confusion_pictures"


@pytest.fixture(scope="module")
def all_runs(tmp_path_factory: pytest.TempPathFactory, eight_classes: Path) -> Path:
    runs = tmp_path_factory.mktemp("runs")
    make_run(runs, eight_classes, run_id=RUN, accuracy=0.6, epochs=5, best_epoch=4)
    make_run(runs, eight_classes, run_id=PERFECT, accuracy=1.0)
    return runs


@pytest.fixture
def runs(all_runs: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DHC_RUNS_DIR", str(all_runs))
    return all_runs


@pytest.fixture
def predictions(runs: Path) -> Predictions:
    return read_predictions(runs / RUN)


@pytest.fixture
def counts(predictions: Predictions) -> np.ndarray:
    return confusion_matrix(predictions.y_true, predictions.predicted, labels=range(len(predictions.classes)))


def at_cell(i: int, j: int) -> dict[str, Any]:
    return {"curve": 0, "x": "p", "y": "t", "z": None, "point": [0, 0], "customdata": [int(i), int(j)]}


def shown_files(at: AppTest) -> list[str]:
    return [tile["tooltip"].split(":")[0] for grid in sent(at, "gallery") for tile in grid["tiles"]]


def outlined(at: AppTest) -> list[tuple[float, float]]:
    """(row, column) as drawn of the cell that the matrix outlines."""
    shapes = json.loads(sent(at, "plot")[0]["figure"])["layout"].get("shapes", [])
    return [(s["y0"] + 0.5, s["x0"] + 0.5) for s in shapes if s.get("name") == "selected"]


def test_a_click_on_a_filled_cell_shows_exactly_its_pictures_and_is_in_the_address(
    predictions: Predictions, counts: np.ndarray
) -> None:
    i, j = (int(c) for c in np.argwhere((counts > 1) & ~np.eye(8, dtype=bool))[0])
    at = click(open_page("confusion", run=RUN), MATRIX, at_cell(i, j))
    rows = select_rows(outcomes(predictions), true=i, predicted=j)
    assert len(rows) == counts[i, j]
    assert shown_files(at) == rows["id"].tolist()
    assert address(at, "cell") == f"{i},{j}"
    assert address(at, "run") == RUN
    assert outlined(at) == [(i, j)]
    assert f"**{predictions.classes[i]}** taken for **{predictions.classes[j]}**" in texts(at)
    assert f"{counts[i, j]} of {counts[i].sum()} (" in texts(at)


def test_a_click_on_an_empty_cell_shows_that_it_is_empty(predictions: Predictions, counts: np.ndarray) -> None:
    i, j = (int(c) for c in np.argwhere(counts == 0)[0])
    at = click(open_page("confusion", run=RUN), MATRIX, at_cell(i, j))
    assert shown_files(at) == []
    assert "No val picture is in this cell" in texts(at)
    assert outlined(at) == [(i, j)]


def test_a_cell_of_the_diagonal_shows_what_was_recognised(predictions: Predictions, counts: np.ndarray) -> None:
    at = open_page("confusion", run=RUN, cell="2,2")
    assert len(shown_files(at)) == counts[2, 2]
    assert f"**{predictions.classes[2]}** recognised" in texts(at)


def test_a_click_on_a_pair_does_the_same_as_a_click_on_its_cell(predictions: Predictions, counts: np.ndarray) -> None:
    pair = confused_pairs(counts, predictions.classes).iloc[2]
    by_pair = click(open_page("confusion", run=RUN), PAIRS, 2)
    by_cell = click(open_page("confusion", run=RUN), MATRIX, at_cell(pair["i"], pair["j"]))
    assert address(by_pair, "cell") == f"{pair['i']},{pair['j']}"
    assert shown_files(by_pair) == shown_files(by_cell) != []
    assert outlined(by_pair) == outlined(by_cell) == [(pair["i"], pair["j"])]
    assert sent(by_pair, "ranking")[0]["selected"] == sent(by_cell, "ranking")[0]["selected"] == 2


def test_the_list_ranks_every_confused_pair_with_its_share(predictions: Predictions, counts: np.ndarray) -> None:
    items = sent(open_page("confusion", run=RUN), "ranking")[0]["items"]
    pairs = confused_pairs(counts, predictions.classes)
    assert [(x["from"], x["to"], x["count"]) for x in items] == [
        (t, q, str(n)) for t, q, n in zip(pairs["true"], pairs["predicted"], pairs["count"], strict=True)
    ]
    assert items[0]["fraction"] == 1.0


def test_a_cell_in_the_address_is_restored(predictions: Predictions, counts: np.ndarray) -> None:
    at = open_page("confusion", run=RUN, cell="1,1", order="frequency", colour="true", diagonal="hide")
    place = np.flatnonzero(class_order(counts, "frequency") == 1)[0]
    assert outlined(at) == [(place, place)]
    assert len(shown_files(at)) == counts[1, 1]
    assert [at.get_by_key(f"dhc_confusion_{name}").value for name in ("colour", "order", "diagonal")] == [
        "true",
        "frequency",
        True,
    ]


@pytest.mark.parametrize(
    "cell", ["", "1", "a,b", "8,0", "0,-1", "1,2,3", "٣,٣", "1.0,2", "9" * 50 + ",0", "<b>,0", " 1,2"]
)
def test_a_cell_that_makes_no_sense_counts_as_none(predictions: Predictions, cell: str) -> None:
    at = open_page("confusion", run=RUN, cell=cell, order="size", colour="red", diagonal="no", picture="999")
    assert not at.error
    assert outlined(at) == []
    assert "Click a cell of the matrix" in texts(at)


@pytest.mark.parametrize("spot", [None, [], [1], [8, 0], [0, -1], ["1", "2"], [1, 2, 3], {"0": 1}])
def test_a_click_that_names_no_cell_is_passed_over(predictions: Predictions, spot: object) -> None:
    at = click(open_page("confusion", run=RUN), MATRIX, {"customdata": spot})
    assert not at.error
    assert address(at, "cell") is None


def test_the_figure_holds_the_counts_in_the_chosen_order_and_hides_the_diagonal(
    predictions: Predictions, counts: np.ndarray
) -> None:
    figure = matrix_figure(predictions, MatrixView("counts", "similarity", diagonal=False), None)
    cells = figure.data[0]
    spots = np.asarray(cells.customdata).reshape(-1, 2)
    squared = np.square(np.nan_to_num(np.asarray(cells.z, dtype=np.float64))).ravel()
    expected = counts - np.diag(np.diag(counts))
    assert np.allclose(squared, expected[spots[:, 0], spots[:, 1]], atol=1e-5)


def test_the_zoom_is_kept_by_a_click_and_forgotten_by_another_order(predictions: Predictions) -> None:
    looks = [
        MatrixView("counts", "label", True),
        MatrixView("true", "label", False),
        MatrixView("counts", "frequency", True),
    ]
    revisions = [
        matrix_figure(predictions, look, cell).layout.uirevision
        for look, cell in zip(looks, (None, (1, 2), None), strict=True)
    ]
    assert revisions[0] == revisions[1] != revisions[2]


def test_the_controls_write_the_address(predictions: Predictions) -> None:
    at = open_page("confusion", run=RUN, cell="1,2")
    at.get_by_key("dhc_confusion_order").set_value("frequency").run()
    at.get_by_key("dhc_confusion_colour").set_value("pred").run()
    at.toggle(key="dhc_confusion_diagonal").set_value(True).run()
    assert [address(at, name) for name in ("order", "colour", "diagonal", "cell")] == [
        "frequency",
        "pred",
        "hide",
        "1,2",
    ]
    at.toggle(key="dhc_confusion_diagonal").set_value(False).run()
    assert address(at, "diagonal") is None


def test_the_other_way_round_goes_to_the_mirrored_cell(predictions: Predictions) -> None:
    at = open_page("confusion", run=RUN, cell="1,2")
    at.button(key="dhc_confusion_swap").click().run()
    assert address(at, "cell") == "2,1"
    assert outlined(at) == [(2, 1)]


def test_a_picture_of_the_cell_opens_large_among_those_of_the_cell(
    predictions: Predictions, counts: np.ndarray
) -> None:
    i, j = (int(c) for c in np.argwhere((counts > 1) & ~np.eye(8, dtype=bool))[0])
    at = click(open_page("confusion", run=RUN, cell=f"{i},{j}"), PICTURES, 1)
    rows = select_rows(outcomes(predictions), true=i, predicted=j)
    assert address(at, "picture") == str(rows["index"].iloc[1])
    assert f"2 of {len(rows)} listed" in texts(at)
    assert ":red[taken for]" in texts(at)


def test_the_cell_and_its_class_lead_to_their_mistakes(predictions: Predictions) -> None:
    wrong = page_links(open_page("confusion", run=RUN, cell="1,2"))["Open in Mistakes"]
    right = page_links(open_page("confusion", run=RUN, cell="3,3"))["Open in Mistakes"]
    assert dict(x.split("=") for x in wrong.split("&")) == {"run": RUN, "true": "1", "pred": "2"}
    assert dict(x.split("=") for x in right.split("&")) == {"run": RUN, "true": "3", "pred": "3", "show": "all"}
    at = open_page("confusion", run=RUN)
    at.session_state["dhc_scores_table"] = {"selection": {"rows": [4], "columns": [], "cells": []}}
    links = page_links(at.run())
    assert "true=4" in links["What it was taken for"]
    assert "pred=4" in links["What was taken for it"]


def test_the_table_and_its_averages_equal_those_of_scikit_learn(predictions: Predictions) -> None:
    at = open_page("confusion", run=RUN)
    theirs = classification_report(
        predictions.y_true, predictions.predicted, target_names=predictions.classes, output_dict=True, zero_division=0
    )
    ours = at.dataframe[0].value.set_index("class")
    assert list(ours.index) == list(predictions.classes)
    for name in predictions.classes:
        assert ours.loc[name].to_dict() == pytest.approx(theirs[name])
    assert [metric.value for metric in at.metric] == [
        f"{value:.3f}"
        for value in (
            theirs["accuracy"],
            theirs["macro avg"]["precision"],
            theirs["macro avg"]["recall"],
            theirs["macro avg"]["f1-score"],
            theirs["weighted avg"]["f1-score"],
        )
    ]


def test_the_report_as_text_is_letter_for_letter_that_of_scikit_learn(predictions: Predictions) -> None:
    theirs = classification_report(
        predictions.y_true, predictions.predicted, target_names=predictions.classes, zero_division=0
    )
    assert open_page("confusion", run=RUN).code[0].value.strip("\n") == theirs.strip("\n")


def test_a_perfect_run_has_no_pairs_and_its_diagonal_can_be_clicked(runs: Path) -> None:
    at = open_page("confusion", run=PERFECT, cell="0,0")
    assert "No two classes are confused" in texts(at)
    assert not sent(at, "ranking")
    assert len(shown_files(at)) > 0


def test_without_the_data_set_matrix_pairs_and_report_still_stand(
    tmp_path: Path, eight_classes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved = shutil.copytree(eight_classes, tmp_path / "moved")
    make_run(tmp_path / "runs", moved, run_id=RUN, accuracy=0.5)
    shutil.rmtree(moved)
    monkeypatch.setenv("DHC_RUNS_DIR", str(tmp_path / "runs"))
    at = click(open_page("confusion", run=RUN), PAIRS, 0)
    assert "Everything else on this page still holds." in texts(at)
    assert len(shown_files(at)) > 0
    assert len(at.dataframe) == 1
    assert not at.error


def test_while_the_run_trains_a_better_epoch_is_offered_and_shown_on_request(
    tmp_path: Path, eight_classes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_run(
        tmp_path / "a", eight_classes, run_id=RUN, epochs=3, accuracy=0.4, how="running", settings={"fit.epochs": 9}
    )
    later = make_run(
        tmp_path / "b", eight_classes, run_id=RUN, epochs=5, accuracy=0.7, how="running", settings={"fit.epochs": 9}
    )
    monkeypatch.setenv("DHC_RUNS_DIR", str(tmp_path / "a"))
    at = open_page("confusion", run=RUN)
    assert "answers of epoch 3" in texts(at)
    assert at.metric[0].value == "0.400"
    for name in ("predictions.npz", "events.jsonl"):
        shutil.copy(later / name, tmp_path / "a" / RUN / name)
    at.run()  # AppTest runs no fragment alone: a whole run shows the new epoch at once
    assert "answers of epoch 5" in texts(at)
    assert at.metric[0].value == "0.700"


def test_cells_of_96_classes_can_be_clicked_one_after_the_other(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path_factory.mktemp("large")
    names = [f"class {number}" for number in range(96)]
    write_folder(root / "data", {"train": names * 2, "val": (names * 11)[:1000]})
    make_run(root / "runs", root / "data", run_id=RUN, accuracy=0.5, epochs=20)
    monkeypatch.setenv("DHC_RUNS_DIR", str(root / "runs"))
    at = open_page("confusion", run=RUN)
    for cell in ((1, 1), (2, 3), (4, 4)):
        click(at, MATRIX, at_cell(*cell))
        assert address(at, "cell") == "{},{}".format(*cell)
