"""Lines kept from one process to the next: taken only while they are true, and done without whatever happens to their database."""

from __future__ import annotations

import gc
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dhc.config import RunConfig
from dhc.runs import index, rundir, signature, store
from dhc.runs.contract import Process, write_exit
from dhc.runs.identity import identify
from dhc.runs.index import NAME
from dhc.runs.labels import change_labels
from dhc.runs.line import Line, read_line
from dhc.runs.rundir import RunWriter
from dhc.runs.shared import SECTIONS
from dhc.runs.store import RunInfo, Store
from dhc.ui.shell import ahead, session

ENDS = ("finished", "stopped", "failed", "killed")
RUNS = 12


@pytest.fixture(autouse=True)
def few_are_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dozen runs are worth an index, and may be kept as soon as they hold still for a hundredth of a second."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(index, "WORTH", 1)
    monkeypatch.setattr(index, "FEW", 3)
    monkeypatch.setattr(signature, "COARSE", 10_000_000)


@pytest.fixture
def runs_dir(tmp_path: Path) -> Path:
    """Ended runs with settings, ends, labels and circumstances of their own; two more that were never queued and that train."""
    folder = tmp_path / "runs"
    folder.mkdir()
    for number in range(RUNS):
        write_run(folder / f"20260101-{number:06d}-vgg16-000a", number)
    (folder / "20260102-000000-vgg16-000a").mkdir()
    alive = folder / "20260102-000001-vgg16-000a"
    write_run(alive, RUNS)
    (alive / rundir.EXIT).unlink()
    Process(child=identify(os.getpid())).write(alive)
    time.sleep(0.02)
    return folder


def write_run(folder: Path, number: int) -> None:
    folder.mkdir()
    settings = {"fit.seed": number % 3, "model.conv_dropout": number / 100, "data.review": number % 5 == 0}
    rundir.write_json(folder / rundir.CONFIG, RunConfig().with_values(settings).model_dump())
    rundir.write_json(folder / rundir.REQUEST, {"queued_at": 1.0 + number, "device": "cpu", "group": "sweep"})
    curve = [0.1 + 0.001 * place for place in range(60 + number)]
    figures = {"epochs": len(curve), "curve": curve, "best_epoch": len(curve), "best_val_accuracy": curve[-1]}
    if number % 4:
        rundir.write_json(folder / rundir.SUMMARY, figures | {"seconds": 7.5})
    else:
        with RunWriter(folder) as writer:
            writer.event(
                "epoch", epoch=1, val_accuracy=0.5, accuracy=0.6, loss=1.0, val_loss=1.0, best=True, seconds=2.0
            )
    rundir.write_json(folder / rundir.ENVIRONMENT, {"data_prints": {"val": "ab"}, "data_review": {"val": f"{number}"}})
    if number % 2:
        change_labels(folder, name=f"run {number}", tags=["a", "b"], star=True, note="why?")
    write_exit(folder, ENDS[number % 4], "so it ended", cause="done")


def database(runs_dir: Path) -> Path:
    (place,) = (runs_dir.parent / "cache" / "dhc").glob(f"*/{NAME}")
    return place


def listing(runs_dir: Path) -> list[RunInfo]:
    """What a process that has just started lists, whatever it takes from the index."""
    return Store(runs_dir).all()


def truth(runs_dir: Path, monkeypatch: pytest.MonkeyPatch) -> list[RunInfo]:
    """What the folders alone say."""
    with monkeypatch.context() as patch:
        patch.setattr(index, "WORTH", sys.maxsize)
        return Store(runs_dir).all()


