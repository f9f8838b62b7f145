"""The data map, run without a browser, on run folders made by hand; and its command."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from make_run import make_run, write_training
from screens import address, click, open_page, sent, texts
from streamlit.testing.v1 import AppTest

from dhc.analysis.dynamics import DataMap, data_map
from dhc.cli import cli
from dhc.config import RunConfig
from dhc.runs import rundir
from dhc.runs.dynamics import read_dynamics
from dhc.ui.map import dynamics as screen

pytestmark = pytest.mark.pages

ID = "20260101-000000-vgg16-0001"


@pytest.fixture
def runs(tmp_path: Path, eight_classes: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of one run of six epochs, which has followed its 160 training pictures."""
    runs = tmp_path / "runs"
    monkeypatch.setenv("DHC_RUNS_DIR", str(runs))
    monkeypatch.setenv("DHC_DATA_DIR", str(eight_classes.parent))
    write_training(make_run(runs, eight_classes, run_id=ID), eight_classes)
    return runs


def open_view(**words: str) -> AppTest:
    at = open_page("map", run=ID, view="training", **words)
    assert not at.exception
    return at


def rows_drawn(at: AppTest) -> list[list[int]]:
    """The rows of the points of the map: those that are faint, those of the list."""
    figure = json.loads(sent(at, "plot")[0]["figure"])
    points = [trace for trace in figure["data"] if trace["uid"] in ("others", "shown")]
    return [np.frombuffer(base64.b64decode(trace["customdata"]["bdata"]), np.int32).tolist() for trace in points]


def summary_of(runs: Path) -> DataMap:
    dynamics = read_dynamics(runs / ID)
    assert dynamics is not None
    return data_map(dynamics)


def captions(at: AppTest) -> list[str]:
    return [tile["caption"] for tile in sent(at, "gallery")[0]["tiles"]]


def test_each_list_is_marked_on_the_map_and_opens_its_pictures_the_most_telling_first(runs: Path) -> None:
    figures = summary_of(runs)
    at = open_view()
    others, shown = rows_drawn(at)
    assert shown == figures.region("hard").tolist()
    assert sorted([*others, *shown]) == list(range(160))
    assert captions(at)[0].endswith(f"p {figures.confidence.min():.2f}")
    at.query_params["part"] = "2"
    (control,) = [one for one in at.segmented_control if one.key == screen.KEY + "list"]
    control.set_value("forgotten").run()
    assert (address(at, "corner"), address(at, "part")) == ("forgotten", None)
    assert rows_drawn(at)[1] == figures.most_forgotten().tolist()
    assert captions(at)[0].endswith(f"{figures.forgotten.max()} times")
    at = open_view(corner="aum", shade="class", part="3")
    lowest = figures.lowest_aum()[2 * screen.PAGE_SIZE :]
    assert [one.rpartition("AUM ")[2] for one in captions(at)] == [
        f"{figures.aum[row]:.1f}" for row in lowest[: screen.PAGE_SIZE]
    ]


def test_a_click_on_a_point_or_a_picture_opens_it_large_with_its_way_through_the_epochs(runs: Path) -> None:
    at = click(open_view(), screen.KEY + "map", {"curve": 0, "customdata": 17})
    assert address(at, "train") == "17"
    dynamics = read_dynamics(runs / ID)
    assert dynamics is not None
    said, curve = texts(at), sent(at, "plot")[-1]
    assert f"AUM **{dynamics.margin[:, 17].mean():.2f}**" in said
    assert curve["alt"].endswith(f"from {dynamics.p[0, 17]:.2f} to {dynamics.p[-1, 17]:.2f}")
    assert "train_images/" in said
    at = click(open_view(corner="easy"), screen.KEY + "grid", 1)
    assert address(at, "train") == str(data_map(dynamics).region("easy")[1])
    assert "2 of 53 listed" in texts(at)


def test_damaged_epochs_lost_pictures_and_strange_addresses_are_said_in_a_sentence(runs: Path) -> None:
    (runs / ID / rundir.DYNAMICS / "epoch-00002.npy").write_bytes(b"torn")
    at = open_view(train="160", corner="all", part="99")
    assert "epochs 1 to 6, 5 of them; left out: 1 damaged epoch" in texts(at)
    assert (address(at, "train"), address(at, "corner"), address(at, "part")) == (None, None, None)
    (runs / ID / rundir.PICTURES).unlink()
    assert "does not name the 160 training pictures" in texts(at.run())


def test_that_labels_were_dealt_is_said(runs: Path) -> None:
    assert "those that were dealt" not in texts(open_view())
    file = runs / ID / rundir.CONFIG
    values = json.loads(file.read_text(encoding="utf-8"))
    values["data"]["shuffle_labels"] = True
    file.write_text(json.dumps(values), encoding="utf-8")
    assert "those that were dealt" in texts(open_view())


def test_without_a_record_it_says_why_and_offers_the_next_step(runs: Path, eight_classes: Path) -> None:
    for path in (runs / ID / rundir.DYNAMICS).iterdir():
        path.unlink()
    at = open_view()
    assert "did not follow its training pictures" in texts(at)
    (step,) = [one for one in at.button if one.label == "Train a copy"]
    step.click().run()
    assert not at.exception
    assert at.title[0].value.endswith("Train")
    config = RunConfig().with_values({"data.path": str(eight_classes), "model.name": "knn"})
    rundir.write_json(runs / ID / rundir.CONFIG, config.model_dump())
    assert "Nearest neighbours are not trained epoch by epoch" in texts(open_view())


def test_the_command_says_the_same_as_text_json_and_csv(runs: Path, tmp_path: Path) -> None:
    def invoke(*words: str) -> Any:
        return CliRunner().invoke(cli, ["dynamics", ID, "--runs", str(runs), *words])

    out = tmp_path / "training.csv"
    text, summary = invoke("--csv", str(out)).output, json.loads(invoke("--json").output)
    assert text.startswith("160 training pictures in 6 epochs, 1 to 6\n")
    assert summary["never_learned"] == len(summary_of(runs).unlearned()) > 20
    first = summary["pictures_of"]["lowest_aum"][0]
    assert f"{first['file']}  {first['class']}: confidence {first['confidence']:.2f}" in text
    lines = out.read_text(encoding="utf-8-sig").splitlines()
    assert (len(lines), lines[0].split(",")[2:4]) == (161, ["confidence", "variability"])
    assert "already exists: choose another file, or --force" in str(invoke("--csv", str(out)).exception)
    assert json.loads(invoke("--json", "--until", "2").output)["epochs"] == [1, 2]
    for path in (runs / ID / rundir.DYNAMICS).iterdir():
        path.unlink()
    assert "fit.watch_pictures off" in str(invoke().exception)
