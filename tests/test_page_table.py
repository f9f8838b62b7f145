"""The Runs page's table: its filter, its order, its columns and its selection stand in the address."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from make_run import make_run
from screens import address, open_page, sent, texts
from streamlit.testing.v1 import AppTest

from dhc.data.layout import open_dataset
from dhc.runs import rundir
from dhc.runs.labels import change_labels
from dhc.runs.views import read_views
from dhc.ui.runs.filters import moved
from dhc.ui.runs.table import GOTO

pytestmark = pytest.mark.pages

A, B, C, D = (f"20260101-00000{n}-vgg16-000{n}" for n in (1, 2, 3, 4))

MAIN = ["model.conv_dropout", "model.dense_dropout", "schedule.factor", "schedule.patience", "fit.epochs"]


@pytest.fixture
def runs(tmp_path: Path, tiny_data: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "runs"
    for number, run_id in enumerate((A, B, C)):
        settings = {"schedule.factor": 0.5 + number / 10}
        make_run(folder, tiny_data, run_id=run_id, accuracy=0.3 + number / 10, settings=settings)
    change_labels(folder / A, name="Alpha", star=True, tags=["t,1"])
    change_labels(folder / B, name=B)
    change_labels(folder / C, name=C)
    monkeypatch.setenv("DHC_RUNS_DIR", str(folder))
    monkeypatch.setenv("DHC_DATA_DIR", str(tiny_data.parent))
    return folder


def shown(app: AppTest) -> list[str]:
    assert not app.exception
    return list(app.dataframe[0].value["run"])


def configs(app: AppTest) -> dict[str, Any]:
    """How the table's columns are drawn, by name."""
    return json.loads(app.dataframe[0].proto.columns)  # type: ignore[no-any-return]


def test_results_come_first_then_the_main_hyperparameters_then_what_differs(runs: Path) -> None:
    app = open_page("runs")
    assert shown(app) == [C, B, "★ Alpha"]
    table = app.dataframe[0].value
    assert list(table)[:9] == ["run", "status", "best val_accuracy", "val_accuracy by epoch", *MAIN]
    assert list(table["schedule.factor"]) == [0.7, 0.6, 0.5], "numbers, so that a click on the heading sorts them"
    assert "model.width" not in table
    assert list(table["status"]) == ["✓ finished"] * 3
    assert [len(curve) for curve in table["val_accuracy by epoch"]] == [6, 6, 6]
    assert "3 runs, 0 selected" in texts(app)
    columns = configs(app)
    assert [columns[name]["label"] for name in MAIN] == ["Dropout", "Output dropout", "LR factor", "Patience", "Epochs"]
    assert "`model.conv_dropout`" in columns["model.conv_dropout"]["help"]
    assert sum(columns[name]["width"] for name in list(table)[:9]) < 1100, "at 1280 pixels without scrolling sideways"


def test_a_run_alone_has_the_main_hyperparameters_and_those_searched_for(runs: Path) -> None:
    table = open_page("runs", q="factor=0.6 width<=1 tag!=x").dataframe[0].value
    assert list(table["run"]) == [B]
    assert {"model.conv_dropout", "schedule.patience", "fit.epochs", "model.width", "tags"} <= set(table)


def test_the_address_filters_orders_and_chooses_columns(runs: Path) -> None:
    assert shown(open_page("runs", q="factor=0.6")) == [B]
    assert shown(open_page("runs", q="factor>=0.6 acc<0.45")) == [B]
    assert shown(open_page("runs", star="1")) == ["★ Alpha"]
    assert shown(open_page("runs", tag="t%2C1")) == ["★ Alpha"]
    app = open_page("runs", columns="fit.seed,data.classes,model.width", pinned="model.width")
    table = app.dataframe[0].value
    assert list(table) == ["run", "model.width", "fit.seed", "data.classes"], (
        "the name opens the run: it is always there"
    )
    assert [name for name, config in configs(app).items() if config.get("pinned")] == ["run", "model.width"]
    assert list(table["data.classes"]) == ["all"] * 3
    empty = open_page("runs", q="nothing like that")
    assert "No run passes this filter." in texts(empty)
    assert sent(empty, "plot") == [], "no axes without a run to draw"
    empty.get_by_key("dhc_runs_all").click().run()
    assert shown(empty) == [C, B, "★ Alpha"]


def test_what_was_not_understood_is_named(runs: Path) -> None:
    app = open_page("runs", q="factor=0.6 epochz>3")
    assert shown(app) == []
    assert "Not understood: **epochz>3** (nothing is called epochz)" in texts(app)
    assert "Not understood" not in texts(open_page("runs", q="alpha factor<1"))


