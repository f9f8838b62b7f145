"""Home, Data, Train, Live and Runs through Streamlit's own AppTest: empty, with runs, with broken ones."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from make_run import make_run
from processes import kill_processes_of, wait_until
from streamlit.testing.v1 import AppTest

from dhc.data.standin.generate import make_dataset
from dhc.jobs import check, datasets, launch
from dhc.machine.hardware import Gpu
from dhc.models.presets import preset_config
from dhc.runs import rundir
from dhc.runs.store import Store

pytestmark = pytest.mark.pages

ROOT = Path(__file__).parents[1]
PAGES = ["data", "train", "live", "runs", "mistakes", "confusion", "ladder"]


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Empty folders of runs and data sets that the pages read."""
    runs, data = tmp_path / "runs", tmp_path / "data"
    runs.mkdir()
    data.mkdir()
    monkeypatch.setenv("DHC_RUNS_DIR", str(runs))
    monkeypatch.setenv("DHC_DATA_DIR", str(data))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return runs, data


@pytest.fixture
def furnished(house: tuple[Path, Path], tiny_data: Path) -> tuple[Path, Path]:
    """A data set and three runs: finished, running, broken."""
    runs, data = house
    shutil.copytree(tiny_data, data / "tiny")
    make_run(runs, data / "tiny", epochs=4, run_id="20260101-000000-vgg16-0001")
    make_run(runs, data / "tiny", epochs=3, how="running", run_id="20260101-000000-vgg16-0002")
    broken = runs / "20260101-000000-vgg16-0003"
    broken.mkdir()
    for name in (rundir.CONFIG, rundir.EVENTS, rundir.EXIT, rundir.PROCESS, rundir.PREDICTIONS):
        (broken / name).write_bytes(b'{"torn": ')
    return runs, data


def open_page(page: str, **query: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=30)
    for name, value in query.items():
        app.query_params[name] = value
    if page != "home":
        app.switch_page(f"pages/{page}.py")
        app.session_state["dhc_form_rare"] = True
    return app.run()


def words(app: AppTest) -> str:
    shown = [*app.markdown, *app.caption, *app.error, *app.success, *app.title, *app.subheader]
    return " ".join(str(element.value) for element in shown)


@pytest.mark.parametrize("page", ["home", *PAGES])
def test_every_page_in_an_empty_house_says_what_to_do(house: tuple[Path, Path], page: str) -> None:
    app = open_page(page)
    assert not app.exception
    assert not app.error
    assert "yet" in words(app)


@pytest.mark.parametrize(
    "run", ["20260101-000000-vgg16-0001", "20260101-000000-vgg16-0002", "20260101-000000-vgg16-0003"]
)
@pytest.mark.parametrize("page", ["home", *PAGES])
def test_every_page_shows_every_run_without_an_exception(furnished: tuple[Path, Path], page: str, run: str) -> None:
    app = open_page(page, run=run)
    assert not app.exception
    assert "of ours broke" not in words(app)


@pytest.mark.parametrize(
    "run", ["../../etc/passwd", "<script>alert(1)</script>", "20990101-000000-vgg16-ffff", "🦊" * 200]
)
@pytest.mark.parametrize("page", ["home", *PAGES])
def test_a_hostile_or_stale_link_gets_a_sentence(furnished: tuple[Path, Path], page: str, run: str) -> None:
    app = open_page(page, run=run)
    assert not app.exception
    assert "of ours broke" not in words(app)
    if page in ("live", "mistakes", "confusion"):
        assert "There is no run" in words(app)


def test_a_broken_run_is_said_to_be_broken(furnished: tuple[Path, Path]) -> None:
    app = open_page("live", run="20260101-000000-vgg16-0003")
    assert "does not hold a run" in words(app).replace("\\", "")


def start_button(app: AppTest) -> Any:
    return next(button for button in app.button if button.label.startswith(("Start training", "Queue")))


