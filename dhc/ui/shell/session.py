"""What pages read, cached: runs, predictions, data sets, pictures.

The paths come from the environment.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from dhc.analysis.mistakes import outcomes
from dhc.config import RunConfig
from dhc.data.about import in_the_making
from dhc.data.decode import Pictures, load_pictures
from dhc.data.layout import Dataset, open_dataset
from dhc.data.places import TABLE_ENDINGS, TABLE_STEMS
from dhc.errors import DataError, RunError
from dhc.jobs import check as checks
from dhc.jobs import trash
from dhc.jobs.datasets import is_dataset
from dhc.jobs.trash import TrashedRun
from dhc.jobs.warm import Warm
from dhc.machine import hardware
from dhc.runs import disk, rundir
from dhc.runs.contract import UsedPictures
from dhc.runs.events import EventLog
from dhc.runs.predictions import read_predictions
from dhc.runs.records import History, Predictions
from dhc.runs.snapshot import Snapshot
from dhc.runs.store import RunInfo, Store
from dhc.text import is_utf8
from dhc.ui.shell import sharing

RUNS_VARIABLE, DATA_VARIABLE = "DHC_RUNS_DIR", "DHC_DATA_DIR"
SNAPSHOT = "dhc_snapshot"
TABLES = (
    "test_labels.csv",
    *(f"{stem}{ending}" for stems in TABLE_STEMS.values() for stem in stems for ending in TABLE_ENDINGS),
)
# How caches tell paths apart: Streamlit's own way fails for a name that is no UTF-8.
PATHS: dict[str | type[Any], Callable[[Any], Any]] = {type(Path()): os.fsencode}
ROOT = Path(__file__).resolve().parents[3]


def runs_dir() -> Path:
    """Folder of the runs: ``DHC_RUNS_DIR``, else runs/ beside app.py."""
    return Path(os.environ.get(RUNS_VARIABLE) or ROOT / "runs")


def data_dir() -> Path:
    """Folder of the data sets: ``DHC_DATA_DIR``, else data/ beside app.py."""
    return Path(os.environ.get(DATA_VARIABLE) or ROOT / "data")


def data_folders() -> list[str]:
    """Paths of the data sets in the data folder, sorted."""
    return [path for path in _data_folders() if is_utf8(path)]


def unnameable_folders() -> list[str]:
    """Paths of those whose name is no UTF-8: neither a page nor a run's settings could name them."""
    return [path for path in _data_folders() if not is_utf8(path)]


def _data_folders() -> list[str]:
    root = data_dir()
    folders = root.iterdir() if root.is_dir() else ()
    return sorted(
        str(folder)
        for folder in folders
        if not folder.name.startswith(".") and is_dataset(folder) and not in_the_making(folder)
    )


def pictures_folder(config: RunConfig) -> str:
    """Where a run's pictures lie: in the folder of its settings, else in the data set of that name in the data folder."""
    path = Path(config.data.path)
    namesake = data_dir() / path.name
    if not is_gone(path) or path.name in ("", "..") or not (namesake / "train.csv").is_file():
        return config.data.path
    return str(namesake)


def is_gone(folder: Path) -> bool:
    """Whether there is nothing, or only an empty folder; what cannot be looked at is not gone."""
    try:
        return next(folder.iterdir(), None) is None
    except FileNotFoundError:
        return True
    except (OSError, ValueError):
        return False


def store() -> Store:
    """The reader of `runs_dir`, one for all sessions."""
    return _store(runs_dir())


def take_snapshot() -> None:
    """Read the runs anew from here on.

    Called at the beginning of a page, and of a watched part that runs alone.
    """
    st.session_state[SNAPSHOT] = Snapshot(store())


def _snapshot() -> Snapshot:
    snapshot: Snapshot | None = st.session_state.get(SNAPSHOT)
    return snapshot if snapshot is not None and snapshot.store is store() else Snapshot(store())


def runs() -> list[RunInfo]:
    """Every run, newest first, read once a script run.

    A callback runs before the page's snapshot is taken: it asks `store()`.
    """
    return _snapshot().runs()


def searches() -> list[RunInfo]:
    """Every search for a learning rate, newest first, read once a script run."""
    return _snapshot().searches()


def runs_and_searches() -> list[RunInfo]:
    """All that may stand in a queue: the runs, then the searches."""
    return [*runs(), *searches()]


def run(run_id: str) -> RunInfo:
    """One run, read once a script run. Raises RunError when there is none of that name."""
    return _snapshot().run(run_id)


def run_or_none(run_id: str | None) -> RunInfo | None:
    """The run of that name, None for no name or no such run."""
    if run_id is None:
        return None
    try:
        return run(run_id)
    except RunError:
        return None


def log(run_id: str) -> EventLog:
    """A run's events, read once a script run. Raises RunError when there is no such run."""
    return _snapshot().log(run_id)