def test_columns_are_moved_one_by_one(runs: Path) -> None:
    app = open_page("runs", columns="run,fit.seed,model.width")
    app.get_by_key("dhc_runs_moved").set_value("model.width").run()
    app.button(key="dhc_runs_moved-1").click().run()
    assert address(app, "columns") == "run,model.width,fit.seed"
    app.button(key="dhc_runs_usual").click().run()
    assert address(app, "columns") is None


@given(st.lists(st.sampled_from("abcdef"), min_size=1, unique=True), st.data())
def test_moving_there_and_back_changes_nothing_but_at_the_ends(columns: list[str], data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(columns))
    right = moved(columns, name, 1)
    assert sorted(right) == sorted(columns)
    assert right.index(name) == min(columns.index(name) + 1, len(columns) - 1)
    if right != columns:
        assert moved(right, name, -1) == columns


def test_a_baseline_has_every_run_beside_it_in_points_and_percent(runs: Path, tiny_data: Path) -> None:
    app = open_page("runs", select=A)
    app.button(key="dhc_baseline").click().run()
    assert address(app, "baseline") == A
    table = app.dataframe[0].value
    assert list(table["run"]) == [C, B, "⚑ ★ Alpha"]
    points, percent = list(table["Δ points"]), list(table["Δ %"])
    best = list(table["best val_accuracy"])
    assert points[:2] == pytest.approx([100 * (value - best[2]) for value in best[:2]])
    assert percent[:2] == pytest.approx([100 * (value / best[2] - 1) for value in best[:2]])
    assert np.isnan(points[2])
    assert "not compared" not in table, "all are on the same pictures"
    assert list(table)[:10] == ["run", "status", "best val_accuracy", "Δ points", "Δ %", *MAIN]
    app.button(key="dhc_no_baseline").click().run()
    assert "Δ points" not in app.dataframe[0].value

    make_run(runs, tiny_data, run_id=D, accuracy=0.9, settings={"data.classes": 2})
    app = open_page("runs", baseline=A, order="best")
    table = app.dataframe[0].value.set_index("run")
    assert list(table["not compared"]) == ["", "", "the baseline", "other pictures"]
    assert np.isnan(table["Δ points"].iloc[3])
    assert [chips[0] for chips in table["pictures"]] == ["tiny"] * 3 + ["tiny, 2 classes"]
    colors = {option["value"]: option["color"] for option in configs(app)["pictures"]["type_config"]["options"]}
    assert colors == {"tiny": "violet", "tiny, 2 classes": "gray"}
    rules = dict(rule.split(" { ")[::-1] for rule in app.dataframe[0].proto.arrow_data.styler.styles.splitlines())
    better, grey = (rules[f"color: {ink} }}"] for ink in ("#0f7a41", "#6b6880"))
    assert [f"row{row}_" in better for row in range(4)] == [True, True, False, False], "the leads of both better runs"
    assert [f"row{row}_" in grey for row in range(4)] == [False] * 3 + [True], "the run on other pictures"
    newest_on_top = open_page("runs", order="best").dataframe[0].value
    assert newest_on_top["best val_accuracy"].iloc[0] == max(newest_on_top["best val_accuracy"])
    assert newest_on_top["pictures"].iloc[0] == ["tiny, 2 classes"]


def test_grey_are_the_runs_that_the_advice_does_not_count(runs: Path, tiny_data: Path) -> None:
    make_run(runs, tiny_data, run_id=D, accuracy=0.9, settings={"data.classes": 2})
    app = open_page("runs")
    assert "Not counted: 1 on other pictures." in texts(app)
    colors = {option["value"]: option["color"] for option in configs(app)["pictures"]["type_config"]["options"]}
    assert colors == {"tiny": "violet", "tiny, 2 classes": "gray"}, "though its run is the newest"


def test_a_queued_run_is_judged_on_what_the_runs_of_its_sweep_are(runs: Path, tiny_data: Path) -> None:
    classes = len(open_dataset(tiny_data).classes)
    begun, queued, elsewhere = (f"20260202-00000{n}-vgg16-000d" for n in range(3))
    for run_id in (begun, queued):
        folder = make_run(runs, tiny_data, run_id=run_id, settings={"data.classes": classes})
        environment = rundir.read_json(folder / rundir.ENVIRONMENT) or {}
        rundir.write_json(folder / rundir.ENVIRONMENT, {**environment, "data_classes": classes})
    for path in (runs / queued).iterdir():
        if path.name not in (rundir.CONFIG, rundir.REQUEST):
            path.unlink()
    make_run(runs, tiny_data, run_id=elsewhere, settings={"data.classes": 2})
    table = open_page("runs").dataframe[0].value
    assert "◷ queued" in list(table["status"])
    assert sorted(chips[0] for chips in table["pictures"]) == ["tiny"] * 5 + ["tiny, 2 classes"]


def test_a_run_of_unreadable_settings_says_nothing_of_other_pictures(runs: Path) -> None:
    (runs / B / "config.json").write_text("{")
    assert "pictures" not in open_page("runs").dataframe[0].value


