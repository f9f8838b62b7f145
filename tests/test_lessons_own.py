"""The lessons that only one's own runs can give: their ideas against numbers computed by hand, their pages on a run made by hand."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from make_run import add_health, make_run, write_predictions, write_training
from screens import address, click, open_page, sent, texts
from streamlit.testing.v1 import AppTest

from dhc.analysis import dynamics
from dhc.analysis.sureness import reliability, scale, sureness
from dhc.files import gate
from dhc.jobs import launch
from dhc.lessons import calibration, cartography, dead, explosion, forgetting
from dhc.runs import rundir
from dhc.runs.contract import RateSearch, Request, write_exit
from dhc.runs.dynamics import read_dynamics
from dhc.runs.predictions import read_predictions
from dhc.runs.store import Store
from dhc.ui.lessons.figures.forgotten import PAGE

RUN = "20260101-000000-vgg16-0001"
HOT = "20260103-000000-vgg16-0003"
SEARCH = "20260102-000000-vgg16-0002"
LAYERS = ("conv 1", "norm 1", "dense 1")
LOSSES = [2.0, 2.0, 2.1, 1.9, 1.5, 1.2, 1.0, 1.4, 2.5, 1.8, 3.0, 9.0]


def test_a_loss_blows_up_where_it_leaves_the_loss_of_the_start_for_good() -> None:
    assert explosion.start_loss(np.array([2.0, 1.0])) == 2.0
    assert explosion.blow_up(np.array([2, 1, 3, 1, 4, 9.0])) == 4
    assert explosion.blow_up(np.array([2, 1, 3, np.nan, np.nan])) == 2
    assert explosion.blow_up(np.array([2, 1, 3, 1.5])) is None
    assert explosion.blow_up(np.array([2.0])) is None
    assert (explosion.times_off(0.1, 0.4), explosion.times_off(0.4, 0.1)) == (4, 4)
    with pytest.raises(ValueError, match="has no start"):
        explosion.start_loss(np.array([]))


def flicker(run: Path) -> None:
    """Let every third answer of the epochs before the best one be another class's."""
    known = read_predictions(run)
    flips = np.random.default_rng(0).random(known.y_pred.shape) < 0.33
    flips[known.best_epoch - 1] = False
    y_pred = np.where(flips, (known.y_pred + 1) % len(known.classes), known.y_pred)
    write_predictions(run, known.ids, known.y_true, y_pred, known.best_epoch, known.probabilities, known.classes)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, eight_classes: Path) -> Iterator[Path]:
    """The folder of one run, of all that its lessons draw from, and of one search with its settings."""
    folder = tmp_path_factory.mktemp("own") / "runs"
    run = make_run(folder, eight_classes, run_id=RUN)
    flicker(run)
    write_training(run, eight_classes)
    add_health(run, [1, 3, 6], LAYERS, dead_share=[0.1, np.nan, 0.05])
    search = make_run(folder, eight_classes, run_id=SEARCH, epochs=1)
    (search / rundir.EVENTS).unlink()
    Request(queued_at=1.0, device="cpu", search=RateSearch(low=1e-6, high=1.0, batches=40)).write(search)
    with rundir.RunWriter(search) as writer:
        for batch, loss in enumerate(LOSSES):
            writer.event("search", batch=batch + 1, learning_rate=10 ** (batch / 2 - 6), loss=loss)
    write_exit(search, "finished", "blew up", code=0)
    before = dict(os.environ)
    os.environ |= {"DHC_RUNS_DIR": str(folder), "DHC_DATA_DIR": str(eight_classes.parent)}
    yield folder
    os.environ.clear()
    os.environ |= before


def lesson(name: str, **words: str) -> AppTest:
    at = open_page("lessons", lesson=name, **words)
    assert not at.exception
    return at


def figure(at: AppTest, number: int = 0) -> Any:
    return json.loads(sent(at, "plot")[number]["figure"])


def annotations(at: AppTest) -> str:
    return " ".join(one["text"] for one in figure(at)["layout"]["annotations"])


@pytest.mark.pages
def test_a_bet_on_the_blow_up_is_settled_by_the_search_and_hidden_before(runs: Path) -> None:
    at = lesson("blow-up", bet="1e-2")
    assert "blows up" not in annotations(at)
    assert len(figure(at)["data"][0]["x"]) < len(LOSSES)
    at.button(key="dhc_lesson_blow-up_bet_now").click().run()
    assert (address(at, "open"), address(at, "search")) == ("on", SEARCH)
    assert "You bet **0.01**, it blew up only at **0.1**: 10× too low." in texts(at)
    at = lesson("blow-up", bet="2e-1", open="on", lang="ro")
    assert "explodează la 0,1" in annotations(at)
    assert "prea sus, cu un factor de 2" in texts(at)


