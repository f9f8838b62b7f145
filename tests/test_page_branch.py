"""Going on with a run from a screen: the dialog, what it says and draws first, and the child that it starts. No training."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from archives import network, write_state
from make_run import make_run
from processes import kill_processes_of
from screens import address, open_page, sent, texts
from streamlit.testing.v1 import AppTest

from dhc.config import RunConfig
from dhc.files import gate
from dhc.runs import rundir
from dhc.runs.contract import Labels
from dhc.runs.naming import branch_name
from dhc.runs.store import Store

pytestmark = pytest.mark.pages

RUN, BUSY, KNN = "20260101-000000-vgg16-000a", "20260102-000000-vgg16-000b", "20260103-000000-knn-000c"
EPOCHS = 6


@pytest.fixture
def runs(tmp_path: Path, tiny_data: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A finished run called base that kept the states of epochs 2 and 6, and its best network, of epoch 4."""
    shutil.copytree(tiny_data, tmp_path / "data" / "tiny")
    for name, path in (("DHC_RUNS_DIR", "runs"), ("DHC_DATA_DIR", "data"), ("XDG_CACHE_HOME", "cache")):
        monkeypatch.setenv(name, str(tmp_path / path))
    settings = {"model.width": 1 / 16, "schedule.patience": 2, "schedule.min_lr": 1e-5}
    folder = make_run(
        tmp_path / "runs", tmp_path / "data" / "tiny", run_id=RUN, epochs=EPOCHS, best_epoch=4, settings=settings
    )
    Labels(name="base").write(folder)
    (folder / rundir.BEST).write_bytes(network())
    for epoch, rate in ((2, 1e-3), (6, 5e-4)):
        counters = [{"best": 0.5, "wait": 1, "cooldown_counter": 0}]
        write_state(folder / rundir.STATES, epoch, rate=rate, counters=counters)
    return tmp_path / "runs"


def dialog(**more: str) -> AppTest:
    at = open_page("live", run=RUN, **{"go_on": "last", **more})
    assert not at.exception
    assert "of ours broke" not in texts(at)
    return at


def box(at: AppTest, name: str) -> object:
    return next(box for box in at.selectbox if box.key == f"dhc_branch_{name}")


def planned(at: AppTest) -> list[list[float]]:
    """What the drawing of the rate says in its steps' hover: the epochs of each part."""
    figure = json.loads(next(plot["figure"] for plot in sent(at, "plot") if plot["name"] == "dhc-branch-rates"))
    return [[float(text.rsplit(" ", 1)[1]) for text in part["text"][:-1]] for part in figure["data"]]


def test_the_dialog_offers_what_was_kept_and_says_and_draws_what_the_rate_will_do(runs: Path) -> None:
    at = dialog()
    place = box(at, "place")
    assert place.options[0].startswith("epoch 6, the last, val_accuracy 0.")  # type: ignore[attr-defined]
    assert place.options[1].startswith("epoch 2, val_accuracy")  # type: ignore[attr-defined]
    assert place.options[2].startswith("epoch 4, its best network, with a fresh optimizer")  # type: ignore[attr-defined]
    assert "The learning rate of epoch 6 was 0.0005." in texts(at)
    assert at.number_input(key="dhc_branch_more_6").value == 3
    assert "the plateau has waited 1 of 2 epochs" in texts(at)
    assert planned(at) == [[1e-3] * 6, [5e-4, 4e-4, 4e-4]]
    assert at.text_input(key="dhc_branch_name").placeholder == "base, 3 more epochs"
    at.segmented_control(key="dhc_branch_schedule").set_value("hold").run()
    assert planned(at)[1] == [5e-4] * 3
    assert "The rate stays at 0.0005 to the end." in texts(at)
    at.number_input(key="dhc_branch_form_schedule.factor").set_value(0.5).run()
    at.segmented_control(key="dhc_branch_schedule").set_value("restart").run()
    assert planned(at)[1] == [1e-3] * 3
    assert "was 0.8" in texts(at)
    assert at.text_input(key="dhc_branch_name").placeholder == "factor 0.5, schedule anew"
    at.selectbox(key="dhc_branch_place").set_value("2").run()
    assert "The learning rate of epoch 2 was 0.001." in texts(at)
    assert at.number_input(key="dhc_branch_more_2").value == 4
    assert at.text_input(key="dhc_branch_name").placeholder == "factor 0.5, schedule anew from epoch 2"


