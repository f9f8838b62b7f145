"""The search for a learning rate on Train and on Live."""

from __future__ import annotations

import json
import os
import re
import socket
from pathlib import Path

import pytest
from screens import open_page, page_links, sent, texts
from streamlit.testing.v1 import AppTest

from dhc.errors import RunError
from dhc.jobs import launch
from dhc.jobs.values import parse_values
from dhc.models.presets import preset_config
from dhc.models.search import rate_of_batch
from dhc.runs.contract import SEARCH_NAME, Process, RateSearch, Request, write_exit
from dhc.runs.identity import identify
from dhc.runs.rundir import RunWriter
from dhc.runs.store import Store

pytestmark = pytest.mark.pages

SEARCH = RateSearch(low=1e-6, high=1, batches=60)


@pytest.fixture
def runs(tmp_path: Path, tiny_data: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of runs in which a search waits, with the settings of the quick demo."""
    folder = tmp_path / "runs"
    monkeypatch.setenv("DHC_RUNS_DIR", str(folder))
    monkeypatch.setenv("DHC_DATA_DIR", str(tiny_data.parent))
    monkeypatch.setattr(launch, "start_worker", lambda *_: None)
    config = preset_config("quick").with_values({"data.path": str(tiny_data)})
    launch.launch(config, folder, name=SEARCH_NAME, note="bet: blows up at 0.1", search=SEARCH)
    return folder


def finish(runs: Path, *passes: list[float]) -> str:
    (info,) = Store(runs).searches()
    with RunWriter(info.folder) as writer:
        for which, losses in enumerate(passes, start=1):
            for number, loss in enumerate(losses):
                rate = rate_of_batch(number, SEARCH.low, SEARCH.high, SEARCH.batches)
                writer.event("search", **{"pass": which, "batch": number + 1, "learning_rate": rate, "loss": loss})
    write_exit(info.folder, "finished", "the loss blew up at a learning rate of 0.2")
    return info.id


def falling() -> list[float]:
    return [3 - 0.03 * max(0, number - 20) for number in range(50)] + [2.5, 4, 9, 30, 100]


def open_train(tiny_data: Path) -> AppTest:
    at = open_page("train", data=str(tiny_data))
    at.session_state["dhc_rate_box"] = True
    at.run()
    assert not at.exception
    return at


def test_a_search_that_waits_is_watched_and_is_no_run(runs: Path, tiny_data: Path) -> None:
    at = open_train(tiny_data)
    assert "It waits its turn like a run" in texts(at)
    assert "Waiting for its turn" in texts(at)
    assert not [button for button in at.button if button.key == "dhc_rate_start"]
    assert "No runs yet" in texts(open_page("runs")) or not open_page("runs").dataframe


def test_its_suggestion_goes_into_the_form_and_the_run_says_where_its_rate_comes_from(
    runs: Path, tiny_data: Path
) -> None:
    run_id = finish(runs, falling())
    at = open_train(tiny_data)
    assert "Bet: blows up at 0.1" in texts(at)
    figures = [json.loads(chart["figure"]) for chart in sent(at, "plot")]
    names = {
        annotation["text"].split()[0] for figure in figures for annotation in figure["layout"].get("annotations", ())
    }
    assert {"start", "valley", "steep", "in"} <= names
    button = next(button for button in at.button if button.key == "dhc_rate_use_start")
    button.click().run()
    rate = at.number_input(key="dhc_form_optimizer.learning_rate").value
    assert rate == float(button.label.split()[1]), "what the button says"
    next(button for button in at.button if button.label.startswith("Start")).click().run()
    (info,) = Store(runs).runs()
    assert info.sought == run_id
    assert info.config is not None
    assert info.config.optimizer.learning_rate == rate


def test_the_rates_around_its_suggestion_become_a_sweep(runs: Path, tiny_data: Path) -> None:
    finish(runs, falling())
    at = open_train(tiny_data)
    suggested = float(at.button(key="dhc_rate_use_start").label.split()[1])
    at.button(key="dhc_rate_sweep").click().run()
    assert not at.exception
    assert at.session_state["dhc_sweep_mode"] == "Sweep"
    text = at.text_input(key="dhc_sweep_optimizer.learning_rate").value
    rates = parse_values("optimizer.learning_rate", text)
    assert rates == pytest.approx([suggested / 2, suggested, 2 * suggested, 4 * suggested], rel=0.05)


def test_a_search_that_ended_at_once_suggests_nothing(runs: Path, tiny_data: Path) -> None:
    finish(runs, [3.0, 90.0])
    assert "No rate can be suggested, since too few batches ran" in texts(open_train(tiny_data))


def test_live_shows_a_search_at_its_address(runs: Path, tiny_data: Path) -> None:
    run_id = finish(runs, falling() + [100.0] * 5, [3.0] * 10 + falling()[:-5] + [100.0] * 10)
    at = open_page("live", run=run_id)
    assert not at.exception
    assert any("blew up at a learning rate" in element.value for element in at.markdown)
    rates = re.search(r"its passes suggest rates from ([\d.]+) to ([\d.]+)\.", texts(at))
    assert rates is not None
    label = at.button(key="dhc_rate_use_start").label
    assert float(rates[1]) < float(label.split()[1]) < float(rates[2])


def test_a_search_that_waits_stands_in_the_queue_and_can_be_taken_out(runs: Path) -> None:
    (info,) = Store(runs).searches()
    at = open_page("runs")
    assert "1 run waiting" in texts(at)
    assert "learning-rate search" in texts(at)
    at.button(key=f"dhc_cancel_{info.id}").click().run()
    assert Store(runs).searches()[0].state.value == "stopped"
    assert not at.exception


def test_searches_are_listed_with_their_suggestion_deleted_and_brought_back(runs: Path, tiny_data: Path) -> None:
    run_id = finish(runs, falling())
    at = open_train(tiny_data)
    at.session_state["dhc_searches_fold"] = True
    at.run()
    assert " suggested" in texts(at)
    assert "Its curve" in page_links(at)
    at.button(key=f"dhc_searches_delete_{run_id}").click().run()
    assert Store(runs).searches() == []
    (back,) = [button for button in at.button if (button.key or "").startswith("dhc_searches_back_")]
    back.click().run()
    assert [info.id for info in Store(runs).searches()] == [run_id]
    assert not at.exception


def test_a_search_that_goes_is_promised_neither_epochs_nor_a_network(runs: Path) -> None:
    (info,) = Store(runs).searches()
    with RunWriter(info.folder) as writer:
        writer.phase("training")
        writer.event("search", batch=1, learning_rate=1e-6, loss=2.0)
    child = identify(os.getpid())
    Process(child=child, worker=child, host=socket.gethostname()).write(info.folder)
    at = open_page("live", run=info.id)
    assert [bar.proto.text for bar in at.get("progress")] == ["1 of 60 batches"]
    Request.change(info.folder, search=SEARCH.model_copy(update={"passes": 3}).model_dump())
    with RunWriter(info.folder) as writer:
        writer.event("search", **{"pass": 2, "batch": 1, "learning_rate": 1e-6, "loss": 2.0})
    going = open_page("live", run=info.id).get("progress")
    assert [bar.proto.text for bar in going] == ["pass 2 of 3: 1 of 60 batches"]
    assert "dhc-stop-after-epoch" not in {button.key for button in at.button}
    assert "Ends at the next batch; the batches so far are kept." in texts(at)
    assert "best network" not in texts(at)
    with pytest.raises(RunError, match="searches for a learning rate and has no epochs"):
        launch.stop_after_epoch(runs, info.id)


def test_the_rate_must_grow(runs: Path, tiny_data: Path) -> None:
    finish(runs, falling())
    at = open_train(tiny_data)
    at.number_input(key="dhc_rate_low").set_value(20.0).run()
    assert any("The learning rate must grow" in error.value for error in at.error)
    assert next(button for button in at.button if button.key == "dhc_rate_start").disabled
    at.number_input(key="dhc_rate_low").set_value(1e-5).run()
    next(button for button in at.button if button.key == "dhc_rate_start").click().run()
    assert len(Store(runs).searches()) == 2
