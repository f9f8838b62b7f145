"""Predict as AppTest runs it, with the real helper: a zip, two runs of different classes, what is unlike training, a changed network."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from archives import edge_network, zip_of
from make_run import make_run
from screens import address, click, open_page, page_links, sent, texts

from dhc.data.decode import load_pictures
from dhc.data.layout import open_dataset
from dhc.data.picture import encode_png
from dhc.runs import rundir
from dhc.runs.contract import PictureSet, UsedPictures
from dhc.runs.features import Features, network_stamp, write_features
from dhc.ui.predict import asking
from dhc.ui.shell import session

pytestmark = [pytest.mark.slow, pytest.mark.pages]

EIGHT, THREE = "20261126-100000-cnn3-000a", "20261126-100000-cnn3-000b"
BLOTS = np.kron(np.random.default_rng(0).integers(0, 2, (16, 16, 1)), np.full((4, 4, 3), 255)).astype(np.uint8)


@pytest.fixture
def runs(
    tmp_path: Path, eight_classes: Path, tiny_data: Path, forked: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """Two runs, of eight classes and of three, with a network each; their helper."""
    for run_id, data, classes in ((EIGHT, eight_classes, 8), (THREE, tiny_data, 3)):
        folder = make_run(tmp_path / "runs", data, run_id=run_id, epochs=2, settings={"model.name": "cnn3-dropout"})
        (folder / rundir.BEST).write_bytes(edge_network(classes))
    monkeypatch.setenv("DHC_RUNS_DIR", str(tmp_path / "runs"))
    monkeypatch.setenv("DHC_DATA_DIR", str(eight_classes.parent))
    yield tmp_path / "runs"
    session.helper().close()


def keep_features(folder: Path, data: Path) -> None:
    """What the run's network makes of its val and training pictures, as `features` keeps it, asked of the helper."""
    dataset = open_dataset(data)
    made = {}
    for split in ("train", "val"):
        x = np.asarray(load_pictures(dataset, split).x)
        made[split] = session.helper().ask("classify", {"x": x}, folder=str(folder)).arrays
    train = load_pictures(dataset, "train")
    assert train.y is not None
    files = PictureSet(files=train.ids.tolist(), labels=train.y.tolist())
    UsedPictures(classes=list(dataset.classes), train=files).write(folder)
    chances = made["train"]["probabilities"]
    values = made["val"]["features"], made["train"]["features"], np.arange(len(train.ids)), train.y, chances
    write_features(folder, Features(*values, 2, network_stamp(folder)))


def test_a_zip_is_answered_page_by_page_beside_a_run_of_other_classes_and_what_is_unlike_is_said(
    runs: Path, eight_classes: Path
) -> None:
    val = np.asarray(load_pictures(open_dataset(eight_classes), "val").x[:69])
    members = {f"pictures/{number:02d}.png": encode_png(x) for number, x in enumerate(val)}
    members |= {"blots.png": encode_png(BLOTS), "broken.png": b"no picture", "read.me": b"hello", "train.csv": b"a,b"}
    at = open_page("predict", run=EIGHT, **{"with": THREE})
    assert "once their features are made" in texts(at)
    at.get("file_uploader")[0].upload("pictures.zip", zip_of(members), "application/zip").run()
    assert not at.exception
    assert "70 pictures; click on one" in texts(at)
    assert "“broken.png”: it is not a picture" in texts(at)
    assert "1 file that is neither pictures nor tables; 1 table or text" in texts(at)
    (tiles,) = [grid["tiles"] for grid in sent(at, "gallery")]
    assert len(tiles) == 60
    sureness = [int(tile["caption"].split("\n")[1].strip("<>%")) for tile in tiles]
    assert sureness == sorted(sureness)
    table = at.dataframe[0].value
    assert len(table) == 70
    assert sum(name.startswith("class") for name in table.columns) == 2

    at.toggle(key="dhc_predict_mirror").set_value(True).run()
    assert "70 pictures, each with its mirror image; click on one" in texts(at)
    columns = at.dataframe[0].value.columns[1:]
    assert len(columns) == len([name for name in columns if " with mirror image · " in name]) == 4, "none is calibrated"
    at.toggle(key="dhc_predict_mirror").set_value(False).run()

    keep_features(runs / EIGHT, eight_classes)
    pid = session.helper().pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    at.run()
    assert "unlike the training pictures; click on one" in texts(at)
    at.segmented_control(key="dhc_predict_order").set_value("unlike").run()
    (tiles,) = [grid["tiles"] for grid in sent(at, "gallery")]
    place = next(place for place, tile in enumerate(tiles) if tile["tooltip"].startswith("blots.png"))
    assert tiles[place]["caption"].endswith(", unlike")
    assert not tiles[-1]["caption"].endswith(", unlike")
    click(at, "dhc_predict_grid", place)
    assert re.search(r"farther from the nearest of them than (19\d|200) of 200 val pictures are", texts(at))
    assert "the class it decided for" in texts(at)
    assert page_links(at)["Its feature maps"].endswith("view=maps&yours=1")
    network = open_page("network", run=EIGHT, view="maps", yours="1")
    assert "Back to the val pictures" not in [button.label for button in network.button], "of another session"
    network.session_state["dhc_yours"] = at.session_state["dhc_yours"]
    network.run()
    assert not network.exception
    assert "blots.png" in texts(network)
    network.button(key="dhc_network_val").click().run()
    assert address(network, "yours") is None
    assert "blots.png" not in texts(network)
    assert "is none of them" in texts(at)
    assert "once their features are made" in texts(at), "of the other run"

    parts = asking._parts(session.run(EIGHT), np.repeat(val[:1], asking.PART + 1, axis=0), mirror=False)
    next(parts)
    (runs / EIGHT / "new.keras").write_bytes(edge_network(8))
    (runs / EIGHT / "new.keras").replace(runs / EIGHT / rundir.BEST)
    with pytest.raises(asking.ReplacedError):  # upon which the page asks the new one about all
        next(parts)
    (runs / EIGHT / rundir.BEST).write_bytes((runs / THREE / rundir.BEST).read_bytes())
    at.run()
    assert "tells 3 classes apart, but the run has 8" in texts(at)
    assert "Something of ours" not in texts(at)