def test_near_the_last_epoch_that_a_run_may_have_fewer_more_are_proposed_and_at_it_none(runs: Path) -> None:
    config, states = RunConfig.model_validate(rundir.read_json(runs / RUN / rundir.CONFIG)), runs / RUN / rundir.STATES
    last = rundir.MOST_EPOCHS
    for epoch in (last - 10, last):
        rundir.write_json(runs / RUN / rundir.CONFIG, config.with_values({"fit.epochs": epoch}).model_dump())
        write_state(states, epoch)
        at = dialog(go_on=str(epoch))
        assert at.number_input(key=f"dhc_branch_more_{last - 10}").max == 10, (
            "at the last epoch the one before is chosen"
        )
    assert f"Nothing can follow epoch {last}: no run has more than 50,000" in texts(at)


def test_a_setting_that_cannot_be_is_said_at_its_field_and_starts_nothing(runs: Path) -> None:
    at = dialog()
    at.number_input(key="dhc_branch_form_optimizer.learning_rate").set_value(20.0).run()
    assert "Initial learning rate: above 0 up to 10" in texts(at)
    assert at.button(key="dhc_branch_start").disabled
    at.number_input(key="dhc_branch_form_optimizer.learning_rate").set_value(1e-6).run()
    assert "Minimum learning rate" in texts(at)
    assert at.button(key="dhc_branch_start").disabled
    at.number_input(key="dhc_branch_form_optimizer.learning_rate").set_value(2e-4).run()
    assert planned(at)[1][0] == 2e-4
    assert not at.button(key="dhc_branch_start").disabled


def test_start_queues_a_child_with_what_was_chosen_and_goes_to_it(runs: Path) -> None:
    make_run(runs, runs.parent / "data" / "tiny", run_id=BUSY, epochs=2, how="running")
    try:
        at = dialog(go_on="2")
        at.number_input(key="dhc_branch_form_model.conv_dropout").set_value(0.25).run()
        at.number_input(key="dhc_branch_more_2").set_value(7).run()
        assert "1 run already training or waiting." in texts(at)
        at.button(key="dhc_branch_start").click().run()
        assert not at.exception
        assert "of ours broke" not in texts(at)
        (child,) = [info for info in Store(runs).runs() if info.course.branches]
        (branch,) = child.course.branches
        assert (branch.run, branch.epoch, branch.schedule, branch.network) == (RUN, 2, "continue", "state")
        assert branch.before == {"model.conv_dropout": 0.6}
        assert child.config is not None
        assert (child.config.model.conv_dropout, child.config.fit.epochs) == (0.25, 9)
        assert child.title == "dropout 0.25 from epoch 2"
        assert child.epochs_done == 2
        assert address(at, "run") == child.id
        assert "go_on" not in at.query_params
    finally:
        kill_processes_of(runs)


def test_what_cannot_serve_says_why(runs: Path) -> None:
    (runs / RUN / rundir.STATES / "epoch-00002" / "state.npz").write_bytes(b"torn")
    at = dialog()
    assert len(box(at, "place").options) == 2  # type: ignore[attr-defined]
    assert "The state after epoch 2 cannot be used, because it is damaged or was edited" in texts(at)
    shutil.rmtree(runs / RUN / rundir.STATES)
    (runs / RUN / rundir.BEST).unlink()
    at = dialog()
    assert f"Run {RUN} cannot be gone on with:" in texts(at)
    assert "dhc_branch_start" not in {button.key for button in at.button}
    make_run(runs, runs.parent / "data" / "tiny", run_id=KNN, epochs=1, settings={"model.name": "knn"})
    card = open_page("runs", select=KNN, go_on="last")
    assert not card.exception
    assert card.button(key="dhc_run_card_go_on").disabled


def test_a_read_only_view_shows_the_plan_and_starts_nothing(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "is_shut", lambda: True)
    at = dialog()
    assert at.button(key="dhc-live-go-on").disabled
    assert at.button(key="dhc_branch_start").disabled


def test_a_child_is_called_by_what_differs_else_by_its_epochs() -> None:
    config = RunConfig().with_values({"schedule.factor": 0.5, "fit.epochs": 20})
    factor = ["schedule.factor", "fit.epochs"]
    assert branch_name(config, ["fit.epochs"], "base", 12, at_end=True) == "base, 8 more epochs"
    assert branch_name(config, [], "base", 19, at_end=False) == "base, 1 more epoch from epoch 19"
    assert branch_name(config, factor, "base", 8, at_end=False) == "factor 0.5 from epoch 8"
    assert branch_name(config, factor, "base", 12, at_end=True, schedule="hold") == "factor 0.5, rate held"
    assert branch_name(config, [], "x" * 80, 12, at_end=True).endswith("x, 8 more epochs")
    assert len(branch_name(config, [], "x" * 80, 12, at_end=True)) <= 80