def test_the_form_says_what_is_wrong_at_both_fields_and_start_is_grey(furnished: tuple[Path, Path]) -> None:
    app = open_page("train")
    assert not start_button(app).disabled
    app.number_input(key="dhc_form_schedule.min_lr").set_value(1.0).run()
    said = words(app).replace("\\", "")
    assert said.count("Minimum learning rate (1) is above Initial learning rate (0.001)") == 2
    assert start_button(app).disabled
    assert [metric.label for metric in app.metric] == ["Parameters", "Memory", "Per epoch"], "the forecast stays"


def test_what_will_happen_names_the_precision_that_this_processor_gets(
    furnished: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    for able, policy in ((True, "mixed_bfloat16"), (False, "float32")):
        monkeypatch.setattr("dhc.machine.hardware.cpu_multiplies_bfloat16", lambda able=able: able)
        st.cache_data.clear()
        app = open_page("train")
        app.button(key="dhc_preset_quick").click().run()
        assert f"Trains on the CPU (no GPU is used), in {policy}" in words(app)
        app.selectbox(key="dhc_form_device.precision").set_value("float32").run()
        assert "(no GPU is used), in float32" in words(app)
    st.cache_data.clear()


def test_the_devices_that_are_here_are_offered(furnished: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    two = tuple(Gpu(index, "NVIDIA H200", 143_771, 0, 0) for index in range(2))
    for found, more in (((), []), (two, ["gpu:0", "gpu:1"])):
        monkeypatch.setattr("dhc.machine.hardware.gpus", lambda found=found: found)
        st.cache_data.clear()
        device = open_page("train").selectbox(key="dhc_form_device.device")
        assert (device.value, device.options) == ("auto", ["auto", "cpu", *more])
    st.cache_data.clear()


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("fit.epochs", 0, "Epochs: 1 to 50,000"),
        ("fit.epochs", None, "Epochs: 1 to 50,000"),
        ("model.width", 1e6, "Width multiplier: above 0 up to 2"),
        ("fit.batch_size", -1, "Batch size: 1 to 8,192"),
        ("schedule.factor", 1.0, "LR factor: above 0 and below 1"),
        ("augment.zoom", -0.1, "Random zoom: 0 to 0.9"),
    ],
)
def test_a_value_out_of_bounds_is_told_in_the_fields_words_and_a_preset_mends_it(
    furnished: tuple[Path, Path], name: str, value: float | None, sentence: str
) -> None:
    app = open_page("train")
    before = [metric.value for metric in app.metric]
    app.number_input(key=f"dhc_form_{name}").set_value(value).run()
    said = words(app).replace("\\", "")
    assert sentence in said
    assert name not in said
    assert "None" not in said
    assert [metric.value for metric in app.metric] == before, "of the last sound values"
    assert start_button(app).disabled
    app.button(key="dhc_preset_quick").click().run()
    assert not start_button(app).disabled


@pytest.mark.parametrize(
    ("sent", "chosen"), [("an old label · running", []), ("20260101-000000-vgg16-0001", ["20260101-000000-vgg16-0001"])]
)
def test_a_label_that_a_tab_sends_after_a_restart_chooses_nothing(
    monkeypatch: pytest.MonkeyPatch, sent: str, chosen: list[str]
) -> None:
    from dhc.ui.shell import pickers

    taken: list[str] = []
    monkeypatch.setattr(pickers.st, "session_state", {pickers.KEY: sent})
    monkeypatch.setattr(pickers, "choose_run", taken.append)
    pickers._choose({"20260101-000000-vgg16-0001": object()})  # type: ignore[dict-item]
    assert taken == chosen


def test_after_a_deletion_no_row_is_chosen(furnished: tuple[Path, Path]) -> None:
    app = open_page("runs", select="20260101-000000-vgg16-0001")
    app.button(key="dhc_run_card_delete").click().run()
    assert not [button for button in app.button if button.key == "dhc_run_card_delete"]


def test_presets_fill_the_form(furnished: tuple[Path, Path]) -> None:
    app = open_page("train")
    app.button(key="dhc_preset_report").click().run()
    assert app.number_input(key="dhc_form_fit.epochs").value == 250
    assert app.number_input(key="dhc_form_model.conv_dropout").value == 0.6
    assert app.selectbox(key="dhc_form_augment.where").value == "features"
    assert "35" in str(app.metric[0].value)


