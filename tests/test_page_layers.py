"""The health strip on Live and Runs, run without a browser, on run folders made by hand."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from make_run import add_health, make_run
from screens import open_page, sent, texts

from dhc.runs import rundir
from dhc.runs.histograms import read_histograms
from dhc.ui.manage import layers

pytestmark = pytest.mark.pages

IDS = ("20260101-000000-vgg16-0001", "20260102-000000-vgg16-0002")


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_data: Path) -> Path:
    monkeypatch.setenv("DHC_RUNS_DIR", str(tmp_path / "runs"))
    monkeypatch.setenv("DHC_DATA_DIR", str(tiny_data.parent))
    for run_id in IDS:
        make_run(tmp_path / "runs", tiny_data, run_id=run_id, epochs=6)
        add_health(tmp_path / "runs" / run_id, [1, 2, 6])
    return tmp_path / "runs"


def strips(page: Any) -> list[Mapping[str, Any]]:
    """What was sent of charts that hold heatmaps of layers."""
    return [chart for chart in sent(page, "plot") if "layers-" in str(chart.get("name", ""))]


def test_on_live_the_strip_is_drawn_only_once_it_is_opened(runs: Path) -> None:
    at = open_page("live", run=IDS[0])
    assert not at.exception
    assert layers.TITLE in [box.label for box in at.expander]
    assert strips(at) == []
    at.session_state[layers.KEY + "box"] = True
    at.run()
    assert not at.exception
    assert len(strips(at)) == 1


def test_without_a_look_it_says_why(runs: Path) -> None:
    (runs / IDS[0] / rundir.HEALTH).unlink()
    (runs / IDS[1] / rundir.HEALTH).unlink()
    assert "No look at the layers yet" in texts(open_page("runs", select=",".join(IDS), panel="layers"))


def test_two_runs_stand_side_by_side_and_a_cell_opens_the_histograms_of_both(runs: Path) -> None:
    at = open_page("runs", select=",".join(IDS), panel="layers")
    assert not at.exception
    assert len(strips(at)) == 2
    assert "after epoch" not in texts(at)
    at.session_state[layers.KEY + "cell_" + ",".join(reversed(IDS))] = ("conv 1", 2)
    at.session_state[layers.KEY + "cell_" + ",".join(IDS)] = ("conv 1", 2)
    at.run()
    assert not at.exception
    assert texts(at).count("**conv 1** after epoch 2") == 2
    (runs / IDS[0] / rundir.HEALTH).write_bytes(b"damaged")
    assert "damaged or was edited" in texts(at.run())


def test_the_epochs_compared_are_named_once_each(runs: Path) -> None:
    histograms = read_histograms(runs / IDS[0])
    assert layers.compared(histograms, 2, 6) == {"this one": 2, "first": 1, "best and last": 6}
    assert layers.compared(histograms, 1, 2) == {"this one and first": 1, "best": 2, "last": 6}
