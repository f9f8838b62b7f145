"""Deleting, bringing back and emptying the trash: nothing outside it is ever removed."""

from __future__ import annotations

from pathlib import Path

import pytest

from dhc.errors import RunError
from dhc.jobs import launch, trash
from dhc.runs import rundir
from dhc.runs.contract import write_exit
from dhc.runs.store import Store


def ended(runs_dir: Path, how: str = "finished") -> Path:
    folder = rundir.create(runs_dir, "vgg16")
    write_exit(folder, how, "made for a test")
    (folder / rundir.BEST).write_bytes(b"w" * 100_000)
    return folder


def queued(runs_dir: Path) -> Path:
    folder = rundir.create(runs_dir, "vgg16")
    rundir.write_json(folder / rundir.REQUEST, {"queued_at": 1.0, "device": "cpu"})
    return folder


@pytest.fixture
def treasure(tmp_path: Path) -> Path:
    """A folder outside runs/ that must outlive everything."""
    folder = tmp_path / "treasure"
    folder.mkdir()
    (folder / "photo.jpg").write_text("the only copy")
    return folder


def test_a_deleted_run_can_be_brought_back(tmp_path: Path) -> None:
    folder = queued(tmp_path)
    with pytest.raises(RunError, match="is queued: stop it before you delete it"):
        trash.delete(tmp_path, folder.name)
    launch.stop(tmp_path, folder.name)
    place = trash.delete(tmp_path, folder.name)
    assert Store(tmp_path).ids() == []
    assert trash.restore(tmp_path, place) == folder.name
    assert Store(tmp_path).ids() == [folder.name]
    with pytest.raises(RunError, match="the trash was emptied"):
        trash.restore(tmp_path, place)


def test_the_trash_lists_what_lies_in_it_last_deleted_first(tmp_path: Path) -> None:
    assert trash.trashed_runs(tmp_path) == []
    first, second = ended(tmp_path), ended(tmp_path)
    places = [trash.delete(tmp_path, folder.name) for folder in (first, second)]
    (tmp_path / rundir.TRASH / "stray").write_text("not a run")
    items = trash.trashed_runs(tmp_path)
    assert [(item.id, item.place) for item in items] == [(second.name, places[1]), (first.name, places[0])]
    assert all(item.bytes >= 100_000 for item in items)
    assert items[1].when <= items[0].when
    assert trash.latest(tmp_path, first.name) == places[0]
    with pytest.raises(RunError, match=r"there is no run .* in the trash"):
        trash.latest(tmp_path, "../../etc")


def test_several_are_deleted_as_far_as_they_can_be(tmp_path: Path) -> None:
    good, alive, other = ended(tmp_path), queued(tmp_path), ended(tmp_path, "failed")
    deletion = trash.delete_all(tmp_path, [good.name, alive.name, "20260101-000000-vgg16-0000", other.name])
    assert [place.name.partition(".")[0] for place in deletion.places] == [good.name, other.name]
    assert set(deletion.refusals) == {alive.name, "20260101-000000-vgg16-0000"}
    assert "stop it" in deletion.refusals[alive.name]
    assert Store(tmp_path).ids() == [alive.name]


def test_a_run_is_not_brought_back_over_another(tmp_path: Path) -> None:
    folder = ended(tmp_path)
    place = trash.delete(tmp_path, folder.name)
    folder.mkdir()
    (folder / "note").write_text("a later one")
    with pytest.raises(RunError, match="a run of that name is there"):
        trash.restore(tmp_path, place)
    assert (folder / "note").exists()
    assert place.is_dir()


def test_emptying_wins_what_the_runs_took(tmp_path: Path) -> None:
    folder = ended(tmp_path)
    places = [trash.delete(tmp_path, ended(tmp_path).name) for _ in range(3)]
    assert trash.empty(tmp_path, places[:1]) >= 100_000
    assert [item.place for item in trash.trashed_runs(tmp_path)] == [places[2], places[1]]
    assert trash.empty(tmp_path) >= 200_000
    assert trash.trashed_runs(tmp_path) == []
    assert trash.empty(tmp_path) == 0
    assert Store(tmp_path).ids() == [folder.name]


