"""One look at the runs reads each of them once: as an object, and as the pages take it, once a script run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from make_run import make_run
from screens import open_page

from dhc.errors import RunError
from dhc.runs import rundir
from dhc.runs import store as stores
from dhc.runs.events import EventLog
from dhc.runs.snapshot import Snapshot
from dhc.runs.store import Store

LIVE, ENDED = "20260101-000002-vgg16-000b", "20260101-000001-vgg16-000a"


@pytest.fixture
def runs(tmp_path: Path, tiny_data: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DHC_RUNS_DIR", str(tmp_path / "runs"))
    monkeypatch.setenv("DHC_DATA_DIR", str(tiny_data.parent))
    make_run(tmp_path / "runs", tiny_data, run_id=ENDED)
    make_run(tmp_path / "runs", tiny_data, run_id=LIVE, how="running")
    return tmp_path / "runs"


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often the store lists its folder, reads the run that is alive, and reads an event log on."""
    counter: Counter[str] = Counter()

    def count(place: object, name: str, matters: Callable[..., bool] = lambda *_: True) -> None:
        function = getattr(place, name)

        def counted(*args: Any, **kwargs: Any) -> Any:
            counter[name] += matters(*args)
            return function(*args, **kwargs)

        monkeypatch.setattr(place, name, counted)

    count(Store, "ids")
    count(stores, "read_line", lambda folder, *_: folder.name == LIVE)
    count(EventLog, "refresh")
    return counter


def append_epoch(folder: Path) -> None:
    """Write the last epoch's line again, for the epoch after it."""
    lines = (folder / rundir.EVENTS).read_text(encoding="utf-8").splitlines()
    line = next(line for line in reversed(lines) if '"kind": "epoch"' in line)
    with (folder / rundir.EVENTS).open("a", encoding="utf-8") as file:
        file.write(line.replace('"epoch": 6', '"epoch": 7') + "\n")


def test_a_snapshot_reads_each_run_and_each_log_once(runs: Path, calls: Counter[str]) -> None:
    store = Store(runs)
    first = Snapshot(store)
    history = first.log(LIVE).history()
    assert first.run(LIVE).epochs_done == len(history.epochs) == 6
    assert first.outline(LIVE)[0] is first.log(LIVE).history() is history
    assert calls == {"read_line": 1, "refresh": 1}
    append_epoch(runs / LIVE)
    assert first.run(LIVE).epochs_done == 6
    second = Snapshot(store)
    assert second.run(LIVE).epochs_done == len(second.log(LIVE).history().epochs) == 7
    assert [info.id for info in second.runs()] == [LIVE, ENDED]
    assert second.runs() == second.runs()
    assert calls["ids"] == 1


def test_a_log_that_was_read_without_its_batches_is_read_anew_with_them_once(runs: Path) -> None:
    store = Store(runs)
    assert store.outline(LIVE)[0].batches.empty
    log = store.log(LIVE)
    assert len(log.history().batches)
    assert store.outline(LIVE)[0] is log.history(), "one log for both from then on"


def test_a_snapshot_knows_no_run_that_is_not_there(runs: Path) -> None:
    snapshot = Snapshot(Store(runs))
    snapshot.runs()
    with pytest.raises(RunError):
        snapshot.run("20260101-000009-vgg16-0009")


@pytest.mark.pages
@pytest.mark.parametrize("page", ["live", "ladder", "runs", "train", "mistakes", "confusion"])
def test_a_page_lists_the_runs_once_and_reads_on_one_log(runs: Path, calls: Counter[str], page: str) -> None:
    at = open_page(page, run=LIVE)
    calls.clear()
    at.run()
    assert not at.exception
    assert not at.error
    assert calls["ids"] == (2 if page == "live" else 1), "Live looks once more for children that came since"
    assert calls["read_line"] == 1
    assert calls["refresh"] <= (2 if page == "runs" else 1), (
        "one log; where nothing is selected, Runs draws the curves of both"
    )