def outline(run_id: str) -> tuple[History, Mapping[str, Any]]:
    """`Store.outline` of a run, read once a script run. Raises RunError."""
    return _snapshot().outline(run_id)


@functools.cache  # asked for often, and Streamlit's own takes a tenth of a millisecond each time
def _store(folder: Path) -> Store:
    return Store(folder)


def predictions(info: RunInfo) -> Predictions:
    """The run's predictions, read again when the file has changed. Raises RunError."""
    return _predictions(info.folder, stamp(info.folder / rundir.PREDICTIONS))


def used_pictures(info: RunInfo) -> UsedPictures:
    """The pictures that the run was made on, read again when the file has changed."""
    return _used_pictures(info.folder, stamp(info.folder / UsedPictures.FILE))


@st.cache_resource(show_spinner=False, max_entries=4, hash_funcs=PATHS)
def _used_pictures(folder: Path, stamp: tuple[int, int]) -> UsedPictures:
    return UsedPictures.of(folder)


def check_summary(folder: Path) -> str:
    """One line on a data set's newest check; its files are looked at again after a minute, its tables at once."""
    stamps = tuple(stamp(folder / name) for name in TABLES)
    return _check_summary(folder, (stamp(checks.findings(folder)), *stamps))


@st.cache_data(show_spinner=False, max_entries=32, ttl=60, hash_funcs=PATHS)
def _check_summary(folder: Path, stamps: tuple[tuple[int, int], ...]) -> str:
    return checks.summary(folder)


def outcome_table(info: RunInfo, epoch: int | None = None) -> pd.DataFrame:
    """`analysis.mistakes.outcomes` of the run's predictions after an epoch, at first the best. Raises RunError."""
    return _outcomes(info.folder, stamp(info.folder / rundir.PREDICTIONS), epoch)


@st.cache_resource(show_spinner=False, max_entries=8, hash_funcs=PATHS)
def _predictions(folder: Path, stamp: tuple[int, int]) -> Predictions:
    return read_predictions(folder)


@st.cache_resource(show_spinner=False, max_entries=8, hash_funcs=PATHS)
def _outcomes(folder: Path, stamp: tuple[int, int], epoch: int | None) -> pd.DataFrame:
    return outcomes(_predictions(folder, stamp), epoch)


def stamp(path: Path) -> tuple[int, int]:
    """What changes whenever a file does: its time of change and its size; zeros without one."""
    try:
        stat = path.stat()
    except OSError:
        return (0, 0)
    return (stat.st_mtime_ns, stat.st_size)


def dataset(path: str) -> Dataset:
    """The data set's tables, read again when one has changed. Raises DataError."""
    root = Path(path)
    if sharing.is_read_only() and path not in _shown_folders():
        raise DataError("This view shows the data sets of its data folder and of its runs, and no other folder.")
    return _dataset(root, _stamps(root))


def _shown_folders() -> set[str]:
    """The folders that a read-only view reads, whichever one a browser asks for."""
    return {*data_folders(), *(info.config.data.path for info in runs() if info.config is not None)}


def _stamps(root: Path) -> str:
    """What changes whenever one of a data set's tables does: one text, which caches compare faster than numbers."""
    return str([stamp(root / name) for name in TABLES])


@st.cache_resource(show_spinner=False, max_entries=8, hash_funcs=PATHS)
def _dataset(root: Path, stamps: str) -> Dataset:
    return open_dataset(root)


@st.cache_resource(show_spinner="Reading the pictures …", max_entries=8, ttl=60)
def pictures(path: str, split: str) -> Pictures:
    """A split's readable pictures, looked at again after a minute. Raises DataError."""
    return load_pictures(dataset(path), split, skip_bad=True)


def forget_pictures() -> None:
    """Look at every data set's pictures anew, as after one took another's name."""
    pictures.clear()


@functools.cache
def helper() -> Warm:
    """The process that has Keras, for all sessions: started by the first question."""
    return Warm()


@st.cache_data(ttl=3, show_spinner=False)
def gpus() -> tuple[hardware.Gpu, ...]:
    """The GPUs that the driver lists and how busy they are, read at most every three seconds."""
    return hardware.gpus()


def usage(info: RunInfo) -> disk.Usage:
    """What the run takes on disk, measured again when its folder has changed."""
    return _ledger(runs_dir()).usage(info.folder)


def freeable() -> int:
    """Bytes that can be deleted without losing a result: kept states and the trash."""
    return totals().freeable


def totals() -> disk.Totals:
    """What all runs and the trash take on disk."""
    return disk.totals(runs_dir(), runs(), _ledger(runs_dir()).usage)


def trash_items() -> list[TrashedRun]:
    """The deleted runs, last deleted first. Raises RunError where the trash is a link."""
    return trash.trashed_runs(runs_dir(), _ledger(runs_dir()).usage)


@functools.cache  # Streamlit's own would cost half a millisecond for each of a thousand runs
def _ledger(folder: Path) -> disk.Ledger:
    return disk.Ledger()
