"""The lessons that only one's own runs can give: their ideas against numbers computed by hand, their pages on a run made by hand."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from make_run import make_run
from screens import address, open_page, sent, texts
from streamlit.testing.v1 import AppTest

from dhc.lessons import explosion
from dhc.runs import rundir
from dhc.runs.contract import RateSearch, Request, write_exit

RUN = "20260101-000000-vgg16-0001"
SEARCH = "20260102-000000-vgg16-0002"
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


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, eight_classes: Path) -> Iterator[Path]:
    """The folder of one run, of all that its lessons draw from, and of one search with its settings."""
    folder = tmp_path_factory.mktemp("own") / "runs"
    make_run(folder, eight_classes, run_id=RUN)
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
    assert address(at, "open") == "on"
    assert "You bet **0.01**, it blew up only at **0.1**: 10.0× too low." in texts(at)
    at = lesson("blow-up", bet="2e-1", open="on", lang="ro")
    assert "explodează la 0,1" in annotations(at)
    assert "de 2,0 ori prea sus" in texts(at)