def test_a_dead_unit_answers_nothing_and_learns_nothing() -> None:
    inputs = np.array([[-1.0, 2.0, -3.0], [-0.5, -1.0, 0.0]])
    assert dead.relu(inputs).tolist() == [[0, 2, 0], [0, 0, 0]]
    assert dead.relu(inputs, dead.LEAK).tolist() == [[-0.2, 2, pytest.approx(-0.6)], [-0.1, -0.2, 0]]
    assert dead.slope(inputs, dead.LEAK).tolist() == [[0.2, 1, 0.2], [0.2, 0.2, 0.2]]
    assert dead.is_dead(inputs).tolist() == [True, False, True]
    assert dead.deadly_rate(highest=1, bias=0.5, gradient=3) == 0.5
    with pytest.raises(ValueError, match="living unit"):
        dead.deadly_rate(highest=1, bias=-1, gradient=3)


@pytest.mark.pages
def test_the_partner_at_ten_times_the_rate_is_offered_then_bet_on_then_shown(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launch, "start_worker", lambda *_: None)  # it waits: nothing is trained here
    at = lesson("dead-units")
    assert "not trained yet" in annotations(at)
    (start,) = [button for button in at.button if button.key == "dhc_lesson_dead-units_hot"]
    assert start.label.startswith("Start it: ")
    start.click().run()
    assert [one.proto.text for one in at.get("progress")] == [
        "0 of 6 epochs are done. What is missing here appears by itself."
    ]
    (queued,) = [info for info in Store(runs).runs() if info.state.alive]
    assert queued.config is not None
    assert (queued.config.optimizer.learning_rate, queued.parent) == (0.01, RUN)
    shutil.rmtree(queued.folder)
    hot = {"optimizer.learning_rate": 0.01, "fit.seed": 3}
    folder = make_run(runs, Path(os.environ["DHC_DATA_DIR"]) / "eight", run_id=HOT, settings=hot)
    try:
        add_health(folder, [1, 3, 6], LAYERS, dead_share=[[0.1, np.nan, 0.4], [0.1, np.nan, 0.6], [0.2, np.nan, 0.7]])
        at = lesson("dead-units", run=RUN, bet="30")
        assert len(figure(at)["data"][0]["y"]) == 2  # norm 1 has no ReLU
        assert "rate 0.01" not in annotations(at)
        at.button(key="dhc_lesson_dead-units_bet_now").click().run()
        assert "rate 0.01, val 0.75" in annotations(at)
        said = "In **dense 1**, the worst layer, **70%** are dead, 40 percentage points more. At the lower rate 10%, in conv 1."
        assert said in texts(at)
        assert "**70%** sunt morți, cu 40 p.p. mai mult" in texts(
            lesson("dead-units", run=RUN, bet="30", open="on", lang="ro")
        )
    finally:
        shutil.rmtree(folder)


def test_a_picture_is_forgotten_when_it_was_right_and_is_wrong_after_the_next_epoch() -> None:
    rights = np.array([[1, 0, 0, 1], [0, 0, 1, 1], [1, 0, 1, 0], [1, 0, 1, 1], [0, 0, 1, 0]], bool)
    assert forgetting.events(rights).tolist() == [2, 0, 0, 2]
    assert forgetting.is_forgotten(rights).sum(axis=1).tolist() == [0, 1, 1, 0, 2]
    assert forgetting.most_forgotten(rights).tolist() == [0, 3]  # both were right three times
    assert forgetting.unforgettable(rights).tolist() == [2]
    assert forgetting.never_learned(rights).tolist() == [1]


@pytest.mark.pages
def test_the_pictures_most_often_forgotten_are_rows_that_open(runs: Path) -> None:
    predictions = read_predictions(runs / RUN)
    rights = predictions.y_pred == predictions.y_true
    order, share = forgetting.most_forgotten(rights), (forgetting.events(rights) > 0).mean()
    at = lesson("forgotten", run=RUN, bet="10", open="on", lang="ro")
    assert f"sunt **{share:.0%}**" in texts(at)
    drawn = figure(at)
    assert len(drawn["layout"]["images"]) == PAGE
    assert drawn["layout"]["yaxis2"]["ticktext"][0] == f"{forgetting.events(rights)[order[0]]}×"
    cell = {"customdata": int(order[2]), "x": 1, "y": 2, "z": 1, "curve": 1, "point": [2, 0]}
    at = click(at, "dhc_lesson_forgotten_courses", cell)
    assert address(at, "place") == "3"
    at.session_state["dhc_lesson_forgotten_courses"] = {"click": None}
    at.button(key="dhc_lesson_forgotten_later").click().run()
    assert address(at, "place") == "4"
    assert f"4 din {len(order)}" in texts(at)


def test_a_picture_lies_where_its_probabilities_say(runs: Path) -> None:
    p = np.array([[0.2, 1.0], [0.8, 1.0], [0.2, 1.0], [0.8, 1.0]])
    assert cartography.confidence(p) == pytest.approx([0.5, 1])
    assert cartography.variability(p) == pytest.approx([0.3, 0])
    assert cartography.most_variability(np.array([0, 0.5, 1])) == pytest.approx([0, 0.5, 0])
    record = read_dynamics(runs / RUN)
    assert record is not None
    assert cartography.confidence(record.p) == pytest.approx(dynamics.confidence(record))
    assert cartography.variability(record.p) == pytest.approx(dynamics.variability(record), abs=1e-6)


