"""The lock of a run: one holder at a time, and no folder made by it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from dhc.errors import RunError
from dhc.files import lock as module
from dhc.jobs import trash
from dhc.runs import rundir
from dhc.runs.lock import HeldError, hold


def test_one_at_a_time(tmp_path: Path) -> None:
    with (
        hold(tmp_path),
        pytest.raises(HeldError, match="is being started or ended: try again in a moment"),
        hold(tmp_path, patience=0),
    ):
        pass
    with hold(tmp_path, patience=0):
        assert (tmp_path / rundir.LOCK).is_file()


@pytest.mark.parametrize("back", [False, True])
def test_a_run_that_is_moved_away_meanwhile_is_not_held_and_not_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, back: bool
) -> None:
    """It goes between the first look and the lock; filelock would make its folder again."""
    folder = rundir.create(tmp_path / "runs", "knn")

    def lock_late(path: Path) -> Any:
        folder.rename(tmp_path / "away")
        if back:
            folder.mkdir()
        return FileLock(path)

    monkeypatch.setattr(module, "FileLock", lock_late)
    with pytest.raises(RunError, match="was deleted just now"), hold(folder):
        pass
    assert not folder.exists()


def test_a_run_that_is_gone(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="was deleted just now"), hold(tmp_path / "gone"):
        pass
    assert not (tmp_path / "gone").exists()


def a_link(folder: Path, elsewhere: Path) -> None:
    folder.rmdir()
    folder.symlink_to(elsewhere)


def a_folder_for_a_lock(folder: Path, elsewhere: Path) -> None:
    (folder / rundir.LOCK).mkdir()


@pytest.mark.parametrize("spoil", [a_link, a_folder_for_a_lock])
def test_deleting_needs_no_lock_and_leaves_alone_what_a_link_leads_to(
    tmp_path: Path, spoil: Callable[[Path, Path], None]
) -> None:
    folder, elsewhere = rundir.create(tmp_path / "runs", "knn"), tmp_path / "elsewhere"
    elsewhere.mkdir()
    spoil(folder, elsewhere)
    place = trash.delete(tmp_path / "runs", folder.name)
    assert not folder.exists()
    assert list(elsewhere.iterdir()) == []
    place.unlink() if place.is_symlink() else shutil.rmtree(place)
