"""A folder of runs into which the hostile cases put things, and the checks that each of them makes."""

from __future__ import annotations

import os
import signal
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest
from make_run import make_run
from screens import open_page, texts

from dhc.runs.store import RunInfo, Store

VICTIM, SOUND = "20260102-000000-vgg16-000a", "20260101-000000-vgg16-000b"
EPOCHS = 4
T = TypeVar("T")


class House:
    """Two finished runs of EPOCHS epochs: VICTIM, in `folder`, is the one that something is done to."""

    def __init__(self, runs: Path, data: Path) -> None:
        self.runs, self.data = runs, data
        for number, run_id in enumerate((VICTIM, SOUND)):
            make_run(runs, data, run_id=run_id, epochs=EPOCHS, accuracy=0.67, seed=number)
        self.folder = runs / VICTIM
        self._sound = Store(runs).run(SOUND).as_dict()

    def read(self) -> RunInfo:
        """The victim, read by a new Store, which must list both runs and the other one as before."""
        store = Store(self.runs)
        assert [info.id for info in store.runs()] == [VICTIM, SOUND]
        assert store.run(SOUND).as_dict() == self._sound
        return store.run(VICTIM)

    def epochs(self) -> list[int]:
        """The epochs that the victim's history has."""
        found: list[int] = Store(self.runs).history(VICTIM).epochs["epoch"].tolist()
        return found

    def see(self, screen: str = "live", **address: str) -> str:
        """What a page says when it is opened at the victim; it must not fail, show both runs, and leave all files alone."""
        before = prints(self.runs)
        at = open_page(screen, **({"run": VICTIM} | address))
        assert not at.exception
        said = texts(at)
        assert "of ours broke" not in said
        for picker in [box for box in at.selectbox if box.key == "dhc_pick_run"]:
            assert len(picker.options) == len(list(self.runs.iterdir())), "every run can be chosen"
        for table in at.dataframe[:1] if screen == "runs" else ():
            assert len(table.value) == len(list(self.runs.iterdir()))
        assert prints(self.runs) == before
        return said + "\n" + "\n".join(str(toast.value) for toast in at.toast).replace("\\", "").replace("\u2060", "")


def prints(folder: Path) -> dict[str, tuple[int, ...]]:
    """Everything below a folder with its kind, size, time and inode: equal as long as nothing was changed."""
    found = {}
    for path in sorted(folder.rglob("*")):
        stat = path.lstat()
        found[str(path)] = (stat.st_mode, stat.st_size, stat.st_mtime_ns, stat.st_ino)
    return found


@pytest.fixture
def house(tmp_path: Path, tiny_data: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    """The house, and the pages looking at it."""
    monkeypatch.setenv("DHC_RUNS_DIR", str(tmp_path / "runs"))
    monkeypatch.setenv("DHC_DATA_DIR", str(tiny_data.parent))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return House(tmp_path / "runs", tiny_data)


@pytest.fixture(autouse=True)
def no_waiting() -> Iterator[None]:
    """What waits for ever fails after a minute instead."""

    def give_up(*_: Any) -> None:
        raise TimeoutError("it waited for something that never comes")

    old = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, old)


def in_little_memory(work: Callable[[], T], megabytes: int = 64) -> T:
    """Do it, and check that it never held more than so much."""
    tracemalloc.start()
    try:
        result = work()
        assert tracemalloc.get_traced_memory()[1] < megabytes * 1_000_000
    finally:
        tracemalloc.stop()
    return result


@contextmanager
def instead_of(path: Path, make: Callable[[Path], object]) -> Iterator[None]:
    """Something else in the place of a file, for a while."""
    aside = path.parents[2] / f"aside-{path.name}"
    if os.path.lexists(path):
        path.rename(aside)
    make(path)
    yield
    path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
    if os.path.lexists(aside):
        aside.rename(path)
