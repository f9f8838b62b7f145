"""The curve coach on Live, run without a browser: marks, the list, the copy with its change, a broken rules file, a run that grows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from make_run import LEARNING_RATE, How, make_run
from screens import open_page, sent, texts

from dhc.analysis import coach
from dhc.runs import rundir

pytestmark = pytest.mark.pages

RUN = "20260101-000000-vgg16-0001"
FALLING = [3.0, 2.5, 2.0, 1.5, 1.2, 1.0, 0.8, 0.6, 0.5, 0.4]
RISING = [2.8, 2.2, 1.8, 1.7, 1.9, 2.1, 2.4, 2.7, 3.0, 3.3]


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_data: Path) -> Path:
    monkeypatch.setenv("DHC_RUNS_DIR", str(tmp_path / "runs"))
    monkeypatch.setenv("DHC_DATA_DIR", str(tiny_data.parent))
    return tmp_path / "runs"


def write(folder: Path, val_loss: Sequence[float], loss: Sequence[float], first: int = 1) -> None:
    """Append epochs with these losses; accuracy grows slowly from 0.5 on, of three classes."""
    with rundir.RunWriter(folder) as writer:
        for epoch, (val, train) in enumerate(zip(val_loss, loss, strict=True), start=first):
            shared: dict[str, Any] = {
                "epoch": epoch,
                "loss": train,
                "accuracy": 0.5 + 0.01 * epoch,
                "pictures_per_second": 9.0,
            }
            writer.event("batch", position=float(epoch), **shared)
            writer.event(
                "epoch", val_loss=val, val_accuracy=0.6, learning_rate=LEARNING_RATE, seconds=10.0, best=epoch == 1, **shared
            )  # fmt: skip


def overfitted(runs: Path, data: Path, how: How = "finished", epochs: int = 10, **settings: Any) -> Path:
    """A run whose val_loss rises from its fourth epoch on."""
    folder = make_run(runs, data, run_id=RUN, how=how, settings={"fit.epochs": 12, "data.classes": 3, **settings})
    (folder / rundir.EVENTS).unlink()
    write(folder, RISING[:epochs], FALLING[:epochs])
    return folder


def test_the_list_says_what_was_seen_and_the_button_fills_the_form_with_the_change(runs: Path, tiny_data: Path) -> None:
    overfitted(runs, tiny_data, **{"model.dense_dropout": 0.4, "model.conv_dropout": 0.25})
    app = open_page("live", run=RUN)
    assert not app.exception
    said = texts(app)
    assert "What the curve says" in [element.value for element in app.subheader]
    assert (
        "**Overfitting begins**, epoch 4: val_loss (mean of 3 epochs) rose 5 epochs in a row up to epoch 10, 1.80 to 3.00"
        in said
    )
    assert "learns the training pictures by heart" in said
    figures = [json.loads(chart["figure"]) for chart in sent(app, "plot")[:2]]
    assert [figure["data"][-1]["uid"] for figure in figures] == ["coach", "coach"]
    assert all("1" in figure["data"][-1]["text"] for figure in figures)
    button = app.button(key="dhc_coach_clone_overfitting")
    assert button.label == "Clone with conv_dropout 0.25 → 0.35, dense_dropout 0.4 → 0.5"
    button.click().run()
    assert not app.exception
    assert app.number_input(key="dhc_form_model.conv_dropout").value == 0.35
    assert app.number_input(key="dhc_form_fit.epochs").value == 12
    assert app.session_state["dhc_parent"] == RUN


def test_a_run_that_still_learned_at_its_end_can_be_gone_on_with(runs: Path, tiny_data: Path) -> None:
    make_run(runs, tiny_data, run_id=RUN, epochs=8, accuracy=0.9, settings={"fit.epochs": 8, "data.classes": 3})
    app = open_page("live", run=RUN)
    assert "Still learning at the end" in texts(app)
    app.button(key="dhc_coach_go_on_still-learning").click().run()
    assert not app.exception
    assert app.query_params["go_on"]


def test_a_run_that_grows_gets_its_mark_when_the_rule_first_holds(runs: Path, tiny_data: Path) -> None:
    folder = overfitted(runs, tiny_data, how="running", epochs=7)
    app = open_page("live", run=RUN)
    assert "Overfitting begins" not in texts(app)
    write(folder, RISING[7:], FALLING[7:], first=8)
    app.run()
    assert not app.exception
    assert "Overfitting begins" in texts(app)


def test_a_broken_rules_file_is_one_sentence_and_the_curves_stay(
    runs: Path, tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    overfitted(runs, tiny_data)
    broken = tmp_path / "coach.toml"
    broken.write_text("[[rule]]\nid = 'a'\ntitle = 'A'\nlesson = 'L'\nlook_for = 'magic'\n", encoding="utf-8")
    monkeypatch.setattr(coach, "RULES", broken)
    app = open_page("live", run=RUN)
    assert not app.exception
    assert "The curve coach is silent: coach.toml, rule 1 (a), look_for: there is no 'magic'" in texts(app)
    assert len(sent(app, "plot")) == 3
    broken.unlink()
    assert "coach.toml cannot be read" in texts(app.run())
    broken.write_text("", encoding="utf-8")
    assert "silent" not in texts(app.run())


def test_a_teachers_own_words_are_shown_letter_for_letter(
    runs: Path, tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    overfitted(runs, tiny_data)
    own = tmp_path / "coach.toml"
    rule = '[[rule]]\nid="x y"\ntitle="<b>T</b>"\nlook_for="overfitting"\nlesson="![](http://x.example/a.png) $a$"\ntry=[]\n'
    own.write_text(rule, encoding="utf-8")
    monkeypatch.setattr(coach, "RULES", own)
    app = open_page("live", run=RUN)
    assert not app.exception
    raw = "\n".join(element.value for element in app.markdown)
    assert "![](" not in raw
    assert "<b>" not in raw
    assert not [button for button in app.button if str(button.key).startswith("dhc_coach")]
