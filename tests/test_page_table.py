"""The Runs page's table: its filter, its order, its columns and its selection stand in the address."""

from __future__ import annotations

from pathlib import Path

import pytest
from make_run import make_run
from screens import address, open_page, texts
from streamlit.testing.v1 import AppTest

from dhc.runs.labels import change_labels

pytestmark = pytest.mark.pages

A, B, C = (f"20260101-00000{n}-vgg16-000{n}" for n in (1, 2, 3))


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


def test_all_runs_newest_first_with_the_settings_that_differ(runs: Path) -> None:
    app = open_page("runs")
    assert shown(app) == [C, B, "Alpha"]
    table = app.dataframe[0].value
    assert list(table["schedule.factor"]) == ["0.7", "0.6", "0.5"]
    assert "model.width" not in table
    assert list(table["★"]) == ["", "", "★"]
    assert [len(curve) for curve in table["val_accuracy by epoch"]] == [6, 6, 6]
    assert "3 runs, 0 selected" in texts(app)


def test_the_address_filters_orders_and_chooses_columns(runs: Path) -> None:
    assert shown(open_page("runs", q="factor=0.6")) == [B]
    assert shown(open_page("runs", star="1")) == ["Alpha"]
    assert shown(open_page("runs", tag="t%2C1")) == ["Alpha"]
    app = open_page("runs", columns="run,fit.seed,model.width")
    assert list(app.dataframe[0].value) == ["run", "model.width", "fit.seed"]
    empty = open_page("runs", q="nothing like that")
    assert "No run passes this filter." in texts(empty)


def test_a_widget_writes_the_address(runs: Path) -> None:
    app = open_page("runs")
    app.get_by_key("dhc_runs_q").set_value("alpha").run()
    assert address(app, "q") == "alpha"
    assert shown(app) == ["Alpha"]
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
