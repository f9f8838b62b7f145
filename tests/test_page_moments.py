"""Any epoch of a run, and a second run beside it, on Mistakes and Confusion; run without a browser, against scikit-learn."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from make_run import make_run
from screens import address, click, open_page, page_links, sent, texts
from sklearn.metrics import accuracy_score, confusion_matrix, recall_score
from streamlit.testing.v1 import AppTest

from dhc.data.standin.generate import make_dataset
from dhc.runs.predictions import read_predictions
from dhc.runs.records import Predictions

pytestmark = pytest.mark.pages

A, B, FEW, ELSEWHERE = (f"20261123-100000-vgg16-000{letter}" for letter in "abcd")


@pytest.fixture(scope="module")
def all_runs(tmp_path_factory: pytest.TempPathFactory, eight_classes: Path) -> Path:
    root = tmp_path_factory.mktemp("moments")
    make_dataset(root / "other", classes=8, train=16, val=24, test=0, seed=7, processes=1)
    make_run(root / "runs", eight_classes, run_id=A, accuracy=0.6, epochs=5, best_epoch=4, seed=1)
    make_run(root / "runs", eight_classes, run_id=B, accuracy=0.5, epochs=3, best_epoch=3, seed=2)
    make_run(root / "runs", eight_classes, run_id=FEW, accuracy=0.7, epochs=2, settings={"data.classes": 5})
    make_run(root / "runs", root / "other", run_id=ELSEWHERE, accuracy=0.5, epochs=2)
    return root / "runs"


@pytest.fixture
def runs(all_runs: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DHC_RUNS_DIR", str(all_runs))
    return all_runs


def drawn(at: AppTest, place: int = 0) -> np.ndarray:
    """The numbers of a matrix on the page: the colours are their square roots, in the order of the labels."""
    z = json.loads(sent(at, "plot")[place]["figure"])["data"][0]["z"]
    values = np.frombuffer(base64.b64decode(z["bdata"]), "f4").reshape([int(n) for n in z["shape"].split(",")])
    return np.nan_to_num(values.astype(np.float64)) ** 2


def counted(run: Predictions, epoch: int) -> np.ndarray:
    return confusion_matrix(run.y_true, run.y_pred[epoch - 1], labels=range(len(run.classes)))


@pytest.mark.parametrize("epoch", [1, 3])
def test_matrix_report_and_mistakes_are_those_of_the_epoch_in_the_address(runs: Path, epoch: int) -> None:
    run = read_predictions(runs / A)
    at = open_page("confusion", run=A, epoch=str(epoch))
    assert np.allclose(drawn(at), counted(run, epoch), atol=1e-4)
    assert at.metric[0].value == f"{accuracy_score(run.y_true, run.y_pred[epoch - 1]):.3f}"
    assert f"Answers after epoch {epoch}, not the best one" in texts(at)
    assert sent(at, "film")[0]["epoch"] == epoch
    at = open_page("mistakes", run=A, epoch=str(epoch))
    wrong = np.flatnonzero(run.y_pred[epoch - 1] != run.y_true)
    assert f"**{len(wrong)}** of {len(run.ids)}" in texts(at)
    tiles = sent(at, "gallery")[0]["tiles"]
    assert [tile["tooltip"].split(":")[0] for tile in tiles] == run.ids[wrong][:48].tolist()
    assert not any("%" in tile["caption"] for tile in tiles), "nobody stored how sure it was"
    assert "not the best one" in texts(at)


def test_a_slider_that_comes_to_rest_is_in_the_address_and_the_best_epoch_is_not(runs: Path) -> None:
    for screen in ("confusion", "mistakes"):
        at = open_page(screen, run=A)
        assert "not the best" not in texts(at)
        at.session_state["dhc_moment"] = {"epoch": 2}
        at.run()
        assert address(at, "epoch") == "2"
        at.session_state["dhc_moment"] = {"epoch": 4}
        at.run()
        assert address(at, "epoch") is None
        for nonsense in (0, 6, "2", None):
            at.session_state["dhc_moment"] = {"epoch": nonsense}
            at.run()
            assert not at.exception
            assert address(at, "epoch") is None


def test_an_epoch_that_a_run_does_not_have_counts_as_none(runs: Path) -> None:
    at = open_page("confusion", run=A, epoch="6")
    assert not at.error
    assert "not the best" not in texts(at)
    assert sent(at, "film")[0]["epoch"] == 4


def test_the_large_picture_of_another_epoch_says_which_and_claims_no_certainty(runs: Path) -> None:
    at = open_page("mistakes", run=A, epoch="1", picture="0")
    assert "nan" not in texts(at)
    assert "after epoch 4, the only one whose probabilities are stored" in texts(at)
    assert "the answer above is that of epoch 1" in texts(at)


def test_the_curves_are_scikit_learns_recall_of_the_classes_of_cell_choice_and_list(runs: Path) -> None:
    run = read_predictions(runs / A)
    at = open_page("confusion", run=A, cell="2,5", curves=run.classes[7], classes=",".join(run.classes[:2]))
    figure = json.loads(sent(at, "plot")[1]["figure"])
    recall = np.stack([recall_score(run.y_true, row, labels=range(8), average=None) for row in run.y_pred])
    expected = {"mean of all classes": recall.mean(axis=1)} | {run.classes[c]: recall[:, c] for c in (2, 5, 7, 0, 1)}
    curves = {
        curve["name"]: np.frombuffer(base64.b64decode(curve["y"]["bdata"]), "f4") for curve in figure["data"][:-1]
    }
    assert list(curves) == list(expected)
    for name, values in expected.items():
        assert curves[name] == pytest.approx(values, abs=1e-6)
    assert [shape["x0"] for shape in figure["layout"]["shapes"] if shape["name"] == "best"] == [4]
    assert figure["data"][-1]["uid"] == "best"
    assert figure["data"][-1]["y"] == pytest.approx([recall[3].mean()])


def test_two_matrices_stand_side_by_side_on_the_same_pictures_colours_and_order(runs: Path) -> None:
    a, b = read_predictions(runs / A), read_predictions(runs / B)
    at = open_page("confusion", run=A, versus=B, order="frequency")
    figures = [json.loads(plot["figure"]) for plot in sent(at, "plot")[:2]]
    place = [a.classes.index(name) for name in figures[0]["data"][0]["x"]]
    assert figures[0]["data"][0]["x"] == figures[1]["data"][0]["x"]
    assert figures[0]["data"][0]["zmax"] == figures[1]["data"][0]["zmax"]
    assert figures[0]["layout"]["meta"]["cells"]["link"] == figures[1]["layout"]["meta"]["cells"]["link"] != ""
    for number, run, epoch in ((0, a, 4), (1, b, 3)):
        assert np.allclose(drawn(at, number), counted(run, epoch)[np.ix_(place, place)], atol=1e-4)
    at = open_page("confusion", run=A, versus=B, epoch="2")
    assert np.allclose(drawn(at, 1), counted(b, 2), atol=1e-4)

    i, j = (int(c) for c in np.argwhere((counted(b, 3) > 0) & ~np.eye(8, dtype=bool))[0])
    at = click(open_page("confusion", run=A, versus=B), "dhc_confusion_matrix_b", {"customdata": [i, j]})
    tiles = {tile["tooltip"].split(":")[0] for tile in sent(at, "gallery")[0]["tiles"]}
    in_cell = (a.y_true == i) & ((a.predicted == j) | (b.predicted == j))
    assert tiles == set(a.ids[in_cell].tolist())
    assert f"B: {counted(b, 3)[i, j]} of" in texts(at)


@pytest.mark.parametrize("show", ["fixed", "broken", "same", "different"])
def test_mistakes_of_two_runs_are_told_apart_with_both_answers_on_the_tile(runs: Path, show: str) -> None:
    a, b = read_predictions(runs / A), read_predictions(runs / B)
    table = pd.DataFrame(
        {"a": a.predicted == a.y_true, "b": b.predicted == b.y_true, "alike": a.predicted == b.predicted}
    )
    expected = {
        "fixed": ~table.a & table.b,
        "broken": table.a & ~table.b,
        "same": ~table.a & ~table.b & table.alike,
        "different": ~table.a & ~table.b & ~table.alike,
    }[show]
    at = open_page("mistakes", run=A, versus=B, show=show)
    assert f"**{int(expected.sum())}** match" in texts(at)
    tiles = sent(at, "gallery")[0]["tiles"]
    assert {tile["tooltip"].split(":")[0] for tile in tiles} <= set(a.ids[expected].tolist())
    first = tiles[0]["caption"].splitlines()
    assert first[1].startswith("A ✓" if show == "broken" else "A →")
    assert first[2].startswith("B ✓" if show == "fixed" else "B →")


def test_runs_with_fewer_classes_are_compared_on_what_they_share(runs: Path) -> None:
    few = read_predictions(runs / FEW)
    for one, other in ((A, FEW), (FEW, A)):
        at = open_page("mistakes", run=one, versus=other, show="all")
        assert not at.exception
        assert f"On the {len(few.ids)} val pictures that A and B share" in texts(at)


def test_runs_on_other_pictures_are_refused_in_a_sentence_and_one_click_leads_on(runs: Path) -> None:
    for screen in ("confusion", "mistakes"):
        at = open_page(screen, run=A, versus=ELSEWHERE)
        (error,) = at.error
        assert "judged on different pictures" in error.value
        at.button(key="dhc_versus_none").click().run()
        assert not at.error
        assert address(at, "versus") is None


def test_the_other_run_and_the_epoch_are_carried_to_the_other_screen_of_the_same_run(runs: Path) -> None:
    at = open_page("confusion", run=A, versus=B, epoch="2", cell="1,2")
    for label in ("Mistakes", "Open in Mistakes"):
        link = page_links(at)[label]
        assert f"versus={B}" in link
        assert "epoch=2" in link
    at.selectbox(key="dhc_versus").set_value(None).run()
    assert address(at, "versus") is None