def test_what_an_interrupted_emptying_left_goes_with_the_next(tmp_path: Path) -> None:
    place = trash.delete(tmp_path, ended(tmp_path).name)
    half = place.rename(place.with_name("." + place.name))
    assert trash.trashed_runs(tmp_path) == []  # half a run is not offered
    assert trash.empty(tmp_path) >= 100_000
    assert not half.exists()


@pytest.mark.parametrize(
    "where", ["../treasure", "..", ".", "../..", ".trash/../../treasure", "20260101-000000-vgg16-0001", ".trash"]
)
def test_only_a_deleted_run_can_be_removed_or_brought_back(tmp_path: Path, treasure: Path, where: str) -> None:
    runs = tmp_path / "runs"
    live = ended(runs)
    deleted = trash.delete(runs, ended(runs).name)
    for place in (runs / where, runs / rundir.TRASH / where, live, treasure):
        with pytest.raises(RunError, match="is no deleted run in"):
            trash.empty(runs, [deleted, place])
        with pytest.raises(RunError, match="is no deleted run in"):
            trash.restore(runs, place)
    assert deleted.is_dir()  # all or nothing
    assert live.is_dir()
    assert (treasure / "photo.jpg").exists()


def test_a_place_of_the_right_name_elsewhere_is_refused(tmp_path: Path) -> None:
    runs, other = tmp_path / "runs", tmp_path / "other"
    place = trash.delete(other, ended(other).name)
    trash.delete(runs, ended(runs).name)
    with pytest.raises(RunError, match="is no deleted run in"):
        trash.empty(runs, [place])
    assert place.is_dir()


def test_links_in_the_trash_are_not_followed(tmp_path: Path, treasure: Path) -> None:
    runs = tmp_path / "runs"
    folder = ended(runs)
    (folder / "data").symlink_to(treasure)
    (folder / rundir.RESUME).symlink_to(treasure)
    place = trash.delete(runs, folder.name)
    (runs / rundir.TRASH / "20260101-000000-vgg16-0001.1234567890123").symlink_to(treasure)
    (runs / rundir.TRASH / "stray").symlink_to(treasure)
    assert next(item for item in trash.trashed_runs(runs) if item.place == place).bytes < 200_000
    trash.empty(runs)
    assert [path.name for path in (runs / rundir.TRASH).iterdir()] == ["stray"]
    assert (treasure / "photo.jpg").exists()


def test_a_run_whose_folder_is_a_link_is_deleted_by_its_link_alone(tmp_path: Path, treasure: Path) -> None:
    """Someone keeps a run on a larger disk and has linked it into runs/."""
    runs = tmp_path / "runs"
    elsewhere = ended(treasure)
    link = runs / elsewhere.name
    runs.mkdir()
    link.symlink_to(Path("..") / "treasure" / elsewhere.name)  # leads nowhere while it lies in the trash
    place = trash.delete(runs, link.name)
    assert Store(runs).ids() == []
    assert trash.restore(runs, place) == link.name
    assert Store(runs).run(link.name).state == "finished"
    trash.delete(runs, link.name)
    trash.empty(runs)
    assert (elsewhere / rundir.BEST).exists()


def test_a_trash_that_is_a_link_is_refused(tmp_path: Path, treasure: Path) -> None:
    runs = tmp_path / "runs"
    folder = ended(runs)
    (runs / rundir.TRASH).symlink_to(treasure)
    (treasure / f"{folder.name}.1234567890123").mkdir()
    for act in (lambda: trash.delete(runs, folder.name), lambda: trash.empty(runs), lambda: trash.trashed_runs(runs)):
        with pytest.raises(RunError, match="is a link and not a folder"):
            act()
    assert folder.is_dir()
    assert len(list(treasure.iterdir())) == 2


def test_a_folder_of_runs_that_is_itself_reached_by_a_link_works(tmp_path: Path) -> None:
    folder = ended(tmp_path / "real")
    (tmp_path / "runs").symlink_to(tmp_path / "real")
    place = trash.delete(tmp_path / "runs", folder.name)
    assert trash.restore(tmp_path / "runs", place) == folder.name
    trash.delete(tmp_path / "runs", folder.name)
    assert trash.empty(tmp_path / "runs") > 0
