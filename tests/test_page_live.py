"""Live as Streamlit runs it: what leads on from an ended run, links to the one that trains, what the browser's tab is told."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from make_run import make_run
from screens import open_page, page_links, sent, texts
from streamlit.testing.v1 import AppTest

from dhc.analysis.standing import Standing, standing_of
from dhc.jobs import launch
from dhc.runs import rundir
from dhc.runs.contract import Labels
from dhc.runs.course import ChangeRequest
from dhc.runs.rundir import RunWriter
from dhc.runs.status import ends_after_epoch
from dhc.runs.store import Store
from dhc.ui.live.ended import sentence

pytestmark = pytest.mark.pages
VALUES = {"learning_rate": 1e-3, "factor": 0.8, "patience": 22}  # that hold in a run of `make_run`


@pytest.fixture
def house(tmp_path: Path, tiny_data: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a data set and no run."""
    shutil.copytree(tiny_data, tmp_path / "data" / "tiny")
    for name, path in (("DHC_RUNS_DIR", "runs"), ("DHC_DATA_DIR", "data"), ("XDG_CACHE_HOME", "cache")):
        monkeypatch.setenv(name, str(tmp_path / path))
    return tmp_path


def run(house: Path, number: int, name: str = "", *, data: str = "tiny", **how: object) -> Path:
    run_id = f"202601{number:02d}-000000-vgg16-000a"
    folder = make_run(house / "runs", house / "data" / data, run_id=run_id, **how)  # type: ignore[arg-type]
    if name:
        Labels(name=name).write(folder)
    return folder


def tab_of(at: AppTest) -> dict[str, object]:
    (tab,) = sent(at, "tab")
    return tab


def test_who_asked_for_more_classes_than_there_are_is_said_to_have_those_that_there_are(house: Path) -> None:
    folder = run(house, 1, settings={"data.classes": 12})
    record = json.loads((folder / rundir.ENVIRONMENT).read_text())
    rundir.write_json(folder / rundir.ENVIRONMENT, record | {"data_classes": 3})
    said = texts(open_page("live", run=folder.name))
    assert "classes 3" in said
    assert "classes 12" not in said
    table = open_page("runs", q="classes=3").dataframe[0].value
    assert list(table["data.classes"]) == [3]
    assert json.loads((folder / rundir.CONFIG).read_text())["data"]["classes"] == 12


def test_an_ended_run_says_its_settings_its_place_and_offers_a_copy_and_a_comparison(house: Path) -> None:
    run(house, 1, "low", accuracy=1 / 3)
    run(house, 2, "high", accuracy=8 / 9)
    other = house / "data" / "other"
    shutil.copytree(house / "data" / "tiny", other)
    table = (other / "val.csv").read_text().splitlines()
    (other / "val.csv").write_text("\n".join(table[:-1]) + "\n")
    run(house, 3, "on other pictures", data="other", accuracy=1.0)

    at = open_page("live", run="20260101-000000-vgg16-000a")
    assert not at.exception
    assert "Place **2** of 2 runs on these pictures; the best is **high** (0.889)." in texts(at)
    assert "dropout 0.6" in texts(at)
    assert "epochs without a better val_accuracy" not in texts(at)
    assert not at.get("progress")
    assert "Compare with high" in page_links(at)
    assert at.button(key="dhc-live-clone").label == "Clone and edit"
    best = open_page("live", run="20260102-000000-vgg16-000a")
    assert "The **best** of 2 runs on these pictures; next is **low** (0.333)." in texts(best)
    alone = open_page("live", run="20260103-000000-vgg16-000a")
    assert "The only run on these pictures so far." in texts(alone)


def test_ties_are_said(house: Path) -> None:
    infos = []
    for number, accuracy in ((1, 6 / 9), (2, 6 / 9), (3, 6 / 9), (4, 3 / 9)):
        run(house, number, f"run {number}", accuracy=accuracy)
    infos = sorted(Store(house / "runs").runs(), key=lambda info: info.id)
    standing = standing_of(infos[0], infos)
    assert standing == Standing(place=1, count=4, ties=2, other=infos[1])
    assert (
        sentence(infos[0], standing)
        == "Tied for the best of 4 runs on these pictures, with **run 2** (0.667) and 1 more."
    )
    last = standing_of(infos[3], infos[:3])
    assert last is not None
    assert (last.place, last.count, last.other) == (4, 4, infos[0])


def test_a_run_that_waits_links_to_the_one_that_trains(house: Path) -> None:
    run(house, 1, "busy", how="running")
    run(house, 2, "done")
    waiting = run(house, 3, "patient", how="running")
    for name in (rundir.PROCESS, rundir.EVENTS, rundir.PREDICTIONS):
        (waiting / name).unlink()
    at = open_page("live", run=waiting.name)
    assert "now training: busy" in page_links(at)
    assert not any("done" in link for link in page_links(at))
    assert tab_of(at)["title"] == "queued · patient · Live"
    assert (tab_of(at)["tone"], tab_of(at)["fraction"]) == ("waits", 0.0)


