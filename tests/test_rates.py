"""The search for a learning rate: its rules on recorded losses, and real searches on a tiny network."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from dhc.analysis.rates import RateSuggestions, centre, read_search, steep, suggestions, valley
from dhc.cli import cli
from dhc.cli.search import outcome, sentence
from dhc.config import RunConfig, ScheduleConfig
from dhc.figures import rates as figures
from dhc.models.search import ending, has_diverged, rate_of_batch, seed_of_pass, smooth
from dhc.runs.contract import MOST_BATCHES, MOST_PASSES, RateSearch, Request, write_exit
from dhc.runs.events import EventLog
from dhc.runs.rundir import RunWriter
from dhc.runs.store import Store
from dhc.training.__main__ import main as train

# Recorded searches (one broken by losses that are no numbers), with what fast.ai's own rules say of them.
RECORDED = json.loads((Path(__file__).parent / "goldens" / "rates.json").read_text(encoding="utf-8"))
# Twelve passes of 50 batches from 1e-7 to 10 of one network, the preset quick on twelve classes: each batch's loss.
PASSES = json.loads((Path(__file__).parent / "goldens" / "passes.json").read_text(encoding="utf-8"))
LOSSES = st.lists(st.integers(1, 1000).map(lambda thousandths: thousandths / 1024), min_size=3, max_size=60)


@pytest.mark.parametrize("search", RECORDED)
def test_suggestions_are_those_of_fast_ai(search: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dhc.analysis.rates.NOISE", math.inf)  # fast.ai's rules name a steepest place in noise, too
    losses = [np.nan if loss is None else loss for loss in search["loss"]]
    found = suggestions(np.array(search["learning_rate"]), smooth(losses), search["batches"])
    assert found == RateSuggestions(search["valley"], search["steep"])


def test_a_loss_that_falls_once_has_its_valley_there() -> None:
    rates = np.geomspace(1e-6, 1, 13)
    losses = np.array([3, 3.1, 3.2, 3, 2.8, 2.5, 1.9, 1.5, 1.4, 1.3, 4, 6, 9])
    assert steep(rates, losses) == rates[5]
    assert rates[4] <= valley(rates, losses) <= rates[8]


def test_a_steepest_place_long_before_the_loss_falls_is_not_suggested() -> None:
    rates, losses = (
        np.geomspace(1e-7, 10, 100),
        np.concatenate([np.full(60, 3.0), np.linspace(3, 1, 30), np.full(10, 9.0)]),
    )
    assert suggestions(rates, losses, 100).steep is not None
    losses[12:15] = 2.5, 1.0, 2.5  # one lucky batch
    found = suggestions(rates, losses, 100)
    assert found.valley is not None
    assert steep(rates[10:-5], losses[10:-5]) < found.valley / 1000
    assert found.steep is None


@given(LOSSES)
def test_a_suggestion_is_one_of_the_rates_and_does_not_depend_on_the_unit_of_loss(losses: list[float]) -> None:
    rates = np.geomspace(1e-7, 10, len(losses))
    for rule in (valley, steep):
        assert rule(rates, np.array(losses)) in rates
    assert valley(rates, np.array(losses)) == valley(rates, np.array(losses) * 8)


def test_a_schedule_that_begins_at_its_highest_rate_begins_at_the_centre_of_the_fall() -> None:
    found = RateSuggestions(valley=0.003, centre=0.001)
    assert found.start(ScheduleConfig(name="plateau")) == 0.001
    assert found.start(ScheduleConfig(name="warmup", warmup_epochs=0)) == 0.001
    assert found.start(ScheduleConfig(name="cosine", warmup_epochs=2)) == 0.003
    assert RateSuggestions(valley=0.0003, centre=0.001).start(ScheduleConfig(name="warmup", warmup_epochs=2)) == 0.001
    assert RateSuggestions().start(ScheduleConfig()) is None


@given(st.integers(30, 72), st.floats(0.5, 5), st.floats(0.1, 10), st.sampled_from([1, 6]))
def test_a_loss_that_falls_around_a_rate_has_its_centre_there(at: int, fall: float, unit: float, width: int) -> None:
    rates = np.geomspace(1e-7, 10, 101)[:96]
    losses = unit * (6 - fall / (1 + np.exp((at - np.arange(96)) / (width / 4))))
    losses[-3:] = 50 * unit, 900 * unit, np.nan
    found = centre(rates, losses, 100)
    assert found is not None
    assert abs(math.log10(found / rates[at])) < 0.1


def test_the_mean_of_three_passes_has_its_centre_where_single_ones_scatter() -> None:
    single = [read_search(table([losses]), 50) for losses in PASSES]
    pooled = [read_search(table(PASSES[first : first + 3]), 50) for first in range(0, 12, 3)]
    assert spread([curve.suggestions.centre for curve in pooled]) < 0.6 * spread([c.suggestions.centre for c in single])
    assert spread([curve.suggestions.centre for curve in single]) < spread([c.suggestions.valley for c in single])
    assert all(0.0005 < (curve.suggestions.centre or 0) < 0.002 for curve in pooled)


def spread(rates: list[float | None]) -> float:
    """Standard deviation of their logarithms."""
    return float(np.std(np.log10([rate for rate in rates if rate is not None]), ddof=1))


def table(passes: list[list[float]], batches: int = 50) -> pd.DataFrame:
    """The events of a search whose passes had these losses."""
    return pd.DataFrame(
        [
            {"pass": number, "batch": at + 1, "learning_rate": rate_of_batch(at, 1e-7, 10, batches), "loss": loss}
            for number, losses in enumerate(passes, start=1)
            for at, loss in enumerate(losses)
        ],
        columns=["pass", "batch", "learning_rate", "loss"],
    )


def test_passes_are_read_as_their_mean_and_one_that_was_broken_off_does_not_count() -> None:
    first, second, third = PASSES[:3]
    curve = read_search(table([first, second, third[:20]]), 50)
    count = min(len(first), len(second))
    mean = (np.array(first[:count]) + second[:count]) / 2
    assert curve.losses == pytest.approx(mean)
    assert curve.averages == pytest.approx(smooth(mean))
    by_rule = suggestions(curve.rates, smooth(mean), 50)
    assert (curve.suggestions.valley, curve.suggestions.steep) == (by_rule.valley, by_rule.steep)
    centres = [read_search(table([losses]), 50).suggestions.centre for losses in (first, second)]
    assert curve.starts(ScheduleConfig(name="constant")) == (min(filter(None, centres)), max(filter(None, centres)))
    assert [len(one.losses) for one in curve.passes] == [len(first), len(second), 20]
    assert len(figures.search(curve, {}).data) == 3 + 2, "each pass thin, the mean of each batch, their running average"
    begun = read_search(table([first[:30]]), 50)
    assert begun.losses == pytest.approx(first[:30])
    assert begun.starts(ScheduleConfig()) is None
    assert len(figures.search(begun, {}).data) == 2
    assert read_search(table([]), 50).suggestions == RateSuggestions()


def test_too_few_batches_suggest_nothing() -> None:
    assert suggestions(np.geomspace(1e-7, 1, 17), np.ones(17), 100) == RateSuggestions()
    assert suggestions(np.geomspace(1e-7, 1, 20), np.full(20, np.nan), 100) == RateSuggestions()
    assert suggestions(np.array([]), np.array([]), 100) == RateSuggestions()


@pytest.mark.parametrize("dip", [None, 1, 3, 30, 52])
def test_a_loss_that_only_rises_suggests_nothing(dip: int | None) -> None:
    losses = np.arange(60.0)
    if dip is not None:
        losses[dip] -= 1.5
    assert suggestions(np.geomspace(1e-7, 10, 60), losses, 20) == RateSuggestions()


def test_rates_that_round_to_the_same_digits_are_no_steep_fall() -> None:
    assert steep(np.array([1.0, 1.0, 2.0, 4.0]), np.array([9.0, 5.0, 4.0, 1.0])) == 2.0


def test_a_running_average_starts_without_bias_and_ends_a_search_that_blows_up() -> None:
    assert smooth([2.0, 2.0, 2.0]) == pytest.approx([2, 2, 2])
    assert smooth([1.0, 0.0])[1] == pytest.approx(0.98 * 0.02 / (1 - 0.98**2))
    assert not has_diverged(np.array([1.0, 3.9]))
    assert has_diverged(np.array([1.0, 4.1]))
    assert has_diverged(np.array([1.0, np.nan]))
    assert rate_of_batch(50, 1e-4, 1, 100) == pytest.approx(1e-2)


def queue_search(folder: Path, config: RunConfig, search: RateSearch, monkeypatch: pytest.MonkeyPatch) -> str:
    from dhc.jobs import launch

    monkeypatch.setattr(launch, "start_worker", lambda *_: None)
    return launch.launch(config, folder, search=search)


@pytest.mark.slow
def test_a_real_search_ends_when_the_loss_blows_up_and_is_no_run_of_the_list(
    tiny_config: RunConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, forked: None
) -> None:
    config = tiny_config.with_values({"fit.batch_size": 4, "optimizer.name": "sgd", "optimizer.ema_momentum": 0.9})
    run_id = queue_search(tmp_path, config, RateSearch(low=1e-6, high=100, batches=40, passes=2), monkeypatch)
    assert train([str(tmp_path / run_id)]) == 0
    store = Store(tmp_path)
    assert store.runs() == []
    (info,) = store.searches()
    both = store.history(run_id).search
    assert info.state.value == "finished"
    assert "blew up at" in info.status.reason
    table, second = (rows for _, rows in both.groupby("pass"))
    assert list(table["batch"]) == list(range(1, len(table) + 1))
    assert table["learning_rate"].to_numpy() == pytest.approx(
        [rate_of_batch(n, 1e-6, 100, 40) for n in range(len(table))], rel=1e-5
    )
    assert len(table) < 40
    assert not (tmp_path / run_id / "best.keras").exists()
    alike = config.with_values({"fit.seed": seed_of_pass(config.fit.seed, 2)})
    alone = queue_search(tmp_path, alike, RateSearch(low=1e-6, high=100, batches=40), monkeypatch)
    assert train([str(tmp_path / alone)]) == 0
    first = store.history(alone).search
    assert second["loss"].tolist() == first["loss"].tolist(), "a second pass is the first one of a search with its seed"
    assert second["loss"].tolist()[:5] != table["loss"].tolist()[:5]


def test_a_search_that_was_broken_off_begins_anew(tmp_path: Path) -> None:
    folder = tmp_path / "20260101-000000-vgg16-000a"
    folder.mkdir()
    Request(search=RateSearch()).write(folder)
    with RunWriter(folder) as writer:
        for batch in (1, 2, 3, 1, 2):
            writer.event("search", batch=batch, learning_rate=1e-7 * batch, loss=1.0)
    history = Store(tmp_path).history(folder.name)
    assert list(history.search["batch"]) == [1, 2]
    assert list(history.search["pass"]) == [1, 1], "a search from before there were passes"
    with RunWriter(folder) as writer:
        for number, batch in ((1, 1), (1, 2), (2, 1), (1, 1), (1, 2), (2, 1), (2, 2), (MOST_PASSES + 1, 1)):
            writer.event("search", **{"pass": number, "batch": batch, "learning_rate": 1e-7 * batch, "loss": 1.0})
    history = Store(tmp_path).history(folder.name)
    assert list(zip(history.search["pass"], history.search["batch"], strict=True)) == [(1, 1), (1, 2), (2, 1), (2, 2)]


def test_the_command_says_how_far_the_passes_lie_apart(tmp_path: Path) -> None:
    folder, search = tmp_path / "20260101-000000-vgg16-000a", RateSearch(batches=50, passes=3)
    folder.mkdir()
    Request(search=search).write(folder)
    with RunWriter(folder) as writer:
        for row in table(PASSES[:3]).to_dict("records"):
            writer.event("search", **{str(name): value for name, value in row.items()})
    write_exit(folder, "finished", "the loss blew up at a learning rate of 6")
    result = json.loads(json.dumps(outcome(Store(tmp_path), folder.name, search)))
    starts = [one["start"] for one in result["passes"]]
    assert result["range"] == [min(starts), max(starts)]
    assert min(starts) < result["start"] < max(starts)
    assert [len(one["loss"]) for one in result["passes"]] == [len(losses) for losses in PASSES[:3]]
    assert len(result["loss"]) == len(result["learning_rate"]) == min(map(len, PASSES[:3]))
    assert f"; its passes alone {min(starts):.3g} to {max(starts):.3g};"[:24] in sentence(result, 0.001)


@pytest.mark.parametrize(
    ("ends", "words"),
    [
        ([None, None], "all batches done"),
        ([2.31, 2.3], "the loss blew up at a learning rate of 2.3"),
        ([2.8, None, 1.9], "the loss blew up at learning rates of 1.9 to 2.8, in 2 of 3 passes"),
    ],
)
def test_an_end_says_where_the_passes_blew_up(ends: list[float | None], words: str) -> None:
    assert ending(ends) == words


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--low", "1", "--high", "0.1"], "cannot grow from 1 to 0.1"),
        (["--high", "1e9"], "is no number from 1e-12 to 100"),
        (["--low", "0"], "is no number from 1e-12 to 100"),
        (["--passes", "0"], "is no whole number from 1 to 10"),
        (["--set", "model.name=knn"], "nearest neighbours have no learning rate"),
    ],
)
def test_what_cannot_be_sought_is_refused(tiny_data: Path, tmp_path: Path, words: list[str], sentence: str) -> None:
    result = CliRunner().invoke(cli, ["lr-find", "--data", str(tiny_data), "--runs", str(tmp_path), *words])
    assert sentence in f"{result.output} {result.exception}"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("value", [{"low": -1}, {"batches": 10**9}, {"passes": 10**9}, {"high": "much"}, "all", 7])
def test_a_hand_edited_request_is_read_with_distrust(tmp_path: Path, value: Any) -> None:
    folder = tmp_path / "20260101-000000-vgg16-000a"
    folder.mkdir()
    (folder / "request.json").write_text(json.dumps({"search": value}), encoding="utf-8")
    search = Request.of(folder).search
    assert search is None or search == RateSearch()


def test_search_events_that_cannot_be_true_are_left_out(tmp_path: Path) -> None:
    rates = [1e-7, "1e999", -1, 0, None, 1e-6, 1e-8, 1e-6, 1e-5]
    lines = [
        f'{{"t": 1, "kind": "search", "batch": {number}, "learning_rate": {json.dumps(rate)}, "loss": 2.0}}'
        for number, rate in enumerate(rates, start=1)
    ]
    flood = [
        json.dumps({"kind": "search", "batch": number + 10, "learning_rate": 1e-4 + number * 1e-9, "loss": 1.0})
        for number in range(5_000)
    ]
    (tmp_path / "events.jsonl").write_text("\n".join([*lines, *flood]) + "\n", encoding="utf-8")
    log = EventLog(tmp_path / "events.jsonl")
    log.refresh()
    shown = log.history().search["learning_rate"].tolist()
    assert shown[:4] == [1e-7, 1e-6, 1e-6, 1e-5]
    assert len(shown) <= MOST_BATCHES


@pytest.mark.parametrize(
    "bounds", [{"low": -1}, {"low": "x", "high": None}, {"low": 5, "high": 1}, {"batches": 10**9}, {}]
)
def test_a_search_that_was_edited_stays_a_search(bounds: dict[str, Any]) -> None:
    search = Request.sift({"search": bounds})[0].search
    assert search is not None
    assert search.low < search.high
    assert search.batches == 100
