"""Bets: settled by hand-made runs, asked on Train, shown on the card and over all runs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from make_run import make_run
from screens import open_code, open_page, sent, texts
from streamlit.testing.v1 import AppTest

from dhc.analysis.bets import Bet, Calibration, bets_of, calibration, settled_bets
from dhc.figures import bets as figures
from dhc.jobs import launch
from dhc.runs import rundir
from dhc.runs.store import Store

PARENT, CHILD, OTHER = (f"20260101-00000{n}-vgg16-000{n}" for n in range(3))
PAGE = """
from dhc.ui.shell import session
from dhc.ui.train import bet
from dhc.ui.runs.compare import bets
from dhc.ui.shell.frame import frame
frame("Runs", ":material/table_rows:")
runs = session.store().runs()
for info in runs:
    bet.card(info)
bets.draw(runs[:1])
"""


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_data: Path) -> Path:
    monkeypatch.setenv("DHC_RUNS_DIR", str(tmp_path / "runs"))
    monkeypatch.setenv("DHC_DATA_DIR", str(tiny_data.parent))
    return tmp_path / "runs"


def bet_on(folder: Path, **bet: float) -> Path:
    request = rundir.read_json(folder / rundir.REQUEST) or {}
    rundir.write_json(folder / rundir.REQUEST, request | {"bet": bet})
    return folder


def test_a_bet_is_settled_by_the_best_val_accuracy_of_a_run_that_has_ended(runs: Path, tiny_data: Path) -> None:
    bet_on(make_run(runs, tiny_data, run_id=PARENT), val_accuracy=0.8, accuracy=0.9)
    bet_on(make_run(runs, tiny_data, run_id=CHILD, how="running"), val_accuracy=0.8)
    make_run(runs, tiny_data, run_id=OTHER)
    info = replace(Store(runs).run(PARENT), best_val_accuracy=0.75, val_accuracy=0.6, accuracy=1.0)
    val_accuracy, accuracy = bets_of(info)
    assert val_accuracy == Bet(PARENT, info.title, "val_accuracy", 0.8, 0.75, 0.6)
    assert accuracy == Bet(PARENT, info.title, "accuracy", 0.9, 1.0, 1.0)
    assert [round(bet.error, 6) for bet in bets_of(info)] == [0.05, -0.1]
    assert bets_of(replace(info, accuracy=None)) == bets_of(info)[:1]
    assert {bet.run for bet in settled_bets(Store(runs).runs())} == {PARENT}


def test_bias_is_the_mean_error_and_distance_the_mean_absolute_one() -> None:
    bets = [Bet("r", "r", "accuracy", guess, 0.5) for guess in (0.5, 0.75, 0.25, 1.0)]
    assert calibration(bets) == Calibration(4, 0.125, 0.25)
    assert calibration([]) is None


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=20))
def test_nobody_is_further_off_in_sum_than_bet_by_bet(pairs: list[tuple[float, float]]) -> None:
    record = calibration([Bet("r", "r", "accuracy", guess, result) for guess, result in pairs])
    assert record is not None
    assert abs(record.bias) <= record.mean_absolute_error + 1e-12
    assert record.mean_absolute_error <= 1


def test_the_chart_has_a_dot_for_each_bet_and_a_ring_around_the_selected() -> None:
    figure = figures.calibration([Bet("a", "<b>", "accuracy", 0.5, 0.6), Bet("b", "b", "accuracy", 0.7, 0.6)], {"a"})
    dots = figure.data[2]
    assert list(dots.customdata) == ["a", "b"]
    assert list(dots.marker.line.width) == [3, 0]
    assert dots.text[0] == "&lt;b&gt;"


def start(app: AppTest) -> None:
    (button,) = [button for button in app.button if str(button.label).startswith(("Start training", "Queue behind"))]
    button.click().run()
    assert not app.exception


def test_a_bet_on_train_goes_with_the_run(runs: Path, tiny_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "start_worker", lambda runs_dir, device: None)  # it stays in the queue
    app = open_page("train")
    app.number_input(key="dhc_bet_val_accuracy").set_value(0.81).run()
    assert "Your bet: val_accuracy 0.810" in texts(app)
    start(app)
    (info,) = Store(runs).runs()
    assert info.bet == {"val_accuracy": 0.81}


def test_no_bet_is_asked_for_and_none_is_kept(runs: Path, tiny_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "start_worker", lambda runs_dir, device: None)
    app = open_page("train")
    assert "Your bet" not in texts(app)
    start(app)
    (info,) = Store(runs).runs()
    assert info.bet is None


def test_a_change_against_the_parent_is_kept_as_a_value_and_one_out_of_bounds_is_told(
    runs: Path, tiny_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launch, "start_worker", lambda runs_dir, device: None)
    parent = Store(runs).run(make_run(runs, tiny_data, run_id=PARENT, epochs=4, accuracy=0.7).name)
    assert parent.best_val_accuracy is not None
    app = open_page("train", run=PARENT)
    (like,) = [button for button in app.button if button.label == "Like the chosen run"]
    like.click().run()
    app.number_input(key="dhc_bet_val_accuracy_points").set_value(90.0).run()
    assert "A bet of +90 points on a val_accuracy of" in texts(app)
    app.number_input(key="dhc_bet_val_accuracy_points").set_value(1.0).run()
    app.number_input(key="dhc_bet_accuracy_points").set_value(-3.0).run()
    start(app)
    child = next(info for info in Store(runs).runs() if info.id != PARENT)
    assert child.parent == PARENT
    assert child.bet is not None
    assert child.bet["val_accuracy"] == pytest.approx(parent.best_val_accuracy + 0.01)
    assert child.bet["accuracy"] == pytest.approx((parent.accuracy or 0) - 0.03)


def test_the_card_sets_the_guess_beside_the_result_and_the_panel_all_of_them(
    runs: Path, tiny_data: Path, tmp_path: Path
) -> None:
    folder = bet_on(make_run(runs, tiny_data, run_id=PARENT), val_accuracy=0.5)
    summary = rundir.read_json(folder / rundir.SUMMARY) or {}
    rundir.write_json(folder / rundir.SUMMARY, summary | {"val_accuracy": 0.6})
    info = Store(runs).run(PARENT)
    assert info.best_val_accuracy is not None
    assert info.val_accuracy is not None
    assert info.val_accuracy != info.best_val_accuracy
    bet_on(make_run(runs, tiny_data, run_id=CHILD, how="running"), val_accuracy=0.8)
    app = open_code(tmp_path, PAGE)
    assert not app.exception
    off = (info.best_val_accuracy - 0.5) * 100
    settled = f"Bet val_accuracy **0.500**, best **{info.best_val_accuracy:.3f}**: {off:.1f} points too low."
    assert f"{settled} After the last epoch it was {info.val_accuracy:.3f}." in texts(app)
    assert "Bet: val_accuracy 0.800." in texts(app)
    assert (
        f"**val_accuracy**: 1 bet, on average {off:.1f} points too low; mean absolute error {off:.1f} points."
        in texts(app)
    )
    (chart,) = sent(app, "plot")
    assert PARENT in json.dumps(chart["figure"])


def test_before_the_first_settled_bet_the_panel_says_how_to_make_one(
    runs: Path, tiny_data: Path, tmp_path: Path
) -> None:
    make_run(runs, tiny_data, run_id=PARENT)
    assert "No bet has come to its end yet" in texts(open_code(tmp_path, PAGE))