def test_the_tab_is_told_how_far_the_run_is_and_how_it_ended(house: Path) -> None:
    training = run(house, 1, "mine", epochs=6, accuracy=1 / 3, how="running", settings={"fit.epochs": 40})
    tab = tab_of(open_page("live", run=training.name))
    assert tab == {
        "run": training.name,
        "title": "7/40 · 0.33 · mine · Live",
        "fraction": 0.15,
        "tone": "works",
        "alive": True,
        "news": "mine: running, best val_accuracy 0.333",
    }
    for number, how, tone in ((2, "finished", "good"), (3, "stopped", "waits"), (4, "failed", "bad")):
        ended = tab_of(open_page("live", run=run(house, number, f"no. {number}", accuracy=2 / 3, how=how).name))
        assert (ended["title"], ended["tone"], ended["alive"]) == (f"{how} · 0.67 · no. {number} · Live", tone, False)
        assert (ended["fraction"], ended["news"]) == (1.0, f"no. {number}: {how}, best val_accuracy 0.667")
    twin = run(house, 5, "mine", accuracy=2 / 3, settings={"fit.epochs": 40, "fit.seed": 9})
    assert tab_of(open_page("live", run=twin.name))["title"] == "finished · 0.67 · mine, seed 9 · Live"


def test_a_run_whose_settings_are_gone_is_said_to_be_of_no_made_up_number_of_epochs(house: Path) -> None:
    folder = run(house, 1, "mine", epochs=6, accuracy=1 / 3, how="running")
    (folder / rundir.CONFIG).unlink()
    at = open_page("live", run=folder.name)
    assert (tab_of(at)["title"], tab_of(at)["fraction"]) == ("epoch 7 · 0.33 · mine · Live", 0.0)
    assert at.get("progress")[0].proto.text == "Epoch 7"


def test_stop_after_this_epoch_is_said_and_taken_back_and_stop_now_stays(house: Path) -> None:
    folder = run(house, 1, epochs=6, how="running", settings={"fit.epochs": 40})
    at = open_page("live", run=folder.name)
    assert "Epoch 7 of 40, about" in at.get("progress")[0].proto.text
    at.button(key="dhc-stop-after-epoch").click().run()
    assert ends_after_epoch(folder)
    assert at.get("progress")[0].proto.text == "Epoch 7 of 40; stops after epoch 7"
    assert at.button(key="dhc-stop").label == "Stop now"
    at.button(key="dhc-stop-after-epoch").click().run()
    assert not ends_after_epoch(folder)
    launch.stop_after_epoch(house / "runs", folder.name)
    at.run()
    at.button(key="dhc-stop").click().run()
    assert at.get("progress")[0].proto.text == "Stopping at the next batch …"
    assert "dhc-stop-after-epoch" not in {button.key for button in at.button}


def test_a_change_is_set_said_waited_for_and_taken_back(house: Path) -> None:
    folder = run(house, 1, epochs=6, how="running", settings={"fit.epochs": 40})
    with RunWriter(folder) as writer:
        writer.event("change", epoch=3, learning_rate=[2e-3, 1e-3], patience=[30, 22])
    at = open_page("live", run=folder.name)
    assert ":material/edit: From epoch 3 on: rate 0.002 → 0.001, patience 30 → 22." in texts(at)
    assert "dhc_change_ask" not in {button.key for button in at.button}, "the box is closed"
    at.session_state["dhc_change_box"] = True
    at.run()
    fields = {name: at.number_input(key=f"dhc_change_{name}_1") for name in VALUES}
    assert {name: field.value for name, field in fields.items()} == VALUES
    assert at.button(key="dhc_change_ask").disabled, "nothing is set yet"
    fields["factor"].set_value(1.0).run()
    assert "schedule.factor cannot be 1.0: it takes 0 < x < 1" in texts(at)
    assert at.button(key="dhc_change_ask").disabled
    fields["factor"].set_value(0.8)
    fields["patience"].set_value(5)
    fields["learning_rate"].set_value(5e-5).run()
    said = "From epoch 8 on, in about 10 seconds: rate 0.001 → 0.00005, patience 22 → 5. The state before it is kept, to branch from."
    assert said in texts(at)
    assert "a rate of 0.00005 no further: its minimum is 0.0001" in texts(at)
    at.button(key="dhc_change_ask").click().run()
    assert ChangeRequest.of(folder).values == {"learning_rate": 5e-5, "patience": 5}
    assert ":material/schedule: From epoch 8 on, in about 10 seconds: rate 0.001 → 0.00005, patience 22 → 5." in texts(
        at
    )
    assert at.number_input(key="dhc_change_patience_2").value == 5
    at.button(key="dhc_change_back").click().run()
    assert not (folder / rundir.CHANGE).exists()
    assert at.number_input(key="dhc_change_patience_3").value == 22


def test_only_what_has_an_effect_can_be_changed_on_live(house: Path) -> None:
    folder = run(house, 1, epochs=6, how="running", settings={"fit.epochs": 40, "schedule.name": "cosine"})
    at = open_page("live", run=folder.name)
    at.session_state["dhc_change_box"] = True
    at.run()
    keys = {field.key for field in at.number_input}
    assert keys == {"dhc_change_learning_rate_1"}
    at.number_input[0].set_value(3e-4).run()
    assert "The schedule goes on, each later rate multiplied by the new rate over the planned one." in texts(at)
    ended = open_page("live", run=run(house, 2, epochs=6).name)
    assert "Change while it trains" not in {box.label for box in ended.expander}
