"""Renaming, deleting and bringing back a data set: what stands beside it goes with it, and nothing in use is moved."""

from __future__ import annotations

import json
import shutil
import time
import zipfile
from pathlib import Path

import cv2
import pytest
from folders import picture
from make_run import make_run
from processes import kill_processes_of, processes_of, wait_until

from dhc.data.about import pictures_root, pointer, use_in_place
from dhc.data.draft import Draft
from dhc.errors import DataError
from dhc.jobs import check, datasets
from dhc.jobs.process import detach, python
from dhc.runs.store import Store


@pytest.fixture
def pets(tmp_path: Path, tiny_data: Path) -> Path:
    """A data set whose pictures lie elsewhere, and which was checked."""
    folder = tmp_path / "data" / "pets"
    folder.mkdir(parents=True)
    for table in tiny_data.glob("*.csv"):
        shutil.copy(table, folder)
    use_in_place(folder, tiny_data)
    check.Recorder(check.findings(folder)).keep(folder, [])
    return folder


def test_what_stands_beside_a_data_set_goes_with_it_and_comes_back(pets: Path, tiny_data: Path) -> None:
    renamed = datasets.rename(pets, "zoo")
    assert renamed == pets.with_name("zoo")
    place = datasets.delete(renamed)
    assert place.parent == pets.parent / datasets.TRASH
    assert not [path.name for path in pets.parent.iterdir() if path.name != datasets.TRASH]
    back = datasets.restore(place)
    assert back == renamed
    assert pictures_root(back) == tiny_data.resolve()
    assert check.check(back) == check.check(renamed)
    assert json.loads(check.findings(back).read_bytes())["findings"] == []
    assert not pointer(pets).exists()


def test_two_of_one_name_can_be_deleted_one_after_the_other(pets: Path) -> None:
    first = datasets.delete(pets)
    pets.mkdir()
    second = datasets.delete(pets)
    assert first != second
    assert not (second / "train.csv").exists()
    assert (datasets.restore(first) / "train.csv").exists()


def test_a_link_is_not_deleted_for_what_it_leads_to(pets: Path) -> None:
    link = pets.with_name("link")
    link.symlink_to(pets)
    with pytest.raises(DataError, match="link is a link to a folder elsewhere: remove the link yourself"):
        datasets.delete(link)
    assert (pets / "train.csv").exists()


def test_runs_are_counted_by_folder_however_their_path_is_written(pets: Path, tiny_data: Path, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    for number, path in enumerate((pets, pets.parent / ".." / "data" / "pets", tiny_data)):
        make_run(runs, path, epochs=1, run_id=f"20260101-000000-vgg16-000{number}")
    every = Store(runs).runs()
    assert len(every) == 3
    assert {info.id[-1] for info in datasets.runs_on(pets, every)} == {"0", "1"}
    datasets.refuse_busy(pets, every)


def test_what_runs_on_it_or_checks_it_keeps_it_where_it_is(pets: Path, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    for number in range(2):
        make_run(runs, pets, epochs=1, how="running", run_id=f"20260101-000000-vgg16-000{number}")
    with pytest.raises(DataError, match=r"pets is used by run 2026\S+ \(and 1 more\), which is running: stop it"):
        datasets.refuse_busy(pets, Store(runs).runs())


@pytest.mark.slow
def test_a_data_set_that_is_being_checked_stays(pets: Path) -> None:
    check.start(pets)
    with pytest.raises(DataError, match="pets is being checked: wait for the end of the check, or cancel it"):
        datasets.refuse_busy(pets, [])
    check.cancel(pets)
    datasets.refuse_busy(pets, [])


@pytest.mark.slow
def test_an_import_that_is_cancelled_leaves_nothing(tmp_path: Path) -> None:
    pixels = cv2.imencode(".png", picture(1))[1].tobytes()
    with zipfile.ZipFile(tmp_path / "many.zip", "w") as archive:
        for i in range(20_000):
            archive.writestr(f"{'ab'[i % 2]}/{i}.png", pixels)
    folder = tmp_path / "data" / "many"
    datasets.start_import(folder, tmp_path / "many.zip", ())
    wait_until(lambda: bool((state := datasets.making(folder)) and state.pictures), "pictures are being imported", 60)
    datasets.cancel(folder)
    assert datasets.making(folder) is None
    assert [path.name for path in folder.parent.iterdir()] == [".many.log"]
    assert not processes_of(tmp_path)


def test_what_a_terminal_draws_is_seen_and_not_begun_a_second_time(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    detach(python("-m", "dhc", "data", "make", str(folder)), log=tmp_path / "log")
    try:
        wait_until(lambda: bool((now := datasets.making(folder)) and now.pictures), "it is seen", 60)
        datasets.start(folder)
        assert [path.name for path in tmp_path.glob(".*")] == [], "no task of our own"
    finally:
        kill_processes_of(folder)
    wait_until(lambda: datasets.making(folder) is None, "it is over", 10)


def test_the_time_left_is_told_by_the_last_seconds_not_by_the_whole_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A training that begins beside it takes most of the processor: 100 pictures a second before, 1 since."""
    now = 1e9
    monkeypatch.setattr(time, "time", lambda: now)
    draft = Draft(tmp_path, 2000)
    for second in range(30):
        now += 1
        done = 100 * (second + 1) if second < 10 else 1000 + second - 9
        draft._write(done)
    record = json.loads((tmp_path / "progress.json").read_text())
    assert (record["done"], record["before"], now - record["since"]) == (1020, 1009, 11)
    left = datasets.Making(record["done"], record["total"], since=record["since"], before=record["before"]).seconds_left
    assert left == pytest.approx(980)
    assert datasets.Making(0, 2000, since=now).seconds_left is None
