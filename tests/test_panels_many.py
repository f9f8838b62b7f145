"""The panels of many runs, without a browser: curves, differences, settings against results; what stands in the address."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from make_run import make_run
from screens import address, sent, texts
from streamlit.testing.v1 import AppTest

from dhc.runs import rundir

pytestmark = pytest.mark.pages

FACTORS = (0.5, 0.5, 0.8)
IDS = [f"20260101-00000{n}-vgg16-000a" for n in range(3)]
HOSTILE = "<img src=x> ![](http://e.com/a.png) %{x}"


@pytest.fixture
def runs(tmp_path: Path, tiny_data: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three runs: two repeats of one setting, and one of another factor; the first one has a hostile name."""
    for number, factor in enumerate(FACTORS):
        settings = {"schedule.factor": factor, "fit.seed": number % 2}
        result = {"accuracy": (5 + number) / 9, "best_epoch": 3}
        make_run(tmp_path / "runs", tiny_data, run_id=IDS[number], epochs=4, settings=settings, seed=number, **result)
    rundir.write_json(tmp_path / "runs" / IDS[0] / rundir.LABELS, {"name": HOSTILE})
    monkeypatch.setenv("DHC_RUNS_DIR", str(tmp_path / "runs"))
    monkeypatch.setenv("DHC_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "runs"


def panel(name: str, /, *, some: str = "[:]", **asked: str) -> AppTest:
    """An app with nothing but that panel, of the store's runs `some`, newest first, opened at that address."""
    code = f"from dhc.ui.shell import session\nfrom dhc.ui.runs.compare import {name}\n{name}.draw(session.store().runs(){some})"
    at = AppTest.from_string(code, default_timeout=30)
    for parameter, value in asked.items():
        at.query_params[parameter] = value
    return clean(at.run())


def clean(at: AppTest) -> AppTest:
    assert not at.exception, at.exception
    assert not at.error, [error.value for error in at.error]
    return at


def traces(at: AppTest) -> list[dict[str, Any]]:
    (chart,) = sent(at, "plot")
    lines: list[dict[str, Any]] = json.loads(chart["figure"])["data"]
    return lines


def break_config(runs: Path, number: int) -> None:
    (runs / IDS[number] / rundir.CONFIG).write_text("{}x")


# Curves


def test_curves_of_all_runs_with_the_names_shown_letter_by_letter(runs: Path) -> None:
    lines = traces(panel("curves"))
    assert {trace["legendgroup"] for trace in lines} == set(IDS)
    assert len(lines) == 3 * 2 * 3, "train, val and a star for each run in each of two charts"
    (legend,) = [trace for trace in lines if trace["showlegend"] and trace["legendgroup"] == IDS[0]]
    assert legend["name"].startswith("&lt;img src=x&gt;")
    assert "<img" not in legend["text"]
    assert "schedule.factor 0.5<br>fit.seed 0" in legend["text"]
    assert HOSTILE[:5] not in legend["hovertemplate"], "a name is no template"


def test_nearest_neighbours_have_no_empty_chart_of_loss(runs: Path, tiny_data: Path) -> None:
    for number in range(2):
        settings = {"model.name": "knn", "knn.k": number + 1}
        folder = make_run(runs, tiny_data, run_id=f"20260101-00001{number}-knn-000a", epochs=1, settings=settings)
        lines = [json.loads(line) for line in (folder / rundir.EVENTS).read_text().splitlines()]
        for line in lines:
            for name in ("loss", "val_loss", "learning_rate", "accuracy"):
                line.pop(name, None)
        (folder / rundir.EVENTS).write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    at = panel("curves", some="[:2]")
    assert {trace["meta"] for trace in traces(at)} == {"accuracy"}
    assert "No chart of loss: none of these runs has one." in texts(at)
    assert {trace["meta"] for trace in traces(panel("curves"))} == {"accuracy", "loss"}


def test_what_is_chosen_for_the_curves_stands_in_the_address(runs: Path) -> None:
    at = panel("curves")
    at.segmented_control(key="dhc_curves_splits").set_value("val").run()
    at.segmented_control(key="dhc_curves_against").set_value("pictures").run()
    at.slider(key="dhc_curves_smooth").set_value(60).run()
    at.selectbox(key="dhc_curves_color").set_value("schedule.factor").run()
    at.toggle(key="dhc_curves_log").set_value(True).run()
    at.button_group(key="dhc_curves_metrics").set_value(["loss", "learning_rate"]).run()
    clean(at)
    names = ("splits", "x", "smooth", "color", "log", "show")
    values = {name: address(at, f"curves_{name}") for name in names}
    assert list(values.values()) == ["val", "pictures", "60", "schedule.factor", "on", "loss,learning_rate"]
    again = panel("curves", **{f"curves_{name}": str(value) for name, value in values.items()})
    assert traces(again) == traces(at)
    assert {trace["meta"] for trace in traces(again)} == {"loss", "learning_rate"}


def test_runs_are_listed_by_what_colours_them(runs: Path) -> None:
    names = [trace["name"] for trace in traces(panel("curves", curves_color="best")) if trace["showlegend"]]
    assert [name.split(" ")[0] for name in names] == ["0.778", "0.667", "0.556"]


@pytest.mark.parametrize("text", ["x", "-1", "1e9", "loss;drop", "\u202e", "0.5"])
def test_a_senseless_address_counts_as_none(runs: Path, text: str) -> None:
    names = ("show", "x", "splits", "smooth", "color", "log")
    assert traces(panel("curves", **{f"curves_{name}": text for name in names})) == traces(panel("curves"))
    panel("settings", settings_view=text, settings_name=text, settings_result=text, settings_run=text)
    panel("differences", differences_base=text, differences_all=text)


def test_runs_without_epochs_or_settings_do_not_hide_the_others(runs: Path) -> None:
    (runs / IDS[1] / rundir.EVENTS).unlink()
    break_config(runs, 2)
    at = panel("curves")
    assert {trace["legendgroup"] for trace in traces(at)} == {IDS[0], IDS[2]}
    assert "1 selected run without a finished epoch" in texts(at)
    assert traces(panel("curves", some="[1:2]")) == traces(panel("curves", some="[:0]")) == []


# Differences


def table(at: AppTest, number: int = 0) -> dict[str, list[str]]:
    """Title → the cells after the dotted name, of the panel's table of that number."""
    frame = at.dataframe[number].value
    return {row[0]: list(row[2:]) for row in frame.itertuples(index=False)}


def test_only_what_differs_is_shown_against_the_best_run(runs: Path) -> None:
    at = panel("differences")
    assert list(at.dataframe[0].value.columns[2:]) == [IDS[2], IDS[1], IDS[0]]
    rows = table(at)
    assert rows["LR factor"] == ["0.8", "▼ 0.5", "▼ 0.5"]
    assert rows["Seed"] == ["0", "▲ 1", "0"]
    assert rows["Best val_accuracy"] == ["0.778", "▼ 0.667", "▼ 0.556"]
    assert "Epochs" not in rows
    assert "device, versions and pictures are the same" in texts(at)


def test_another_baseline_and_equal_rows_at_a_click(runs: Path) -> None:
    at = panel("differences")
    at.selectbox(key="dhc_differences_base").set_value(IDS[0]).run()
    clean(at.toggle(key="dhc_differences_all").set_value(True).run())
    assert table(at)["LR factor"] == ["0.5", "▲ 0.8", "0.5"]
    assert table(at)["Epochs"] == ["4", "4", "4"]
    assert (address(at, "differences_base"), address(at, "differences_all")) == (IDS[0], "on")


def test_other_pictures_and_versions_are_told(runs: Path) -> None:
    environment = {"device": "GPU", "versions": {"keras": "3.16"}, "data_fingerprint": "other"}
    rundir.write_json(runs / IDS[1] / rundir.ENVIRONMENT, environment)
    at = panel("differences")
    assert table(at, 1)["keras version"] == ["–", "≠ 3.16", "–"]
    assert "pictures differ" in texts(at)


def test_a_run_without_settings_is_left_out_of_the_table_and_said(runs: Path) -> None:
    break_config(runs, 1)
    at = panel("differences")
    assert list(at.dataframe[0].value.columns[2:]) == [IDS[2], IDS[0]]
    assert "1 selected run left out" in texts(at)
    assert "settings of the selected runs cannot be read" in texts(panel("differences", some="[1:2]"))


# Settings against results


def test_the_scatter_begins_with_the_most_prominent_setting_and_a_click_tells_of_the_run(runs: Path) -> None:
    at = panel("settings")
    dots, means = traces(at)
    assert set(dots["customdata"]) == set(IDS)
    assert means["text"] == ["mean of 2 seeds"]
    at.session_state["dhc_settings_scatter"] = {"click": {"customdata": IDS[0]}}
    clean(at.run())
    assert address(at, "settings_run") == IDS[0]
    assert "<img src=x>" in texts(at)
    assert "schedule.factor 0.5" in texts(at).replace("*", "")


@pytest.mark.parametrize(("view", "result"), [("one", "seconds"), ("all", "gap"), ("factor", "val_accuracy")])
def test_every_view_is_reached_by_its_controls_and_by_its_address(runs: Path, view: str, result: str) -> None:
    at = panel("settings")
    at.segmented_control(key="dhc_settings_result").set_value(result).run()
    clean(at.segmented_control(key="dhc_settings_view").set_value(view).run())
    again = panel("settings", settings_view=view, settings_result=result)
    assert traces(again) == traces(at)


def test_the_lr_factor_is_told_as_on_the_ladder(runs: Path) -> None:
    assert "Highest on average: **0.8** with 0.778" in texts(panel("settings", settings_view="factor"))
    assert "No two of the selected runs" in texts(panel("settings", some="[1:]", settings_view="factor"))


def test_runs_that_do_not_differ_or_cannot_be_read_are_said(runs: Path) -> None:
    assert "all have the same settings" in texts(panel("settings", some="[:1]"))
    break_config(runs, 1)
    assert "1 selected run left out" in texts(panel("settings"))
    for number in (0, 2):
        break_config(runs, number)
    assert "settings of the selected runs cannot be read" in texts(panel("settings"))