def test_a_view_is_saved_opened_by_its_address_and_brought_back(runs: Path) -> None:
    app = open_page("runs", q="factor>0.5", columns="run,fit.seed", order="best", select=A)
    app.get_by_key("dhc_view_new_name").set_value("my view").run()
    app.button(key="dhc_view_save").click().run()
    assert read_views(runs) == {"my view": {"q": "factor>0.5", "columns": "run,fit.seed", "order": "best"}}
    assert address(app, "view") == "my view"

    other = open_page("runs", view="my view")
    assert shown(other) == [C, B]
    assert (address(other, "order"), address(other, "q")) == ("best", "factor>0.5")
    other.get_by_key("dhc_view_name").set_value("").run()
    assert shown(other) == [C, B, "★ Alpha"]
    assert address(other, "q") is None
    other.get_by_key("dhc_view_name").set_value("my view").run()
    assert shown(other) == [C, B]
    other.button(key="dhc_view_delete").click().run()
    assert read_views(runs) == {}
    assert shown(other) == [C, B], "what was shown stays"
    other.button(key="dhc_view_undo").click().run()
    assert list(read_views(runs)) == ["my view"]

    changed = open_page("runs", view="my view", q="factor=0.7")
    assert shown(changed) == [C], "what the address says itself counts more"
    gone = open_page("runs", view="nobody's")
    assert shown(gone) == [C, B, "★ Alpha"]
    assert address(gone, "view") is None


def test_the_curves_of_the_listed_runs_are_drawn_while_none_is_selected(runs: Path) -> None:
    (chart,) = sent(open_page("runs"), "plot")
    assert len({trace.get("legendgroup") for trace in json.loads(chart["figure"])["data"]} - {None}) == 3
    (few,) = sent(open_page("runs", q="factor=0.6"), "plot")
    assert len(few["figure"]) < len(chart["figure"])


def test_a_name_opens_its_run_and_two_alike_can_be_told(runs: Path) -> None:
    change_labels(runs / B, name="twin: [x](y)")
    change_labels(runs / C, name="twin: [x](y)")
    app = open_page("runs")
    names = shown(app)
    assert names == ["twin: [x](y), factor 0.7", "twin: [x](y), factor 0.6", "★ Alpha"], "what differs tells them apart"
    change_labels(runs / B, name="")
    change_labels(runs / C, name="")
    assert shown(open_page("runs")) == ["factor 0.7", "factor 0.6", "★ Alpha"], "not what all of them share"
    change_labels(runs / A, name=":material/home: not an icon")
    assert not any(name.startswith(("★ :", ":")) for name in shown(open_page("runs")))


def test_back_from_a_run_that_was_opened_by_its_name_the_runs_are_filtered_and_ordered_as_before(runs: Path) -> None:
    app = open_page("runs", q="factor>0.5", order="best")
    app.session_state[GOTO] = A
    app.run()
    assert app.title[0].value.endswith("Live")
    app.query_params.clear()
    app.query_params["run"] = A  # what the browser's Back finds: Streamlit wrote it over the table's address
    app.switch_page("pages/runs.py").run()
    assert (address(app, "q"), address(app, "order"), address(app, "run")) == ("factor>0.5", "best", A)
    app.query_params.clear()
    app.query_params["run"] = A
    app.run()
    assert address(app, "q") is None, "whoever clears the address has it cleared"


def test_a_widget_writes_the_address(runs: Path) -> None:
    app = open_page("runs")
    app.get_by_key("dhc_runs_q").set_value("alpha").run()
    assert address(app, "q") == "alpha"
    assert shown(app) == ["★ Alpha"]
    app.get_by_key("dhc_runs_order").set_value("best").run()
    assert address(app, "order") == "best"
    app.get_by_key("dhc_runs_order").set_value("newest").run()
    assert address(app, "order") is None


def test_a_hidden_run_stays_selected_and_is_counted(runs: Path) -> None:
    app = open_page("runs", select=f"{A},{B}", q="factor=0.6")
    assert "1 run, 2 selected, 1 of them hidden by the filter" in texts(app)


def test_select_all_and_none(runs: Path) -> None:
    app = open_page("runs")
    app.button(key="dhc_select_all").click().run()
    assert address(app, "select") == f"{C},{B},{A}"
    app.button(key="dhc_select_none").click().run()
    assert address(app, "select") is None


@pytest.mark.parametrize(
    "value", ["../../etc", "<script>", "x" * 5000, ",,,", "20260101-000001-vgg16-ffff", "🦓", f"{A}'"]
)
def test_a_selection_that_names_nothing_selects_nothing(runs: Path, value: str) -> None:
    app = open_page("runs", select=value, order=value, columns=value, state=value, panel=value)
    assert shown(app)
    assert "0 selected" in texts(app)
