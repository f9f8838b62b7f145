"""The Train page through AppTest: its address, marks, forecast, name, long runs, and a house without pictures."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from make_run import make_run
from processes import wait_until
from screens import address, open_page, page_links, texts
from streamlit.testing.v1 import AppTest

from dhc.config import RunConfig, fields
from dhc.config.titles import names_in
from dhc.jobs import datasets, launch
from dhc.runs import rundir
from dhc.runs.store import RunInfo, Store
from dhc.ui.shell.errand import ERRAND
from dhc.ui.train import draft, expectation, link

pytestmark = pytest.mark.pages

RUN = "20260101-000000-vgg16-0001"


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Empty folders of runs and data sets; workers are not started, so what is queued stays queued."""
    runs, data = tmp_path / "runs", tmp_path / "data"
    runs.mkdir()
    data.mkdir()
    monkeypatch.setenv("DHC_RUNS_DIR", str(runs))
    monkeypatch.setenv("DHC_DATA_DIR", str(data))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(launch, "start_worker", lambda runs_dir, device: None)
    return runs, data


@pytest.fixture
def furnished(house: tuple[Path, Path], tiny_data: Path) -> Path:
    """The folder of runs, beside a data set "tiny" and with one run made on it."""
    runs, data = house
    shutil.copytree(tiny_data, data / "tiny")
    make_run(runs, data / "tiny", run_id=RUN, settings={"schedule.factor": 0.25, "model.width": 0.25})
    return runs


def number(at: AppTest, name: str, value: float | None) -> AppTest:
    return at.number_input(key=f"dhc_form_{name}").set_value(value).run()


def choose(at: AppTest, name: str, value: str) -> AppTest:
    return at.selectbox(key=f"dhc_form_{name}").set_value(value).run()


def press(at: AppTest, label: str) -> AppTest:
    return next(button for button in at.button if button.label == label).click().run()


def start_button(at: AppTest) -> Any:
    words = ("Start training", "Start comparing", "Queue", "Make pictures", "Start 1 run", "Start 2 runs")
    return next(button for button in at.button if button.label.startswith(words))


def value(at: AppTest, name: str) -> Any:
    return at.session_state[draft.VALUES][name]


def parameters(at: AppTest) -> dict[str, str]:
    """The form's part of the page's address."""
    return {name: text for name in link.PARAMETERS if (text := address(at, name)) is not None}


def toasts(at: AppTest) -> str:
    return " ".join(toast.value for toast in at.toast).replace("\\", "")


def newest(runs: Path) -> RunInfo:
    return max(Store(runs).runs(), key=lambda info: info.id)


# --- the address ------------------------------------------------------------------------------------------------------


def test_every_setting_has_a_parameter_of_its_own() -> None:
    assert len(set(link.PARAMETERS)) == len(link.PARAMETERS)
    assert not {"run", "present", "view"} & set(link.PARAMETERS)


def test_what_differs_stands_in_the_address_and_a_new_tab_has_it(furnished: Path) -> None:
    at = open_page("train")
    assert parameters(at) == {}
    number(at, "schedule.factor", 0.33)
    choose(at, "optimizer.name", "adamw")
    at.toggle(key="dhc_form_data.skip_bad").set_value(True).run()
    assert parameters(at) == {"factor": "0.33", "optimizer": "adamw", "skip_bad": "on"}
    other = open_page("train", **parameters(at))
    assert [value(other, name) for name in ("schedule.factor", "optimizer.name", "data.skip_bad")] == [
        0.33,
        "adamw",
        True,
    ]
    assert parameters(other) == parameters(at)
    number(at, "schedule.factor", 0.5)
    assert "factor" not in parameters(at), "as in the preset again"
    at.button(key="dhc_preset_report").click().run()
    assert parameters(at) == {"preset": "report"}


def test_a_step_back_brings_the_values_of_that_address_back_and_a_visit_elsewhere_loses_nothing(
    furnished: Path,
) -> None:
    at = number(open_page("train"), "fit.epochs", 7)
    number(at, "fit.epochs", 8)
    at.query_params["epochs"] = "7"
    assert value(at.run(), "fit.epochs") == 7
    del at.query_params["epochs"]
    assert value(at.run(), "fit.epochs") == 10
    number(at, "fit.epochs", 9)
    at.switch_page("pages/runs.py").run()
    assert "epochs=9" in page_links(at)["Train"]
    at.query_params.clear()
    at.switch_page("pages/train.py").run()
    assert value(at, "fit.epochs") == 9