def ids_read(runs_dir: Path, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The runs whose folders a process that has just started reads."""
    folders = []

    def read(folder: Path, *args: Any) -> Line:
        folders.append(folder.name)
        return read_line(folder, *args)

    with monkeypatch.context() as patch:
        patch.setattr(store, "read_line", read)
        listing(runs_dir)
    return set(folders)


NOT_KEPT = {"20260102-000000-vgg16-000a", "20260102-000001-vgg16-000a"}  # whose state no file alone decides


def test_the_next_process_reads_no_ended_runs_folder_and_lists_the_same(
    runs_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = truth(runs_dir, monkeypatch)
    assert listing(runs_dir) == expected
    assert ids_read(runs_dir, monkeypatch) == NOT_KEPT
    again = listing(runs_dir)
    assert again == expected
    assert [info.as_dict() for info in again] == [info.as_dict() for info in expected]
    assert {info.review for info in again} == {"", *(f"val-{number}" for number in range(0, RUNS + 1, 5))}


def test_other_code_of_ours_reads_the_folders_again(runs_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listing(runs_dir)
    monkeypatch.setattr(index, "_code", lambda: b"another")
    assert len(ids_read(runs_dir, monkeypatch)) == RUNS + 2
    assert ids_read(runs_dir, monkeypatch) == NOT_KEPT


def replace(folder: Path, name: str) -> None:
    values = {"queued_at": 99.0, "epochs": 3, "how": "killed", "name": "new", "data_review": {"val": "new"}}
    rundir.write_json(folder / name, values)


def write_in_place(folder: Path, name: str) -> None:
    with (folder / name).open("a", encoding="utf-8") as file:
        file.write(" ")


def rename(folder: Path, name: str) -> None:
    folder.rename(folder.with_name(f"20260103-{random.randrange(10**6):06d}-vgg16-000a"))


def go_on(folder: Path, name: str) -> None:
    (folder / rundir.EXIT).unlink(missing_ok=True)
    Process(child=identify(os.getpid())).write(folder)


CHANGES: tuple[Callable[[Path, str], object], ...] = (
    replace,
    write_in_place,
    rename,
    go_on,
    lambda folder, name: (folder / name).unlink(missing_ok=True),
    lambda folder, name: shutil.rmtree(folder),
    lambda folder, name: shutil.copytree(
        folder, folder.with_name(f"20260104-{random.randrange(10**6):06d}-vgg16-000b")
    ),
    lambda folder, name: os.utime(folder / name, (5, 5)) if (folder / name).exists() else None,
)


Change = tuple[int, int, str]  # a run's place in the list, the change's in CHANGES, a file


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.integers(0, RUNS), st.integers(0, len(CHANGES) - 1), st.sampled_from(signature.DECISIVE)),
        min_size=1,
        max_size=4,
    )
)
def test_whatever_is_changed_shows_in_this_process_and_in_the_next(
    runs_dir: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, changes: list[Change]
) -> None:
    copy = tmp_path_factory.mktemp("copy") / "runs"
    shutil.copytree(runs_dir, copy)
    time.sleep(0.015)
    here = Store(copy)
    here.all()
    for place, change, name in changes:
        folders = sorted(copy.glob("2*"))
        CHANGES[change](folders[place % len(folders)], name)
    expected = truth(copy, monkeypatch)
    assert here.all() == expected
    assert listing(copy) == expected
    time.sleep(0.015)
    assert listing(copy) == expected


def noise(path: Path) -> None:
    path.write_bytes(random.Random(0).randbytes(9_000))


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2 + 100])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def flip(path: Path) -> None:
    """Other figures in the lines, in letters that JSON takes."""
    path.write_bytes(path.read_bytes().replace(b"0.1", b"0.9").replace(b"so it ended", b"so it began"))


def foreign(path: Path) -> None:
    path.unlink()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE lines (something INTEGER)")
    connection.close()


def lie(path: Path) -> None:
    """Rows of other kinds than ours."""
    connection = sqlite3.connect(path)
    connection.execute("UPDATE lines SET line = 7, digest = 'x'")
    connection.commit()
    connection.close()


@pytest.mark.parametrize("damage", [noise, cut, empty, flip, foreign, lie, Path.unlink])
def test_a_damaged_index_is_not_believed_and_made_anew(
    runs_dir: Path, monkeypatch: pytest.MonkeyPatch, damage: Callable[[Path], object]
) -> None:
    expected = truth(runs_dir, monkeypatch)
    listing(runs_dir)
    damage(database(runs_dir))
    assert listing(runs_dir) == expected
    assert listing(runs_dir) == expected
    assert ids_read(runs_dir, monkeypatch) == NOT_KEPT


def better_than_all(parts: list[bytes]) -> list[bytes]:
    record = json.loads(parts[-1])
    record["figures"] |= {"best_val_accuracy": 7.0}
    return [*parts[:-1], json.dumps(record).encode()]


def with_section(name: str, values: dict[str, Any]) -> Callable[[list[bytes]], list[bytes]]:
    place = SECTIONS.index(name)
    return lambda parts: [*parts[:place], json.dumps(values).encode(), *parts[place + 1 :]]


@pytest.mark.parametrize(
    "damaged",
    [
        better_than_all,
        with_section("fit", {"epochs": -1}),
        with_section("fit", {"strange": 1}),
        with_section("schedule", {"min_lr": 0.9}),  # above the learning rate: each section alone could be true
        lambda parts: parts[1:],
        lambda parts: [b"{}", *parts],
        lambda parts: [b"", *parts[1:]],
    ],
)
def test_a_line_that_cannot_be_true_is_not_believed_though_its_digest_is_right(
    damaged: Callable[[list[bytes]], list[bytes]], runs_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = truth(runs_dir, monkeypatch)
    listing(runs_dir)
    connection = sqlite3.connect(database(runs_dir))
    for run_id, text in connection.execute("SELECT id, line FROM lines").fetchall():
        line, now = b"\n".join(damaged(text.split(b"\n"))), signature.signature(f"{runs_dir}/{run_id}")
        row = (line, index._digest(run_id, now, line), run_id)
        connection.execute("UPDATE lines SET line = ?, digest = ? WHERE id = ?", row)
    connection.commit()
    connection.close()
    assert len(ids_read(runs_dir, monkeypatch)) == RUNS + 2
    assert listing(runs_dir) == expected


def test_a_link_or_a_folder_in_its_place_is_left_alone(runs_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = truth(runs_dir, monkeypatch)
    listing(runs_dir)
    place, victim = database(runs_dir), runs_dir.parent / "victim"
    victim.write_bytes(b"mine")
    place.unlink()
    place.symlink_to(victim)
    assert listing(runs_dir) == expected
    assert victim.read_bytes() == b"mine"
    place.unlink()
    place.mkdir()
    assert listing(runs_dir) == expected
    assert place.is_dir()


def test_a_locked_index_is_not_waited_for_long(runs_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = truth(runs_dir, monkeypatch)
    listing(runs_dir)
    holder = sqlite3.connect(database(runs_dir), isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    assert listing(runs_dir) == expected
    holder.execute("COMMIT")
    holder.close()
    assert ids_read(runs_dir, monkeypatch) == NOT_KEPT


FULL = """
import resource, sys
from pathlib import Path
from dhc.runs import index, signature
from dhc.runs.store import Store
index.WORTH, signature.COARSE = 1, 10_000_000
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
print([info.id for info in Store(Path(sys.argv[1])).all()])
"""


@pytest.mark.skipif(os.name != "posix", reason="no such limit here")
def test_a_disk_that_takes_no_index_stops_no_list(runs_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = [sys.executable, "-c", FULL, str(runs_dir)]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=True)
    assert done.stdout.strip() == str([info.id for info in truth(runs_dir, monkeypatch)])


def test_without_a_cache_folder_there_is_no_index(runs_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (runs_dir.parent / "file").write_bytes(b"")
    monkeypatch.setenv("XDG_CACHE_HOME", str(runs_dir.parent / "file"))
    assert listing(runs_dir) == truth(runs_dir, monkeypatch)


def test_many_at_once_list_the_same(runs_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "TOGETHER", 3)
    expected = truth(runs_dir, monkeypatch)
    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(listing, [runs_dir] * 12)) == [expected] * 12


def test_lines_of_deleted_runs_go(runs_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "SPARE", 0)
    here = Store(runs_dir)
    here.all()
    for folder in sorted(runs_dir.glob("2*"))[:6]:
        shutil.rmtree(folder)
    write_run(runs_dir / "20260105-000000-vgg16-000a", 50)
    time.sleep(0.02)
    assert here.all() == truth(runs_dir, monkeypatch)
    assert len(here._ended) == RUNS - 6 + 2, "in memory, too"
    connection = sqlite3.connect(database(runs_dir))
    assert connection.execute("SELECT count(*) FROM lines").fetchone() == (RUNS - 6 + 1,)
    connection.close()


def test_equal_parts_of_runs_are_one_object(runs_dir: Path) -> None:
    configs = [info.config for info in listing(runs_dir) if info.config is not None]
    assert len({id(config.optimizer) for config in configs}) == 1
    assert len({id(config.fit) for config in configs}) == 3


def test_two_who_list_at_once_for_the_first_time_read_each_ended_run_once(
    runs_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And after it Python looks for garbage again, also where the listing broke off."""
    expected = truth(runs_dir, monkeypatch)
    folders: list[str] = []

    def read(folder: Path, *args: Any) -> Line:
        folders.append(folder.name)
        time.sleep(0.005)
        return read_line(folder, *args)

    monkeypatch.setattr(store, "read_line", read)
    monkeypatch.setattr(store, "WORTH", 1)
    try:
        shared = Store(runs_dir)
        with ThreadPoolExecutor(2) as threads:
            assert list(threads.map(lambda _: shared.all(), range(2))) == [expected] * 2
        counts = Counter(folders)
        assert {counts[run_id] for run_id in set(counts) - NOT_KEPT} == {1}
        assert gc.isenabled()
        monkeypatch.setattr(store, "read_line", lambda *_: 1 / 0)
        monkeypatch.setattr(index, "_code", lambda: b"another")
        with pytest.raises(ZeroDivisionError):
            Store(runs_dir).all()
        assert gc.isenabled()
    finally:
        gc.unfreeze()


def test_the_server_reads_ahead_so_that_who_comes_reads_no_ended_run(
    runs_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DHC_RUNS_DIR", str(runs_dir))
    monkeypatch.setattr(ahead, "WORTH", 1)
    ahead.begin()
    (thread,) = (thread for thread in threading.enumerate() if thread.name == ahead.NAME)
    thread.join(60)
    gc.unfreeze()
    folders: list[str] = []

    def read(folder: Path, *args: Any) -> Line:
        folders.append(folder.name)
        return read_line(folder, *args)

    monkeypatch.setattr(store, "read_line", read)
    runs = session.store().all()
    assert set(folders) <= NOT_KEPT
    assert runs == truth(runs_dir, monkeypatch)
