"""The screens with a run of nearest neighbours: Live shows its table, Train says what it costs, the others take it as any run."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from screens import open_page, page_links, texts

from dhc.config import KnnConfig, RunConfig
from dhc.runs import rundir
from dhc.runs.contract import Process, write_exit
from dhc.runs.identity import identify
from dhc.runs.rundir import RunWriter
from dhc.runs.store import Store
from dhc.training.knn import classify_and_evaluate
from dhc.ui.live.knn import read_table, table_caption, table_markdown

pytestmark = pytest.mark.pages

RUN = "20260101-000000-knn-0001"


@pytest.fixture
def knn_run(tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A knn run as the real thing writes it, ended as its process ends it."""
    monkeypatch.setenv("DHC_RUNS_DIR", str(tmp_path))
    monkeypatch.setenv("DHC_DATA_DIR", str(tiny_data.parent))
    folder = tmp_path / RUN
    folder.mkdir()
    config = RunConfig().with_values({"model.name": "knn", "knn.k": 4, "data.path": str(tiny_data)})
    rundir.write_json(folder / rundir.CONFIG, config.model_dump())
    rundir.write_json(folder / rundir.REQUEST, {"queued_at": 1.0, "device": "cpu"})
    classify_and_evaluate(config, folder)
    write_exit(folder, "finished", "all pictures compared", code=0)
    return folder


@pytest.mark.parametrize("page", ["data", "train", "live", "runs", "mistakes", "confusion", "ladder"])
def test_every_page_takes_a_knn_run(knn_run: Path, page: str) -> None:
    app = open_page(page, run=RUN)
    assert not app.exception
    assert not app.error


def test_live_shows_the_table_with_the_chosen_cell_marked(knn_run: Path) -> None:
    app = open_page("live", run=RUN)
    table = read_table(Store(knn_run.parent).run(RUN))
    shown = [block.value for block in app.markdown if "k = 11" in block.value]
    assert shown == [table_markdown(table, KnnConfig(k=4))]
    assert f":violet-background[**{table['euclidean'][4]:.3f}**]" in shown[0]
    assert "Finished: all pictures compared." in texts(app)
    assert "/epoch" not in texts(app)
    assert {"Mistakes", "Confusion"} <= set(page_links(app))
    metrics = {metric.label: metric.value for metric in app.metric}
    assert metrics["Metric"] == "euclidean"
    assert "Learning rate" not in metrics


def test_live_tells_how_far_the_comparison_is(knn_run: Path) -> None:
    for name in (rundir.EVENTS, rundir.EXIT, rundir.SUMMARY):
        (knn_run / name).unlink()
    Process(child=identify(os.getpid()), host=socket.gethostname()).write(knn_run)
    with RunWriter(knn_run) as writer:
        writer.phase("neighbours")
        writer.event("progress", phase="neighbours", done=30, total=120)
    app = open_page("live", run=RUN)
    bars = [element.proto for element in app.get("progress")]
    assert [(bar.value, bar.text) for bar in bars] == [(25, "Comparing with the training pictures …")]
    assert "before it has any answers" in texts(app)


def test_train_says_what_comparing_costs_and_draws_no_learning_rate(knn_run: Path) -> None:
    app = open_page("train")
    app.selectbox(key="dhc_form_model.name").set_value("knn").run()
    assert not app.exception
    assert not app.error
    metrics = {metric.label: metric.value for metric in app.metric}
    assert metrics["Comparisons"] == f"{24 * 9:,}"
    assert "Parameters" not in metrics
    assert "nearest training pictures by euclidean distance vote" in texts(app)
    assert not [element for element in app.get("bidi_component") if "planned_rates" in str(element.proto)]
    assert any(button.label.startswith("Start") for button in app.button)


def test_train_refuses_more_neighbours_than_pictures(knn_run: Path) -> None:
    app = open_page("train")
    app.selectbox(key="dhc_form_model.name").set_value("knn").run()
    app.number_input(key="dhc_form_knn.k").set_value(25).run()
    assert "Neighbours k: 1 to 24, the number of training pictures" in texts(app)
    assert all(button.disabled for button in app.button if button.label.startswith("Start"))


def test_the_highest_cell_is_named_and_damaged_ones_are_passed_over(knn_run: Path) -> None:
    table = {"euclidean": {3: 0.2, 5: 0.4}, "cosine": {5: 0.4}}
    assert table_caption(table, KnnConfig(k=3)).endswith("Highest: euclidean with k = 5, 0.400.")
    assert table_markdown(table, KnnConfig(k=3)).splitlines()[-1] == "| cosine |  | 0.400 |"
    damaged = {"euclidean": {"3": "x", "five": 0.5, "6": 0.25}, "cosine": 7, "<b>": {"3": 1.0}}
    rundir.write_json(knn_run / rundir.SUMMARY, {"epochs": 1, "knn": damaged})
    assert read_table(Store(knn_run.parent).run(RUN)) == {"euclidean": {6: 0.25}}