@pytest.mark.pages
def test_the_map_names_its_corners_only_after_the_bet_and_then_shows_their_pictures(runs: Path) -> None:
    record = read_dynamics(runs / RUN)
    assert record is not None
    mapped = dynamics.data_map(record)
    at = lesson("data-map", run=RUN)
    assert "Hard" not in annotations(at)
    assert sent(at, "gallery") == []
    at = lesson("data-map", run=RUN, open="on", bet="hard", lang="ro")
    assert "Grele" in annotations(at)
    assert "Într-adevăr, C." in texts(at)
    in_corner = ((mapped.confidence < 0.5) & (mapped.variability < 0.25)).any()
    assert ("nicio imagine nu e în acel colț" in texts(at)) is not in_corner
    first = int(mapped.region("hard")[0])
    assert f"{mapped.confidence[first]:.2f} ±".replace(".", ",") in texts(at)
    (control,) = [one for one in at.segmented_control if one.key == "dhc_lesson_data-map_corner"]
    control.set_value("ambiguous").run()
    most = int(mapped.region("ambiguous")[0])
    assert f"± {mapped.variability[most]:.2f}".replace(".", ",") in texts(at)
    click(at, "dhc_lesson_data-map_map", {"customdata": 7, "x": 0, "y": 0, "z": None, "curve": 1, "point": 0})
    assert address(at, "train") == "7"


def test_a_temperature_moves_the_confidence_and_no_answer(runs: Path) -> None:
    assert calibration.tempered(np.array([[0.8, 0.2]]), 2.0) == pytest.approx(np.array([[2 / 3, 1 / 3]]))
    bins = calibration.reliability(np.full(10, 0.9), np.arange(10) < 7)
    assert [(bin.low, bin.count, bin.accuracy) for bin in bins] == [(0.8, 10, 0.7)]
    assert calibration.calibration_error(bins) == pytest.approx(0.2)
    predictions = read_predictions(runs / RUN)
    probabilities = predictions.probabilities.astype(float)
    for temperature in (0.25, 1.0, 3.0):
        assert calibration.tempered(probabilities, temperature) == pytest.approx(
            scale(probabilities, temperature), abs=1e-6
        )
    answers = sureness(predictions)
    ours = calibration.reliability(answers.confidences, answers.right, 15)
    assert [vars(bin) for bin in ours] == [
        {name: value for name, value in vars(bin).items() if name != "interval"} for bin in reliability(answers)
    ]
    assert calibration.calibration_error(ours) == pytest.approx(answers.ece)


@pytest.mark.pages
def test_the_temperature_moves_the_bars_and_changes_no_answer(runs: Path) -> None:
    at = lesson("nine-of-ten", run=RUN)
    assert "ECE **" not in texts(at)
    at = lesson("nine-of-ten", run=RUN, open="on", t="4")
    probabilities = read_predictions(runs / RUN).probabilities.astype(float)
    confidences = calibration.tempered(probabilities, 4.0).max(axis=1)
    drawn = next(trace for trace in figure(at)["data"] if trace.get("uid") == "right")
    assert sum(count for count, _ in drawn["customdata"]) == len(confidences)
    assert "answers changed: **0**" in texts(at)
    assert "accuracy **0.750**" in texts(at)
    at.button(key="dhc_lesson_nine-of-ten_best").click().run()
    assert address(at, "t") != "4"
    assert "răspunsuri schimbate: **0**" in texts(lesson("nine-of-ten", run=RUN, open="on", t="0.25", lang="ro"))


@pytest.mark.pages
@pytest.mark.parametrize("name", ["blow-up", "dead-units", "forgotten", "data-map", "nine-of-ten"])
def test_a_hostile_address_an_empty_folder_and_a_view_that_reads_break_no_lesson(
    runs: Path, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wild = {"bet": "<b>9</b>", "open": "1e999", "run": "../../x", "search": "x", "list": "0", "place": "-1", "t": "nan"}
    at = lesson(name, **wild, train="99999999", corner="east")
    assert {name: address(at, name) for name in ("bet", "open", "run")} == {"bet": None, "open": None, "run": None}
    (tmp_path / RUN).mkdir()
    (tmp_path / RUN / rundir.CONFIG).write_text('{"torn": ', encoding="utf-8")
    monkeypatch.setenv("DHC_RUNS_DIR", str(tmp_path))
    assert f"run {RUN}: config.json does not hold" in texts(lesson(name, run=RUN))
    at = lesson(name)
    assert [button.label for button in at.button if button.label.startswith("Start it: ")], "trains what is missing"
    monkeypatch.setattr(gate, "is_shut", lambda: True)
    at = lesson(name, lang="ro")
    assert [button for button in at.button if button.label.startswith("Pornește")] == []
    assert "Modul acesta e doar pentru citire" in texts(at)
    monkeypatch.setattr(gate, "is_shut", lambda: False)
    monkeypatch.setenv("DHC_DATA_DIR", str(tmp_path))
    assert "The demo on Home" in texts(lesson(name))