def test_what_stands_in_the_form_survives_a_visit_to_another_page(furnished: tuple[Path, Path]) -> None:
    app = open_page("train")
    app.number_input(key="dhc_form_fit.epochs").set_value(77).run()
    app.switch_page("pages/runs.py").run()
    app.switch_page("pages/train.py").run()
    assert app.number_input(key="dhc_form_fit.epochs").value == 77


def test_the_form_can_start_from_a_runs_settings(furnished: tuple[Path, Path]) -> None:
    app = open_page("train", run="20260101-000000-vgg16-0001")
    next(button for button in app.button if button.label == "Like the chosen run").click().run()
    assert app.number_input(key="dhc_form_fit.epochs").value == 4


def widgets_of(app: AppTest) -> dict[str, Any]:
    return {w.key: w for kind in (app.number_input, app.selectbox, app.text_input, app.toggle) for w in kind}


def test_every_hyperparameter_has_a_widget_with_help_wherever_it_has_an_effect(furnished: tuple[Path, Path]) -> None:
    from dhc.config import fields

    app = open_page("train")
    shown = set()
    for preset in ("quick", "knn", "vgg16-exp", "tuned"):
        app.button(key=f"dhc_preset_{preset}").click().run()
        config = preset_config(preset)
        if preset == "tuned":
            app.toggle(key="dhc_form_data.review").set_value(True).run()
            config = config.with_values({"data.review": True})
        widgets = widgets_of(app)
        for field in fields():
            key = f"dhc_form_{field.name}"
            assert (key in widgets) == config.uses(field.name), (preset, field.name)
            if key in widgets:
                assert widgets[key].help.startswith(field.help)
                shown.add(field.name)
    assert shown == {field.name for field in fields()}


def test_a_field_that_was_out_of_sight_keeps_its_value(furnished: tuple[Path, Path]) -> None:
    app = open_page("train")
    app.number_input(key="dhc_form_schedule.patience").set_value(7).run()
    app.selectbox(key="dhc_form_schedule.name").set_value("cosine").run()
    assert "dhc_form_schedule.patience" not in widgets_of(app)
    app.selectbox(key="dhc_form_schedule.name").set_value("plateau").run()
    assert app.number_input(key="dhc_form_schedule.patience").value == 7


def test_runs_lists_all_and_deletes_with_undo(furnished: tuple[Path, Path]) -> None:
    runs, _ = furnished
    app = open_page("runs", select="20260101-000000-vgg16-0001")
    assert len(app.dataframe[0].value) == 3
    app.button(key="dhc_run_card_delete").click().run()
    assert len(Store(runs).ids()) == 2
    next(button for button in app.button if button.label == "Undo").click().run()
    assert len(Store(runs).ids()) == 3


def test_data_checks_every_picture_on_request(furnished: tuple[Path, Path]) -> None:
    app = open_page("data", view="check")
    app.button(key="dhc_check").click().run()
    assert not app.exception
    _, data = furnished
    (folder,) = [path for path in data.iterdir() if not path.name.startswith(".")]
    wait_until(lambda: not (check.check(folder) or check.Check(pending=True)).pending, "the check ends", 60)
    app.run()
    assert not app.exception
    assert app.success or app.info or app.warning or app.error
    assert app.button(key="dhc_check").label == "Check again"
    found = check.summary(folder)
    assert found
    assert f"Its last check: {found}" in words(open_page("train")).replace("\\", "")
    (folder / "train.csv").write_text((folder / "train.csv").read_text() + "\n")
    assert check.summary(folder) == found, "an empty line changes no picture"
    lines = (folder / "train.csv").read_text().splitlines()
    (folder / "train.csv").write_text("\n".join(lines[:-2]) + "\n")
    assert check.summary(folder) == ""
    assert "have changed since this check" in words(app.run())


