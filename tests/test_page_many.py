"""More runs than a table or a list takes: pages of rows, and the way to those that a list leaves out."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from make_run import make_run
from screens import open_page, texts

from dhc.config import RunConfig
from dhc.runs import rundir
from dhc.runs.labels import change_labels
from dhc.ui.runs import table
from dhc.ui.shell import pickers

pytestmark = pytest.mark.pages

IDS = tuple(f"20260101-00000{number}-vgg16-000{number}" for number in range(1, 6))


@pytest.fixture
def runs(tmp_path: Path, tiny_data: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Five, called 1 (the oldest) to 5; the better the newer."""
    folder = tmp_path / "runs"
    for number, run_id in enumerate(IDS, start=1):
        made = make_run(folder, tiny_data, run_id=run_id, epochs=2, accuracy=number / 10, seed=number)
        change_labels(made, name=str(number))
    monkeypatch.setenv("DHC_RUNS_DIR", str(folder))
    monkeypatch.setenv("DHC_DATA_DIR", str(tiny_data.parent))
    return folder


def test_a_long_table_has_pages_that_the_address_names(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "MOST_ROWS", 2)

    def rows(**address: str) -> list[str]:
        app = open_page("runs", **address)
        assert not app.exception
        return list(app.dataframe[0].value["run"])

    assert rows() == ["5", "4"]
    assert rows(page="2") == ["3", "2"]
    assert rows(page="3") == ["1"] == rows(page="99"), "beyond the last, the last"
    assert rows(page="2", order="best") == ["3", "2"]
    assert rows(page="2", q="acc<0.36") == ["1"], "what the filter leaves has pages of its own"
    app = open_page("runs", page="2", select=f"{IDS[4]},{IDS[2]}")
    assert "5 runs, 2 selected, 1 on other pages" in texts(app)
    assert app.session_state[table.KEY]["selection"]["rows"] == [0], "that of this page"
    app.session_state[table.KEY] = {"selection": {"rows": [1], "columns": [], "cells": []}}
    assert "5 runs, 2 selected, 1 on other pages" in texts(app.run())


def test_a_list_offers_the_newest_runs_and_leads_to_the_others(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pickers, "MOST_OFFERED", 2)
    app = open_page("live", run=IDS[0])
    options = app.selectbox(key=pickers.KEY).options
    assert [option.split(" · ")[0] for option in options] == ["5", "4", "1", "… and 2 more, on Runs"]
    assert app.selectbox(key=pickers.KEY).value == IDS[0], "that of the address, though it is old"
    app.selectbox(key=pickers.KEY).set_value(pickers.MORE).run()
    assert not app.exception
    assert app.dataframe, "the table of Runs"
    app = open_page("mistakes", run=IDS[4], versus=IDS[0])
    assert len(app.selectbox(key="dhc_versus").options) == 3, "two, and that of the address"


def test_a_page_of_the_table_is_a_small_message_however_many_pictures_judged_its_runs(
    tmp_path: Path, tiny_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = make_run(tmp_path / "one", tiny_data, epochs=60)
    files = [first / name for name in (rundir.CONFIG, rundir.SUMMARY, rundir.REQUEST, rundir.EXIT, rundir.ENVIRONMENT)]
    settings = RunConfig.from_json((first / rundir.CONFIG).read_text("utf-8"))
    for number in range(table.MOST_ROWS + 10):
        folder = tmp_path / "runs" / f"20260101-{number:06d}-vgg16-0001"
        folder.mkdir(parents=True)
        for file in files:
            shutil.copy(file, folder)
        own = settings.with_values({"fit.seed": number, "data.classes": 1 + number % 3})
        (folder / rundir.CONFIG).write_text(own.to_json(), "utf-8")
    monkeypatch.setenv("DHC_RUNS_DIR", str(tmp_path / "runs"))
    monkeypatch.setenv("DHC_DATA_DIR", str(tiny_data.parent))
    (frame,) = open_page("runs").dataframe
    assert len(frame.value) == table.MOST_ROWS
    assert "pictures" in frame.value, "there are several, and the table says which"
    assert frame.proto.ByteSize() < 800 * table.MOST_ROWS
