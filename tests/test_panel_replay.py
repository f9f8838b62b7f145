"""The replay panel, run without a browser: sliders, sentence, the way into the Train form, runs that it cannot show."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from make_run import make_run
from screens import open_code, sent, texts

pytestmark = pytest.mark.pages

PAGE = """
from dhc.ui.shell import session
from dhc.ui.runs.compare import replay
from dhc.ui.shell.frame import frame
frame("Runs", ":material/table_rows:")
replay.draw(session.store().runs())
"""
FIRST, SECOND = "20260101-000000-vgg16-0001", "20260101-000001-vgg16-0002"


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_data: Path) -> Path:
    monkeypatch.setenv("DHC_RUNS_DIR", str(tmp_path / "runs"))
    monkeypatch.setenv("DHC_DATA_DIR", str(tiny_data.parent))
    return tmp_path / "runs"


def test_less_patience_changes_the_sentence_and_the_figure_and_goes_into_the_form(
    runs: Path, tiny_data: Path, tmp_path: Path
) -> None:
    make_run(runs, tiny_data, epochs=8, best_epoch=3, run_id=FIRST, settings={"model.width": 0.25})
    app = open_code(tmp_path, PAGE)
    assert not app.exception
    assert "would never have dropped, as in the run" in texts(app)
    assert "Exact to the end" in texts(app)
    assert app.button(key="dhc_replay_train").disabled
    app.slider(key=f"dhc_replay_{FIRST}_patience").set_value(2).run()  # 9 pictures: epoch 2 is as good as 3
    assert (
        "With patience 2 and factor 0.8 the learning rate would have dropped after epochs 4 and 6, to 0.00064"
        in texts(app)
    )
    assert "Exact up to epoch 4" in texts(app)
    (drawn,) = sent(app, "plot")
    assert "only indicative" in json.dumps(drawn["figure"])
    app.button(key="dhc_replay_train").click().run()
    assert not app.exception
    assert app.session_state["dhc_parent"] == FIRST
    assert app.number_input(key="dhc_form_schedule.patience").value == 2
    assert app.number_input(key="dhc_form_model.width").value == 0.25


def test_of_several_runs_one_is_picked_and_those_without_a_schedule_are_not_offered(
    runs: Path, tiny_data: Path, tmp_path: Path
) -> None:
    make_run(runs, tiny_data, run_id=FIRST)
    make_run(runs, tiny_data, run_id=SECOND, accuracy=1.0, settings={"schedule.name": "cosine"})
    make_run(runs, tiny_data, run_id="20260101-000002-knn-0003", epochs=1, settings={"model.name": "knn"})
    app = open_code(tmp_path, PAGE)
    assert not app.exception
    assert app.selectbox(key="dhc_replay_run").options == ["schedule cosine", "schedule plateau"]
    assert "This run's schedule was cosine" in texts(app)
    assert "1 selected run left out" in texts(app)
    app.selectbox(key="dhc_replay_run").set_value(FIRST).run()
    assert app.query_params["replay_run"] in (FIRST, [FIRST])
    assert "schedule was" not in texts(app)


def test_without_such_a_run_the_panel_says_what_it_needs(runs: Path, tiny_data: Path, tmp_path: Path) -> None:
    make_run(runs, tiny_data, run_id="20260101-000002-knn-0003", epochs=1, settings={"model.name": "knn"})
    app = open_code(tmp_path, PAGE)
    assert not app.exception
    assert "Choose a run of a network with a finished epoch" in texts(app)
