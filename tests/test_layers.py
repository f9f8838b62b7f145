"""The layers' health read from a run's folder, judged by the coach's rules, printed by `dhc health`: folders made by hand."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from make_run import add_health, make_run

from dhc.analysis import coach
from dhc.analysis.ailments import AILMENTS
from dhc.analysis.case import Case
from dhc.analysis.layers import LayerTable, layer_table
from dhc.cli import cli
from dhc.config import RunConfig
from dhc.errors import RunError
from dhc.figures import layers as figures
from dhc.runs import rundir
from dhc.runs.events import EventLog, end_of_epoch
from dhc.runs.histograms import BINS, MOST_EPOCHS, Histograms, histograms, read_histograms, write_histograms
from dhc.runs.records import History
from dhc.runs.rundir import RunWriter

RULES = coach.read_rules(coach.RULES.read_text(encoding="utf-8"))
RUN = "20260101-000000-vgg16-0001"
NAMES = ("conv 1", "norm 1", "conv 2", "norm 2", "dense 1")


@pytest.fixture
def run(tmp_path: Path, tiny_data: Path) -> Path:
    return make_run(tmp_path / "runs", tiny_data, run_id=RUN, epochs=6)


def history(folder: Path) -> History:
    log = EventLog(folder / rundir.EVENTS)
    log.refresh()
    return log.history()


def table_of(folder: Path) -> LayerTable:
    table = layer_table(history(folder))
    assert table is not None
    return table


def fired(folder: Path, **settings: Any) -> list[str]:
    """The rules on layers that fire, on a run told to train six epochs of ten classes."""
    config = RunConfig().with_values({"fit.epochs": 6, **settings})
    marks = coach.marks(Case(history(folder), config, 10), tuple(rule for rule in RULES if rule.look_for in AILMENTS))
    return sorted(mark.rule for mark in marks)


def test_what_was_written_is_read_by_layer_and_epoch(run: Path) -> None:
    add_health(
        run, [1, 2, 6], NAMES, update_ratio=[[0.001 * k for k in range(5)]] * 3, dead_share=[0.5, None, 0, None, 1]
    )
    table = table_of(run)
    assert (table.names, table.epochs) == (NAMES, (1, 2, 6))
    np.testing.assert_allclose(table.figures["update_ratio"][:, 1], [0, 0.001, 0.002, 0.003, 0.004])
    np.testing.assert_array_equal(table.figures["dead_share"][:, 2], [0.5, np.nan, 0, np.nan, 1])
    assert (table.mean_largest.tolist(), table.share_certain.tolist()) == ([0.5] * 3, [0.25] * 3)
    assert [table.nearest(epoch) for epoch in (1, 3, 4, 5)] == [1, 2, 2, 6]
    assert table.row(6)[1]["dead_share"] is None


def test_a_resume_forgets_the_looks_behind_the_junction_and_a_branch_takes_that_of_its_epoch_along(run: Path) -> None:
    events = run / rundir.EVENTS
    events.unlink()
    with RunWriter(run) as writer:
        writer.event("epoch", epoch=1, loss=1.0)
    add_health(run, [1])
    cut = events.stat().st_size
    with RunWriter(run) as writer:
        writer.event("epoch", epoch=2, loss=1.0)
    assert end_of_epoch(events, 1) == cut
    add_health(run, [2, 3])
    with RunWriter(run) as writer:
        writer.event("resume", epoch=2)
    assert table_of(run).epochs == (1,)
    add_health(run, [2], dead_share=[1, None, 0.25])
    assert table_of(run).figures["dead_share"][:, 1].tolist()[::2] == [1, 0.25]


@pytest.mark.parametrize(
    "change",
    [
        {"mean": [0.0, 0.0]},
        {"mean": None},
        {"mean": "abc"},
        {"mean": [0.0, "x", 0.0]},
        {"layers": "abc"},
        {"layers": ["a"] * 300},
        {"dead_share": [0.0, 7.0, 0.0]},
        {"epoch": 0},
        {"epoch": "1"},
        {"mean_largest": 3},
    ],
)
def test_an_event_that_cannot_be_true_is_skipped_whole(run: Path, change: dict[str, Any]) -> None:
    add_health(run, [1])
    lines = (run / rundir.EVENTS).read_bytes().splitlines(keepends=True)
    event = json.loads(lines[-1]) | {"epoch": 2} | change
    with (run / rundir.EVENTS).open("ab") as file:
        file.write(json.dumps(event).encode() + b"\n")
    log = EventLog(run / rundir.EVENTS)
    log.refresh()
    table = layer_table(log.history())
    assert table is not None
    assert log.damaged_lines == 1
    assert (table.epochs, table.names) == ((1,), ("conv 1", "norm 1", "dense 1"))
    assert len(log.history().softmax) == 1


def test_histograms_come_back_as_they_were_counted(tmp_path: Path) -> None:
    samples = {"weights": [np.array([0.0, 1.0, 1.0, np.nan, 2.0])], "activations": [np.array([3.0, 3.0])]}
    write_histograms(tmp_path, histograms(["conv 1"], 7, samples))
    ours = read_histograms(tmp_path)
    assert (ours.layers, ours.epochs) == (("conv 1",), (7,))
    counts = ours.counts["weights"][0, 0]
    assert (counts[0], counts[BINS // 2], counts[-1], counts.sum()) == (1, 2, 1, 4)
    assert ours.ranges["weights"][0, 0].tolist() == [0, 2]
    assert ours.counts["activations"][0, 0].tolist() == [2] + [0] * (BINS - 1)


@given(st.integers(1, 400), st.integers(1, 400))
def test_so_many_epochs_are_kept_evenly_with_the_first_the_best_and_the_last(count: int, best: int) -> None:
    kept = histograms(["a"], 1, {"weights": [np.ones(1)], "activations": [np.ones(1)]})
    one = kept
    for epoch in range(2, count + 1):
        step = Histograms(one.layers, (epoch,), one.counts, one.ranges)
        kept = kept.joined(step).thinned({min(best, epoch)})
    assert len(kept.epochs) == min(count, MOST_EPOCHS) == len(kept.counts["weights"])
    assert {1, count} <= set(kept.epochs)
    assert kept.epochs == tuple(sorted(set(kept.epochs)))
    assert max(np.diff(kept.epochs), default=1) <= max(1, 4 * count / MOST_EPOCHS)


def spoilt(change: Callable[[dict[str, Any]], Any]) -> bytes:
    """A file of two epochs and one layer, changed."""
    arrays: dict[str, Any] = {
        "layers": np.array(["a"]),
        "epochs": np.array([1, 2], np.uint32),
        "weights": np.ones((2, 1, BINS), np.uint32),
        "weights_range": np.array([[[0, 1]]] * 2, np.float32),
        "activations": np.ones((2, 1, BINS), np.uint32),
        "activations_range": np.array([[[0, 1]]] * 2, np.float32),
    }
    change(arrays)
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no archive",
        spoilt(lambda a: a.pop("epochs")),
        spoilt(lambda a: a.update(epochs=np.array([2, 1], np.uint32))),
        spoilt(lambda a: a.update(epochs=np.array([0, 1], np.uint32))),
        spoilt(lambda a: a.update(epochs=np.array([1, 2, 3], np.uint32))),
        spoilt(lambda a: a.update(weights=np.ones((2, 1, BINS), np.float32))),
        spoilt(lambda a: a.update(weights=np.ones((2, 2, BINS), np.uint32))),
        spoilt(lambda a: a.update(weights_range=np.array([[[1, 0]]] * 2, np.float32))),
        spoilt(lambda a: a.update(weights_range=np.full((2, 1, 2), np.nan, np.float32))),
        spoilt(lambda a: a.update(layers=np.array([{"a": 1}], object))),
        spoilt(lambda a: a.update(layers=np.array(["a"] * 1000))),
        spoilt(lambda a: a.update(more=np.ones(9))),
    ],
)
def test_a_file_that_is_none_of_ours_is_said_to_be_so(run: Path, data: bytes) -> None:
    (run / rundir.HEALTH).write_bytes(data)
    with pytest.raises(RunError, match=r"health\.npz of run .* damaged or was edited"):
        read_histograms(run)


def test_a_bomb_takes_no_memory_and_a_missing_file_is_explained(run: Path) -> None:
    with pytest.raises(RunError, match="has no histograms"):
        read_histograms(run)
    with zipfile.ZipFile(run / rundir.HEALTH, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("weights.npy", bytes(100_000_000))
    with pytest.raises(RunError, match="cannot be read"):
        read_histograms(run)


@pytest.mark.parametrize(
    ("values", "rules"),
    [
        ({}, []),
        ({"dead_share": [0.6, None, 0.6, None, None]}, []),
        ({"dead_share": [0.1, None, 0.95, None, None]}, ["dead-units"]),
        ({"dead_share": [[0.1, None, 0.95, None, None]] * 2 + [[0.1, None, 0.2, None, None]]}, []),  # it woke up
        ({"gradient_norm": [[1e-5, 1, 1e-2, 1, 1]] * 3}, ["vanishing-gradients"]),
        ({"gradient_norm": [[1e-5, 1, 1e-2, 1, 1], [1, 1, 1, 1, 1], [1, 1, 1, 1, 1]]}, []),
        ({"gradient_norm": [[5] * 5, [6] * 5, [6000] * 5]}, ["exploding-gradients"]),
        ({"gradient_norm": [[5] * 5, [6] * 5, [None] * 5]}, ["exploding-gradients"]),
        ({"gradient_norm": [[500] * 5, [400] * 5, [100] * 5]}, []),
        ({"update_ratio": [[0.08] * 5] * 3}, ["large-updates"]),
        ({"update_ratio": [[0.08] * 5, [0.01] * 5, [0.01] * 5]}, []),
        ({"update_ratio": [[1e-6] * 5] * 3}, ["small-updates"]),
        ({"update_ratio": [[0.002, 0.002, 1e-6, 0.002, 0.002]] * 3}, ["idle-layer"]),
        ({"update_ratio": [[0.002, 1e-6, 0.002, 1e-6, 0.002]] * 3}, []),  # of normalising layers nothing is said
    ],
)
def test_each_rule_fires_on_its_ailment_alone(run: Path, values: dict[str, Any], rules: list[str]) -> None:
    add_health(run, [1, 2, 6], NAMES, **values)
    assert fired(run) == rules


def test_small_steps_at_the_end_of_a_schedule_are_meant(run: Path) -> None:
    (run / rundir.EVENTS).unlink()
    with RunWriter(run) as writer:
        for epoch, rate in enumerate([1e-3, 1e-3, 1e-6, 1e-6], start=1):
            writer.event("epoch", epoch=epoch, loss=2.0, accuracy=0.5, learning_rate=rate)
    add_health(run, [1, 2, 3, 4], NAMES, update_ratio=[[0.002] * 5] * 2 + [[2e-6] * 5] * 2)
    assert fired(run) == []


def test_a_loss_worse_than_two_guesses_and_a_half_explodes(run: Path) -> None:
    guess = float(np.log(10))
    for loss, rules in ((2.4 * guess, []), (2.6 * guess, ["exploding-loss"])):
        (run / rundir.EVENTS).unlink()
        with RunWriter(run) as writer:
            writer.event("epoch", epoch=1, loss=loss)
        assert fired(run) == rules


def test_every_rule_on_layers_names_its_source_and_a_change() -> None:
    for rule in RULES:
        if rule.look_for in AILMENTS:
            assert rule.source
            assert coach.suggestion(RunConfig(), rule.tries) is not None
    with pytest.raises(coach.RulesError, match="source"):
        coach.read_rules("[[rule]]\nid='a'\ntitle='A'\nlesson=''\nlook_for='plateau'\nsource='javascript:x'\n")


def test_the_command_prints_the_table_and_the_rules(run: Path) -> None:
    add_health(run, [1, 2, 6], NAMES, dead_share=[0.1, None, 0.95, None, None])

    def dhc(*words: str) -> Any:
        return CliRunner().invoke(cli, ["health", RUN, "--runs", str(run.parent), *words])

    text = dhc().output
    assert "after epoch 6" in text
    assert [line.split()[:2] for line in text.splitlines() if line.startswith("conv")] == [["conv", "1"], ["conv", "2"]]
    assert "Dead units, epoch 1: conv 2: up to 95%" in text
    assert "source: Lu et al. 2019" in text
    record = json.loads(dhc("--json", "--epoch", "3").output)
    assert (record["epoch"], record["epochs"]) == (2, [1, 2, 6])
    assert record["layers"][2]["dead_share"] == 0.95
    assert [rule["id"] for rule in record["rules"]] == ["dead-units"]
    for wrong in ("0", "7", "two", "²"):
        with pytest.raises(RunError, match="it takes best, last or a number from 1 to 6"):
            raise dhc("--epoch", wrong).exception


def test_a_run_without_looks_is_told_so_on_the_command_line(run: Path) -> None:
    result = CliRunner().invoke(cli, ["health", RUN, "--runs", str(run.parent)])
    assert "no look at its layers" in str(result.exception)


def test_the_strip_has_a_cell_for_each_look_as_wide_as_the_way_to_the_next(run: Path) -> None:
    add_health(run, [1, 2, 6], NAMES)
    table = table_of(run)
    figure = figures.strip(table, figures.limits([table]), chosen=("conv 2", 2))
    heatmaps = [trace for trace in figure.data if trace.type == "heatmap"]
    assert len(heatmaps) == len(figures.PANELS)
    assert list(heatmaps[0].x) == [0.5, 1.5, 4.0, 6.5]
    assert heatmaps[0].customdata.tolist() == [[1, 2, 6]] * len(NAMES)
    shape = figure.layout.shapes[0]
    assert (shape.x0, shape.x1, shape.y0, shape.y1) == (1.5, 4.0, 1.5, 2.5)
    low, high = figures.limits([table])["update_ratio"]
    assert (low + high) / 2 == np.log10(1e-3)