def test_a_click_that_still_has_the_old_address_starts_what_the_form_shows(furnished: Path) -> None:
    at = number(open_page("train"), "fit.epochs", 3)
    del at.query_params["epochs"]  # the browser has not heard of the new address yet
    start_button(at).click().run()
    config = newest(furnished).config
    assert config is not None
    assert config.fit.epochs == 3


def test_a_runs_settings_can_be_sent_with_changes(furnished: Path) -> None:
    at = open_page("train", run=RUN)
    press(at, "Like the chosen run")
    number(at, "fit.seed", 4)
    assert parameters(at) == {"like": RUN, "seed": "4"}
    other = open_page("train", like=RUN, seed="4")
    assert (value(other, "schedule.factor"), value(other, "fit.seed")) == (0.25, 4)
    start_button(other).click().run()
    assert newest(furnished).parent == RUN


@pytest.mark.parametrize(
    "bad",
    [
        {"factor": "7"},
        {"factor": "nan"},
        {"epochs": "9" * 5000},
        {"epochs": "1e999"},
        {"epochs": ""},
        {"optimizer": "<script>alert(1)</script>"},
        {"data": "/etc"},
        {"data": "//evil/share"},
        {"data": "a\0b"},
        {"device": "gpu:00000000000"},
        {"preset": "no such"},
        {"like": "../../etc/passwd"},
        {"min_lr": "0.5"},
        {"model": "cnn3", "augment": "features"},
        {"vary": "factor,no such"},
        {"vary": "data"},
        {"vary": "factor", "factor": "0.1..0.9 step 0.0001"},
        {"vary": "factor", "repeats": "1000"},
        {"skip_bad": "🦊" * 500},
    ],
)
def test_an_address_that_does_not_fit_is_refused_in_a_sentence(furnished: Path, bad: dict[str, str]) -> None:
    at = open_page("train", **bad, patience="3")
    assert not at.exception
    assert "of ours broke" not in texts(at)
    assert "ignored" in toasts(at)
    assert value(at, "schedule.patience") == 3, "the rest of the address counts"
    assert not set(parameters(at)) >= set(bad)
    for name in ("vary", "patience"):
        bad.pop(name, None)
    values = {field.name: value(at, field.name) for field in fields()}
    assert RunConfig().with_values(values)


def test_a_sweep_stands_in_the_address(furnished: Path) -> None:
    sent = {"vary": "factor,optimizer", "factor": "0.3, 0.5..0.9 step 0.4", "optimizer": "adam, sgd", "repeats": "2"}
    at = open_page("train", **sent, group="mine", median="on", epochs="4")
    assert start_button_of_sweep(at).label == "Start 12 runs"
    assert at.toggle(key="dhc_sweep_hopeless").value is True
    assert at.text_input(key="dhc_sweep_name").value == "mine"
    at.text_input(key="dhc_sweep_schedule.factor").set_value("0.4").run()
    assert parameters(at) == sent | {"factor": "0.4", "group": "mine", "median": "on", "epochs": "4"}
    at.segmented_control(key="dhc_sweep_mode").set_value("One run").run()
    assert parameters(at) == {"epochs": "4"}


def start_button_of_sweep(at: AppTest) -> Any:
    return next(button for button in at.button if re.match(r"Start \d+ run", button.label))


# --- the form ---------------------------------------------------------------------------------------------------------


