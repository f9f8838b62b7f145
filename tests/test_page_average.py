"""*What it looks at here* on Confusion: the mean of a cell's maps, made by a real helper process of a real network."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from make_run import make_run
from networks import plain_network
from screens import address, open_page, texts
from streamlit.testing.v1 import AppTest

from dhc.analysis.confusion import confusion_matrix
from dhc.data.decode import load_pictures
from dhc.data.layout import open_dataset
from dhc.figures.heat import overlay
from dhc.runs import rundir
from dhc.runs.predictions import read_predictions
from dhc.ui.shell import session

pytestmark = [pytest.mark.slow, pytest.mark.pages, pytest.mark.usefixtures("forked")]

RUN = "20261126-100000-cnn3-linear-000a"


@pytest.fixture
def run(tmp_path: Path, tiny_data: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A run with mistakes and a network that never learned anything."""
    from dhc.models.build import network

    config = plain_network(tiny_data)
    settings = {name: config.get(name) for name in ("model.name", "model.width", "model.conv_dropout", "fit.seed")}
    folder = make_run(tmp_path / "runs", tiny_data, run_id=RUN, epochs=2, accuracy=0.4, settings=settings)
    network(config, 3).save(folder / rundir.BEST)
    monkeypatch.setenv("DHC_RUNS_DIR", str(tmp_path / "runs"))
    monkeypatch.setenv("DHC_DATA_DIR", str(tiny_data.parent))
    yield folder
    session.helper().close()


def drawn(at: AppTest) -> dict[str, np.ndarray]:
    """Alternative text → pixels of the maps on the page."""
    found = {}
    for element in at.get("html"):
        for code, alt in re.findall(r'base64,([^"]+)" alt="(Mean [^"]+)"', element.proto.body):
            image = cv2.imdecode(np.frombuffer(base64.b64decode(code), np.uint8), cv2.IMREAD_COLOR)
            assert image is not None
            found[alt] = image[..., ::-1].astype(int)
    return found


def test_a_cells_pictures_have_a_mean_map_for_both_classes_and_another_with_random_weights(
    run: Path, tiny_data: Path
) -> None:
    from dhc.explain.maps import grad_cam
    from dhc.predict.networks import Networks

    predictions = read_predictions(run)
    matrix = confusion_matrix(predictions.y_true, predictions.predicted, 3)
    np.fill_diagonal(matrix, 0)
    true, predicted = divmod(int(matrix.argmax()), 3)
    at = open_page("confusion", run=RUN, cell=f"{true},{predicted}")
    assert not at.exception
    assert not drawn(at)
    at.toggle(key="dhc_average_open").set_value(True).run()
    assert address(at, "maps") == "on"
    found = drawn(at)
    names = [predictions.classes[predicted], predictions.classes[true]]
    assert list(found) == [f"Mean Grad-CAM map for {name}" for name in names]
    rows = np.flatnonzero((predictions.y_true == true) & (predictions.predicted == predicted))
    assert f"Mean of {len(rows)} picture" in texts(at)
    val = load_pictures(open_dataset(tiny_data), "val")
    x = np.asarray(val.x[[val.ids.tolist().index(file) for file in predictions.ids[rows]]])
    heats = grad_cam(Networks().of(run).model, x, np.full(len(x), predicted))
    shares = [heat / heat.max() if heat.any() else heat for heat in heats]
    expected = overlay(np.rint(x.mean(axis=0)).astype(np.uint8), np.mean(shares, axis=0), 0.6)
    assert np.abs(found[f"Mean Grad-CAM map for {names[0]}"] - expected.astype(int)).max() <= 3
    at.toggle(key="dhc_average_random").set_value(True).run()
    at.button_group(key="dhc_average_kind").set_value("occlusion").run()
    assert not at.exception
    assert not at.error, [error.value for error in at.error]
    again = {name: str(address(at, name)) for name in ("maps", "maps_kind", "maps_random")}
    assert again == {"maps": "on", "maps_kind": "occlusion", "maps_random": "on"}
    same = drawn(open_page("confusion", run=RUN, cell=f"{true},{predicted}", **again))
    assert list(same) == [f"Mean Occlusion map for {name}" for name in names]
    for alt, image in drawn(at).items():
        np.testing.assert_array_equal(same[alt], image)