def test_an_empty_ladder_shows_each_drawing_once(house: tuple[Path, Path]) -> None:
    _, data = house
    folders = [data / "mine", data / "stand-in"]
    try:
        for folder in folders:
            datasets.start(folder)
        for folder in folders:
            wait_until(folder.with_name(f"{folder.name}.partial").exists, "the drawing begins", 60)
        texts = [str(bar.proto.text) for bar in open_page("ladder").get("progress")]
    finally:
        for folder in folders:
            kill_processes_of(folder)
    assert [text.split(":")[0] for text in texts] == ["Drawing the data set mine", "Drawing the stand-in pictures"]


def test_a_data_set_in_the_making_is_shown_wherever_data_sets_are_offered(furnished: tuple[Path, Path]) -> None:
    _, data = furnished
    folder = data / "stand-in"
    datasets.start(folder)
    wait_until(lambda: (data / "stand-in.partial").exists(), "the drawing begins", 60)
    try:
        for page in ("data", "train", "ladder"):
            app = open_page(page)
            assert not app.exception
            (bar,) = app.get("progress")
            assert bar.proto.text.startswith(r"Drawing the data set stand\-in: ")
            assert not any("stand-in" in option for box in app.selectbox for option in box.options)
        app = open_page("data")
        next(button for button in app.button if button.label == "Make it").click().run()
        assert "stand-in is being drawn already" in words(app).replace("\\", "")
    finally:
        kill_processes_of(folder)
    wait_until(lambda: not datasets.all_makings(data)[folder].pending, "the drawing is over")
    train = open_page("train")
    assert not train.get("progress")
    assert not any("stand-in" in option for box in train.selectbox for option in box.options), (
        "what is left is no data set"
    )
    assert "stand-in could not be made: its process ended early; try again" in words(open_page("data")).replace(
        "\\", ""
    )
    assert "could not be made" not in words(open_page("data")), "said once"


@pytest.mark.parametrize("only", [0, 3])
def test_generated_pictures_are_said_to_be_that(house: tuple[Path, Path], only: int) -> None:
    make_dataset(house[1] / "drawn", classes=6, train=60, val=12, test=0, only=only)
    text = words(open_page("data"))
    assert "Generated stand-in pictures" in text
    assert ("the first classes of a set of 6" in text) is bool(only)


def test_home_says_what_the_demo_will_do(house: tuple[Path, Path]) -> None:
    _, data = house
    text = words(open_page("home"))
    assert "draws pictures of 12 classes" in text
    assert "for 10 epochs" in text
    make_dataset(data / "stand-in", classes=13, train=26, val=13, test=0)
    assert "on 12 classes of stand-in." in words(open_page("home"))
    make_dataset(data / "stand-in-12", classes=13, train=26, val=13, test=0, only=12)
    assert "on 12 classes of stand-in-12." in words(open_page("home")), "the one that earlier demos trained on"


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden", "tiny"])
def test_a_bad_name_for_a_new_data_set_is_refused(furnished: tuple[Path, Path], name: str) -> None:
    _, data = furnished
    app = open_page("data")
    app.text_input(key="dhc_make_name").set_value(name)
    next(button for button in app.button if button.label == "Make it").click().run()
    assert app.error
    assert [path.name for path in data.iterdir()] == ["tiny"]


@pytest.mark.slow
def test_resume_on_live_puts_a_stopped_run_back_to_work(furnished: tuple[Path, Path]) -> None:
    runs, data = furnished
    folder = make_run(runs, data / "tiny", epochs=2, how="stopped", run_id="20260101-000000-vgg16-0009")
    app = open_page("live", run=folder.name)
    button = app.button(key="dhc-resume")
    assert button.label == "Start again"  # nothing was saved to go on from
    button.click().run()
    assert not app.exception
    store = Store(runs)
    assert store.run(folder.name).state.alive
    launch.stop(runs, folder.name)
    deadline = time.monotonic() + 60
    while store.run(folder.name).state.alive and time.monotonic() < deadline:
        time.sleep(0.1)
    assert store.run(folder.name).state == "stopped"
