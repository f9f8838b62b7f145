"""One choice of classes for Data, Mistakes and Confusion, run without a browser."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from make_run import make_run
from screens import address, open_page, page_links, sent, texts

from dhc.data.layout import open_dataset
from dhc.runs.predictions import read_predictions
from dhc.runs.records import Predictions

pytestmark = pytest.mark.pages

RUN, OTHER = "20261123-100000-vgg16-000a", "20261123-100000-vgg16-000b"


@pytest.fixture(scope="module")
def all_runs(tmp_path_factory: pytest.TempPathFactory, eight_classes: Path) -> Path:
    runs = tmp_path_factory.mktemp("runs")
    for run in (RUN, OTHER):
        make_run(runs, eight_classes, run_id=run, accuracy=0.5, epochs=4, best_epoch=3)
    return runs


@pytest.fixture
def predictions(all_runs: Path, eight_classes: Path, monkeypatch: pytest.MonkeyPatch) -> Predictions:
    monkeypatch.setenv("DHC_RUNS_DIR", str(all_runs))
    monkeypatch.setenv("DHC_DATA_DIR", str(eight_classes.parent))
    return read_predictions(all_runs / RUN)


def test_the_choice_narrows_mistakes_matrix_pairs_and_pictures_and_links_carry_it(
    predictions: Predictions, eight_classes: Path
) -> None:
    names = [predictions.classes[c] for c in (5, 2)]
    chosen = ",".join(names)
    wrong = predictions.predicted != predictions.y_true
    touched = np.isin(predictions.y_true, (2, 5)) | np.isin(predictions.predicted, (2, 5))
    at = open_page("mistakes", run=RUN, classes=chosen)
    assert f"**{int((wrong & touched).sum())}** match" in texts(at)
    assert page_links(at)["Confusion"].count("classes=") == page_links(at)["Data"].count("classes=") == 1
    assert "classes" not in page_links(at)["Live"]

    at = open_page("confusion", run=RUN, classes=chosen)
    assert set(sent(at, "film")[0]["reels"][0]["order"]) == {2, 5}
    assert all({item["from"], item["to"]} & set(names) for item in sent(at, "ranking")[0]["items"])
    at.button(key="dhc_chosen_clear").click().run()
    assert address(at, "classes") is None
    assert len(sent(at, "film")[0]["reels"][0]["order"]) == 8

    at = open_page("data", data=eight_classes.name, split="val", classes=chosen)
    val = open_dataset(eight_classes).splits["val"]
    assert val.y is not None
    assert f"{np.isin(val.y, (2, 5)).sum()} of {len(val.files)} val pictures" in texts(at)


def test_a_single_class_is_drawn_with_those_that_it_is_confused_with(predictions: Predictions) -> None:
    at = open_page("confusion", run=RUN, classes=predictions.classes[0])
    pairs = predictions.y_true, predictions.predicted
    partners = {int(b) for a, b in zip(*pairs, strict=True) if a == 0} | {
        int(a) for a, b in zip(*pairs, strict=True) if b == 0
    }
    assert set(sent(at, "film")[0]["reels"][0]["order"]) == partners | {0}


def test_an_epoch_stays_with_its_run_and_a_class_that_nobody_knows_is_passed_over(predictions: Predictions) -> None:
    at = open_page("mistakes", run=RUN, epoch="2", classes=f"nobody,{predictions.classes[1]}")
    assert not at.error
    links = page_links(at)
    assert "epoch=2" in links["Confusion"]
    at.selectbox(key="dhc_pick_run").set_value(OTHER).run()
    assert address(at, "classes") == f"nobody,{predictions.classes[1]}"