def test_no_field_says_an_internal_name_or_none_whatever_is_typed(furnished: Path) -> None:
    at = open_page("train")
    at.button(key="dhc_preset_tuned").click().run()
    for widget in at.number_input:
        if str(widget.key).startswith("dhc_form_"):
            widget.set_value(None if "epochs" in str(widget.key) else -1)
    at.run()
    said = texts(at)
    assert said.count(":material/error:") > 15
    assert not names_in(re.sub(r"`[^`]*`", "", said))
    assert "None" not in said
    assert start_button(at).disabled
    assert at.metric[0].value == "35.5 M", "the forecast of the last sound values"


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"data.path": "/no/such/folder"}, "does not exist"),
        ({"device.device": "gpu:77"}, "gpu:77 is not here"),
        ({"device.backend": "torch"}, "torch is not installed here"),
    ],
)
def test_what_this_machine_lacks_is_said_at_its_field_and_the_forecast_stays(
    furnished: Path, settings: dict[str, str], sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    finder = SimpleNamespace(find_spec=lambda package: None if package == "torch" else package)
    monkeypatch.setattr("dhc.machine.hardware.PathFinder", finder)
    other = "20260101-000000-vgg16-0002"
    folder = make_run(furnished, furnished.parent / "data" / "tiny", run_id=other)
    config = RunConfig.from_json((folder / rundir.CONFIG).read_text()).with_values(settings)
    (folder / rundir.CONFIG).write_text(config.to_json())
    at = open_page("train", like=other)
    assert texts(at).count(sentence) == 1
    assert start_button(at).disabled
    assert [metric.label for metric in at.metric] == ["Parameters", "Memory", "Per epoch"]
    at.button(key="dhc_preset_quick").click().run()
    assert not start_button(at).disabled, "a preset has what is here"


def test_more_neighbours_than_pictures_are_refused_at_their_field_and_any_other_number_is_taken(
    furnished: Path,
) -> None:
    at = open_page("train", preset="knn", k="25")
    assert "Neighbours k: 1 to 24, the number of training pictures" in texts(at)
    assert start_button(at).disabled
    number(at, "knn.k", 4)
    assert not start_button(at).disabled
    assert "k = 3, 5, 6, 9 and 11 as in the report" in texts(at)


def test_a_fault_of_a_field_that_is_out_of_sight_does_not_count(furnished: Path) -> None:
    at = number(open_page("train"), "schedule.patience", None)
    assert start_button(at).disabled
    choose(at, "schedule.name", "cosine")
    assert not start_button(at).disabled
    assert "LR factor and patience: only with schedule plateau." in texts(at)


def test_early_stopping_stands_beside_patience_and_unreadable_pictures_keep_their_words(furnished: Path) -> None:
    at = open_page("train")
    keys = [str(widget.key) for widget in at.number_input]
    assert keys.index("dhc_form_fit.early_stopping") < keys.index("dhc_form_data.classes")
    assert at.toggle(key="dhc_form_data.skip_bad").label == "Leave out unreadable pictures"
    assert at.toggle(key="dhc_form_data.skip_bad").proto.wrap


def test_more_classes_than_there_are_is_said_at_the_field(furnished: Path) -> None:
    note = ":material/info: The data set has 3."
    at = open_page("train")
    assert value(at, "data.classes") == 12
    assert note in texts(at)
    assert not start_button(at).disabled
    assert note not in texts(number(at, "data.classes", 3))
    assert note not in texts(number(at, "data.classes", 0))


def test_what_was_changed_is_marked_and_said(furnished: Path) -> None:
    at = open_page("train")
    assert "**Quick demo**, nothing changed." in texts(at)
    assert ":material/edit:" not in texts(at)
    number(at, "model.conv_dropout", 0.2)
    assert "**Quick demo**, changed: dropout 0.1 → 0.2." in texts(at)
    assert ":material/edit: was 0.1" in texts(at)
    icons = {str(button.key): button.proto.icon for button in at.button if str(button.key).startswith("dhc_preset_")}
    assert [key for key, icon in icons.items() if icon] == ["dhc_preset_quick"]
    at = press(open_page("train", run=RUN), "Like the chosen run")
    number(at, "schedule.factor", 0.5)
    assert "**: factor 0.25 → 0.5." in texts(at)
    assert ":material/edit: was 0.25" in texts(at)


def test_a_data_set_is_called_by_its_name(furnished: Path) -> None:
    (box,) = [box for box in open_page("train").selectbox if box.key == "dhc_form_data.path"]
    assert box.options == ["tiny"]


def test_a_speed_has_its_thousands_set_apart() -> None:
    estimate = SimpleNamespace(pictures_per_second=1217.4, source="measured here")
    assert expectation._speed_text(estimate) == "About 1,217 pictures/s, measured here."  # type: ignore[arg-type]


# --- name and note ----------------------------------------------------------------------------------------------------


def test_the_name_follows_the_form_until_a_person_writes_one(furnished: Path) -> None:
    at = press(open_page("train", run=RUN), "Like the chosen run")
    number(at, "schedule.factor", 0.5)
    assert at.text_input(key="dhc_run_name").value == "factor 0.5"
    number(at, "model.conv_dropout", 0.2)
    assert at.text_input(key="dhc_run_name").value == "dropout 0.2, factor 0.5"
    at.text_input(key="dhc_run_name").set_value("my guess").run()
    at.text_area(key="dhc_run_note").set_value("less dropout,\nmore hope").run()
    number(at, "fit.epochs", 3)
    assert at.text_input(key="dhc_run_name").value == "my guess"
    start_button(at).click().run()
    run = newest(furnished)
    assert (run.labels.name, run.labels.note) == ("my guess", "less dropout,\nmore hope")
    at.switch_page("pages/train.py").run()
    assert at.text_input(key="dhc_run_name").value == "dropout 0.2, factor 0.5, epochs 3", "of the next run"
    assert at.text_area(key="dhc_run_note").value == ""


# --- long runs --------------------------------------------------------------------------------------------------------


@pytest.fixture
def slow_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A processor of a thousandth of this one's speed."""
    monkeypatch.setattr(expectation, "_matrix_rate", lambda: 1e8)


@pytest.mark.usefixtures("slow_machine")
def test_a_run_of_many_hours_asks_first_and_offers_cheaper_ways(furnished: Path) -> None:
    at = open_page("train", preset="report")
    (warning,) = at.warning
    assert re.search(r"This run takes about \*\*.*\*\* \(from this CPU's matrix-product rate\)", warning.value)
    start_button(at).click().run()
    assert len(Store(furnished).ids()) == 1, "nothing was started"
    ways = {button.key: button.label for button in at.button if str(button.key).startswith("dhc_dialog_cheaper")}
    assert ways["dhc_dialog_cheaper_model.width"].startswith("Width 0.125: about ")
    at.button(key="dhc_dialog_cheaper_fit.epochs").click().run()
    assert value(at, "fit.epochs") == 10
    assert parameters(at) == {"preset": "report", "epochs": "10"}
    assert "dhc_long_start" not in {button.key for button in at.button}, "the dialog is closed"
    start_button(at).click().run()
    at.button(key="dhc_long_close").click().run()
    assert len(Store(furnished).ids()) == 1
    start_button(at).click().run()
    at.button(key="dhc_long_start").click().run()
    assert len(Store(furnished).ids()) == 2


@pytest.mark.usefixtures("slow_machine")
def test_a_long_sweep_asks_too_and_leaves_what_varies_alone(furnished: Path) -> None:
    at = open_page("train", preset="report", vary="epochs", epochs="100, 200")
    assert "These 2 runs take about" in at.warning[0].value
    start_button(at).click().run()
    assert len(Store(furnished).ids()) == 1
    assert "dhc_dialog_cheaper_fit.epochs" not in {button.key for button in at.button}
    at.button(key="dhc_long_start").click().run()
    assert len(Store(furnished).ids()) == 3


def test_a_short_run_starts_at_once_without_amber(furnished: Path) -> None:
    at = open_page("train")
    assert not at.warning
    start_button(at).click().run()
    assert len(Store(furnished).ids()) == 2


# --- before there are pictures ----------------------------------------------------------------------------------------


def test_the_whole_form_stands_there_before_there_are_pictures(house: tuple[Path, Path]) -> None:
    at = open_page("train")
    assert [metric.label for metric in at.metric] == ["Parameters", "Memory", "Per epoch"]
    assert "Pictures: stand-in (not drawn yet), 12 of 96 classes" in texts(at)
    assert at.selectbox(key="dhc_form_data.path").options == ["stand-in"]
    assert ":material/error:" not in texts(at)
    at.button(key="dhc_preset_report").click().run()
    assert at.metric[0].value == "35.5 M"
    assert start_button(at).label == "Make pictures and start"


def test_a_click_makes_the_pictures_of_the_runs_classes_and_then_starts_it(house: tuple[Path, Path]) -> None:
    runs, data = house
    at = open_page("train", classes="2", epochs="2")
    at.text_area(key="dhc_run_note").set_value("a first try").run()
    start_button(at).click().run()
    assert ERRAND in at.session_state
    assert at.get("progress")
    assert not Store(runs).ids()
    wait_until(lambda: datasets.is_dataset(data / "stand-in-2"), "the pictures are there", 60)
    try:
        at.run()
        assert not at.exception
        run = newest(runs)
        assert run.config is not None
        assert (Path(run.config.data.path).name, run.config.fit.epochs) == ("stand-in-2", 2)
        assert run.labels.note == "a first try"
        assert datasets.making(data / "stand-in") is not None, "the other classes are drawn meanwhile"
    finally:
        datasets.cancel(data / "stand-in")


def test_a_sweep_waits_for_pictures(house: tuple[Path, Path]) -> None:
    at = open_page("train", vary="factor", factor="0.3, 0.5")
    assert "A sweep needs pictures that are there" in texts(at)
    assert start_button(at).disabled
