"""The sweep of the Train page and the groups of the Runs page, through AppTest."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest
from make_run import make_run
from screens import address, open_page, page_links, texts
from streamlit.testing.v1 import AppTest

from dhc.jobs import launch
from dhc.models.presets import preset_config
from dhc.runs import rundir
from dhc.runs.status import State
from dhc.runs.store import RunInfo, Store

pytestmark = pytest.mark.pages

MODE, NAMES = "dhc_sweep_mode", "dhc_sweep_settings"


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_data: Path) -> Path:
    """An empty folder of runs beside one data set; workers are noted instead of started, so what is queued stays queued."""
    folder, data = tmp_path / "runs", tmp_path / "data"
    folder.mkdir()
    shutil.copytree(tiny_data, data / "tiny")
    monkeypatch.setenv("DHC_RUNS_DIR", str(folder))
    monkeypatch.setenv("DHC_DATA_DIR", str(data))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(launch, "start_worker", lambda runs_dir, device: None)
    return folder


def labels(at: AppTest) -> list[str]:
    return [button.label for button in at.button]


def press(at: AppTest, label: str) -> AppTest:
    return next(button for button in at.button if button.label == label).click().run()


def start_label(at: AppTest) -> str:
    """The label of the button that starts; "" where it is grey."""
    return next((b.label for b in at.button if b.label.startswith(("Start", "Queue")) and not b.disabled), "")


def sweep_of(*names: str) -> AppTest:
    """The Train page, switched to a sweep of the settings."""
    at = open_page("train")
    at.segmented_control(key=MODE).set_value("Sweep").run()
    at.multiselect(key=NAMES).set_value(list(names)).run()
    assert not at.exception
    return at


def write(at: AppTest, name: str, text: str) -> AppTest:
    return at.text_input(key=f"dhc_sweep_{name}").set_value(text).run()


def in_order(runs: Path) -> list[RunInfo]:
    """The runs in the order in which they were queued."""
    infos = Store(runs).runs()
    return sorted(infos, key=lambda info: (rundir.read_json(info.folder / rundir.REQUEST) or {})["place"])


# --- the form ---------------------------------------------------------------------------------------------------------


def test_one_run_stays_as_it_was(runs: Path) -> None:
    at = open_page("train")
    assert start_label(at) == "Start training"
    assert not [element for element in at.multiselect if element.key == NAMES]
    at.segmented_control(key=MODE).set_value("Sweep").run()
    assert start_label(at) == ""
    assert "Choose the settings that vary" in texts(at)


def test_a_sweep_says_how_many_runs_and_how_long_and_queues_them_as_a_group(runs: Path) -> None:
    at = sweep_of("schedule.factor", "optimizer.name")
    assert start_label(at) == "Start 1 run"
    write(at, "schedule.factor", "0.3, 0.5..0.9 step 0.4")
    at.multiselect(key="dhc_sweep_optimizer.name").set_value(["adam", "sgd"]).run()
    at.number_input(key="dhc_sweep_repeats").set_value(2).run()
    words = texts(at)
    assert "3 values: 0.3, 0.5, 0.9" in words
    assert "12 runs, one after the other, on the CPU: about" in words
    table = next(frame.value for frame in at.dataframe)
    assert list(table.columns) == ["LR factor", "Optimizer", "Seed"]
    assert list(table.iloc[1]) == ["0.3", "sgd", "0"]
    at.text_input(key="dhc_sweep_name").set_value(" my  sweep ").run()
    at.toggle(key="dhc_sweep_hopeless").set_value(True).run()
    at.text_area(key="dhc_run_note").set_value("does the optimizer matter?").run()
    press(at, "Start 12 runs")
    queued = in_order(runs)
    assert {info.labels.note for info in queued} == {"does the optimizer matter?"}
    assert {info.group for info in queued} == {"my sweep"}
    assert {(rundir.read_json(info.folder / rundir.REQUEST) or {})["rule"] for info in queued} == {"median"}
    settings = [(c.schedule.factor, c.optimizer.name, c.fit.seed) for info in queued if (c := info.config)]
    assert settings[:3] == [(0.3, "adam", 0), (0.3, "sgd", 0), (0.5, "adam", 0)]
    assert settings[6] == (0.3, "adam", 1)
    assert len(set(settings)) == 12


def test_a_group_that_is_called_so_already_gets_a_number_and_without_a_name_it_is_named(runs: Path) -> None:
    for _ in range(2):
        at = write(sweep_of("schedule.factor"), "schedule.factor", "0.3, 0.5")
        at.text_input(key="dhc_sweep_name").set_value("twice").run()
        press(at, "Start 2 runs")
    press(write(sweep_of("schedule.factor"), "schedule.factor", "0.3, 0.5"), "Start 2 runs")
    names = [info.group for info in in_order(runs)]
    assert names[:4] == ["twice", "twice", "twice (2)", "twice (2)"]
    assert names[4] == names[5]
    assert names[4].startswith("factor, ")


def test_the_sweep_of_a_copied_run_notes_whose_copies_its_runs_are(runs: Path) -> None:
    first = make_run(runs, runs.parent / "data" / "tiny", settings={"schedule.patience": 1}).name
    at = open_page("train", run=first)
    press(at, "Like the chosen run")
    at.segmented_control(key=MODE).set_value("Sweep").run()
    at.multiselect(key=NAMES).set_value(["schedule.factor"]).run()
    press(write(at, "schedule.factor", "0.3, 0.5"), "Start 2 runs")
    assert [info.parent for info in Store(runs).runs() if info.group] == [first, first]


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("schedule.factor", "0.5, x", "LR factor cannot be 'x': it takes 0 < x < 1"),
        ("schedule.factor", "", "LR factor needs a value"),
        ("schedule.factor", "0.5 0.5", "LR factor has 0.5 twice"),
        ("fit.epochs", "1..300", "more than 200 values: choose a larger step"),
        ("fit.epochs", "1..150, 151..300", "Epochs has 300 values: a sweep takes at most 200"),
        ("schedule.min_lr", "1e-4, 0.5", "Minimum learning rate (0.5) is above Initial learning rate"),
    ],
)
def test_what_is_no_sweep_is_told_and_cannot_be_started(runs: Path, name: str, text: str, sentence: str) -> None:
    at = write(sweep_of(name), name, text)
    assert sentence in texts(at)
    assert start_label(at) == ""


def test_too_many_runs_are_refused_before_anything_starts(runs: Path) -> None:
    at = write(sweep_of("fit.epochs", "schedule.patience"), "fit.epochs", "1..30")
    write(at, "schedule.patience", "1..10")
    assert "300 combinations × 1 seed make 300 runs: a sweep has 1 to 200" in texts(at)
    assert start_label(at) == ""


def test_a_setting_that_loses_its_effect_in_the_form_is_told_by_name(runs: Path) -> None:
    at = write(sweep_of("schedule.factor"), "schedule.factor", "0.3, 0.5")
    at.selectbox(key="dhc_form_schedule.name").set_value("cosine").run()
    assert "LR factor has no effect with Schedule cosine" in texts(at)
    assert start_label(at) == ""
    at.selectbox(key="dhc_form_schedule.name").set_value("plateau").run()
    assert start_label(at) == "Start 2 runs"


def test_what_varies_leaves_the_form_and_what_acts_under_a_varied_choice_comes_into_it(runs: Path) -> None:
    at = sweep_of("schedule.name", "fit.epochs")
    shown = {element.key for element in at.number_input}
    assert not shown & {"dhc_form_fit.epochs", "dhc_form_schedule.warmup_epochs"}
    at.multiselect(key="dhc_sweep_schedule.name").set_value(["plateau", "cosine"]).run()
    shown = {element.key for element in at.number_input}
    assert {"dhc_form_schedule.factor", "dhc_form_schedule.warmup_epochs"} <= shown
    write(at, "fit.epochs", "20, 30")
    at.number_input(key="dhc_form_schedule.warmup_epochs").set_value(3).run()
    assert at.text_input(key="dhc_sweep_fit.epochs").value == "20, 30"
    at.multiselect(key=NAMES).set_value(["schedule.name", "fit.epochs", "schedule.warmup_epochs"]).run()
    write(at, "schedule.warmup_epochs", "2..4")
    assert start_label(at) == "Start 8 runs", (
        "two with plateau, on which the warm-up has no effect, and six with cosine"
    )
    at.segmented_control(key=MODE).set_value("One run").run()
    assert "dhc_form_fit.epochs" in {element.key for element in at.number_input}
    assert start_label(at) == "Start training"


def told(at: AppTest, name: str) -> object:
    """What the browser was told that a field of the form holds; None where it was told nothing, and shows the default."""
    kinds = (at.number_input, at.selectbox, at.toggle)
    (widget,) = [one for kind in kinds for one in kind if one.key == f"dhc_form_{name}"]
    return widget.value if widget.proto.set_value else None


@pytest.mark.parametrize("clicks", [0, 1, 2])
def test_what_varied_comes_back_to_the_form_with_the_value_from_before(runs: Path, clicks: int) -> None:
    before = {"optimizer.learning_rate": 0.002, "fit.batch_size": 24, "optimizer.name": "sgd", "data.skip_bad": True}
    at = open_page("train")
    at.number_input(key="dhc_form_optimizer.learning_rate").set_value(0.002)
    at.number_input(key="dhc_form_fit.batch_size").set_value(24)
    at.selectbox(key="dhc_form_optimizer.name").set_value("sgd")
    at.toggle(key="dhc_form_data.skip_bad").set_value(True)
    at.segmented_control(key=MODE).set_value("Sweep").run()
    at.multiselect(key=NAMES).set_value(list(before)).run()
    for click in range(clicks):
        at.toggle(key="dhc_sweep_hopeless").set_value(click == 0).run()
    at.segmented_control(key=MODE).set_value("One run").run()
    assert {name: told(at, name) for name in before} == before
    assert start_label(at) == "Start training"


@pytest.mark.parametrize("clicks", [0, 1, 2])
def test_a_preset_that_is_chosen_while_a_setting_varies_counts_once_it_is_back(runs: Path, clicks: int) -> None:
    at = sweep_of("fit.epochs")
    at.button(key="dhc_preset_report").click().run()
    for click in range(clicks):
        at.toggle(key="dhc_sweep_hopeless").set_value(click == 0).run()
    at.segmented_control(key=MODE).set_value("One run").run()
    assert told(at, "fit.epochs") == preset_config("report").fit.epochs


@pytest.mark.parametrize("clicks", [0, 1, 2])
def test_a_field_that_only_some_schedules_have_comes_back_with_its_value(runs: Path, clicks: int) -> None:
    at = open_page("train")
    at.number_input(key="dhc_form_schedule.patience").set_value(7).run()
    at.selectbox(key="dhc_form_schedule.name").set_value("cosine").run()
    for click in range(clicks):
        at.toggle(key="dhc_form_data.skip_bad").set_value(click == 0).run()
    at.selectbox(key="dhc_form_schedule.name").set_value("plateau").run()
    assert told(at, "schedule.patience") == 7


def test_the_forms_own_value_of_what_varies_does_not_matter(runs: Path) -> None:
    at = open_page("train")
    at.number_input(key="dhc_form_optimizer.learning_rate").set_value(1e-6).run()
    assert "Minimum learning rate (0.0001) is above Initial learning rate" in texts(at)
    at.segmented_control(key=MODE).set_value("Sweep").run()
    at.multiselect(key=NAMES).set_value(["optimizer.learning_rate"]).run()
    write(at, "optimizer.learning_rate", "1e-3..1e-2 log 3")
    assert start_label(at) == "Start 3 runs"


def test_a_factor_that_cannot_act_is_warned_of(runs: Path) -> None:
    at = write(sweep_of("schedule.factor"), "schedule.factor", "0.3, 0.5")
    assert "the learning rate cannot drop" not in texts(at)
    at.number_input(key="dhc_form_schedule.patience").set_value(500).run()
    assert "the learning rate cannot drop" in texts(at)


# --- groups on the Runs page ------------------------------------------------------------------------------------------


@pytest.fixture
def trial(runs: Path) -> None:
    """A group "a *trial*" of three runs, one finished, one training, one queued, and a finished group "old"."""
    data = runs.parent / "data" / "tiny"
    for factor, how, group in ((0.3, "finished", "a *trial*"), (0.5, "running", "a *trial*"), (0.3, "finished", "old")):
        folder = make_run(runs, data, epochs=4, accuracy=8 / 9, how=how, settings={"schedule.factor": factor})  # type: ignore[arg-type]
        rundir.write_json(folder / rundir.REQUEST, {"queued_at": time.time(), "device": "cpu", "group": group})
    last, folder = folder, rundir.create(runs, "vgg16")
    shutil.copy(last / rundir.CONFIG, folder / rundir.CONFIG)
    rundir.write_json(folder / rundir.REQUEST, {"queued_at": time.time(), "device": "cpu", "group": "a *trial*"})


def bars(at: AppTest) -> list[tuple[float, str]]:
    return [(element.proto.value, element.proto.text) for element in at.get("progress")]


@pytest.mark.usefixtures("trial")
def test_a_group_with_a_run_alive_has_a_bar_and_can_be_stopped(runs: Path) -> None:
    at = open_page("runs")
    assert not at.exception
    assert bars(at) == [(66, "1 of 3 runs ended, about 40 s left")]
    words = texts(at)
    assert "**a *trial***" in words
    assert "(0.889) is the first setting with a result. Not counted: 2 still under way." in words
    assert "1 queued" in words
    assert page_links(at)["Its runs only"].endswith("group=a+%2Atrial%2A")
    press(at, "Stop 2 runs")
    states = sorted(info.state.value for info in Store(runs).runs() if info.group != "old")
    assert states == [State.FINISHED, State.STOPPED, State.STOPPING]


@pytest.mark.usefixtures("trial")
def test_the_group_in_the_address_is_shown_after_its_end_too(runs: Path) -> None:
    at = open_page("runs", group="old")
    assert bars(at)[0] == (100, "1 of 1 run ended")
    assert address(at, "group") == "old"
    assert not open_page("runs", group="<b>nobody</b>").exception


@pytest.mark.parametrize("name", ["![x](http://a.b/c)", "<script>alert(1)</script>", "\u202egnp", "🦊" * 80, "a\x00b"])
def test_a_hostile_name_of_group_and_run_is_shown_as_text(runs: Path, name: str) -> None:
    folder = make_run(runs, runs.parent / "data" / "tiny", epochs=2)
    rundir.write_json(folder / rundir.REQUEST, {"queued_at": time.time(), "device": "cpu", "group": name})
    rundir.write_json(folder / rundir.LABELS, {"name": name})
    at = open_page("runs", group=name)
    assert not at.exception
    assert "of ours broke" not in texts(at)
    assert len(bars(at)) >= 1
    assert "](http" not in "".join(str(element.value) for element in at.markdown)
    assert not any("](http" in label for label in page_links(at))


def test_a_drawn_sweep_stands_in_the_address_and_its_runs_say_how_they_were_chosen(runs: Path) -> None:
    at = sweep_of("schedule.factor")
    write(at, "schedule.factor", "0.1, 0.9")
    at.segmented_control(key="dhc_sweep_design").set_value("sobol").run()
    at.number_input(key="dhc_sweep_draws").set_value(5).run()
    assert (address(at, "design"), address(at, "draws")) == ("sobol", "5")
    assert "Drawn between the smallest and the largest value" in texts(at)
    again = open_page("train", vary="factor", factor="0.1, 0.9", design="sobol", draws="5")
    press(again, start_label(again))
    started = Store(runs).runs()
    assert [info.design for info in started] == ["sobol"] * 5
    assert len({info.config.schedule.factor for info in started if info.config}) == 5


def test_a_design_that_there_is_not_is_refused(runs: Path) -> None:
    at = open_page("train", vary="factor", factor="0.1, 0.9", design="magic", draws="10000")
    assert at.segmented_control(key="dhc_sweep_design").value == "grid"
    assert any("magic" in toast.value for toast in at.toast)
