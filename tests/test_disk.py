"""What runs cost on disk, against du, and what giving up a part of it wins."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from dhc.errors import RunError
from dhc.files import write
from dhc.jobs import trash
from dhc.runs import disk, rundir
from dhc.runs.contract import Process, write_exit
from dhc.runs.identity import identify
from dhc.runs.store import Store

KEPT, STATE = 300_000, 500_000  # bytes of the network and of the state to go on from


def make(runs_dir: Path, how: str = "stopped") -> Path:
    """A run as training leaves it: the network of the best epoch linked into the state of the last one."""
    folder = rundir.create(runs_dir, "vgg16")
    (folder / rundir.BEST).write_bytes(os.urandom(KEPT))
    (folder / rundir.EVENTS).write_text('{"kind": "phase"}\n')
    state = folder / rundir.RESUME / "epoch-00003"
    state.mkdir(parents=True)
    (state / "state.npz").write_bytes(os.urandom(STATE))
    os.link(folder / rundir.BEST, state / rundir.BEST)
    if how == "running":
        me = identify(os.getpid())
        Process(child=me, worker=me, host=socket.gethostname()).write(folder)
    else:
        write_exit(folder, how, "made for a test")
    return folder


def du(folder: Path) -> int:
    told = subprocess.run(["du", "-s", "--block-size=1", str(folder)], capture_output=True, text=True, check=True)
    return int(told.stdout.split()[0])


@pytest.mark.skipif(shutil.which("du") is None, reason="the oracle is du")
def test_a_run_costs_what_du_says(tmp_path: Path) -> None:
    folder = make(tmp_path)
    with (folder / "hole").open("wb") as file:
        file.truncate(50_000_000)  # a sparse file takes nothing
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "deep" / "er" / "file").write_bytes(b"x" * 10_000)
    (folder / "link").symlink_to("/usr")
    assert disk.usage(folder).bytes == du(folder)
    assert disk.usage(folder).bytes < 2_000_000


def test_what_is_linked_twice_counts_once(tmp_path: Path) -> None:
    folder = make(tmp_path)
    found = disk.usage(folder)
    assert KEPT <= found.network < KEPT + 10_000
    assert STATE <= found.resume < STATE + 20_000  # the network in it is the same file
    assert found.bytes < KEPT + STATE + 60_000


def test_an_older_network_in_the_state_counts_to_the_state(tmp_path: Path) -> None:
    """A better epoch replaced best.keras since the state was saved."""
    folder = make(tmp_path)
    write.replace(folder / rundir.BEST, lambda file: _write(file, os.urandom(KEPT)))
    found = disk.usage(folder)
    assert found.resume >= STATE + KEPT
    assert found.bytes >= STATE + 2 * KEPT


def _write(file: object, data: bytes) -> None:
    file.write(data)  # type: ignore[attr-defined]


def test_nothing_is_nothing(tmp_path: Path) -> None:
    assert disk.usage(tmp_path / "gone") == disk.Usage(0)


def test_the_ledger_knows_when_a_run_has_changed(tmp_path: Path) -> None:
    folder = make(tmp_path)
    ledger = disk.Ledger()

    def agrees() -> bool:
        return ledger.usage(folder) == disk.usage(folder) == ledger.usage(folder)

    assert agrees()
    with (folder / rundir.EVENTS).open("ab") as file:
        file.write(b"x" * 100_000)
    assert agrees()
    write.replace(folder / rundir.BEST, lambda file: _write(file, b"y" * 2 * KEPT))
    assert agrees()
    shutil.rmtree(folder / rundir.RESUME / "epoch-00003")
    assert agrees()
    (folder / "submission.csv").write_bytes(b"z" * 100_000)
    assert agrees()
    shutil.rmtree(folder)
    assert agrees()


def test_dropping_the_state_wins_it_and_the_run_can_only_start_again(tmp_path: Path) -> None:
    folder = make(tmp_path)
    assert rundir.next_epoch(folder) == 4
    expected = disk.usage(folder).resume
    assert disk.drop_resume_state(tmp_path, folder.name) == expected
    assert rundir.next_epoch(folder) == 1
    assert (folder / rundir.BEST).stat().st_size == KEPT
    assert disk.drop_resume_state(tmp_path, folder.name) == 0


def test_dropping_the_network_takes_the_state_that_holds_it_too(tmp_path: Path) -> None:
    folder = make(tmp_path)
    assert disk.drop_network(tmp_path, folder.name) >= KEPT + STATE
    left = disk.usage(folder)
    assert (left.network, left.resume) == (0, 0)
    assert Store(tmp_path).run(folder.name).state == "stopped"


@pytest.mark.parametrize("drop", [disk.drop_resume_state, disk.drop_network])
def test_what_a_run_still_needs_is_not_dropped(tmp_path: Path, drop: object) -> None:
    folder = make(tmp_path, "running")
    with pytest.raises(RunError, match="is running: stop it before"):
        drop(tmp_path, folder.name)  # type: ignore[operator]
    with pytest.raises(RunError, match="is not a run's name"):
        drop(tmp_path, "../treasure")  # type: ignore[operator]
    assert disk.usage(folder).resume >= STATE


def test_links_are_not_followed(tmp_path: Path) -> None:
    """Neither a run's folder that is a link nor a resume/ that is one."""
    runs, treasure = tmp_path / "runs", tmp_path / "treasure"
    elsewhere = make(treasure)
    runs.mkdir()
    (runs / elsewhere.name).symlink_to(elsewhere)
    assert disk.usage(runs / elsewhere.name).bytes < 10_000
    with pytest.raises(RunError, match="is a link: what lies where it leads is left alone"):
        disk.drop_network(runs, elsewhere.name)
    folder = make(runs)
    shutil.rmtree(folder / rundir.RESUME)
    (folder / rundir.RESUME).symlink_to(elsewhere)
    disk.drop_resume_state(runs, folder.name)
    assert not os.path.lexists(folder / rundir.RESUME)
    assert disk.usage(elsewhere).bytes >= KEPT + STATE


def test_totals_tell_runs_trash_and_what_can_be_won(tmp_path: Path) -> None:
    stopped, running = make(tmp_path), make(tmp_path, "running")
    place = trash.delete(tmp_path, make(tmp_path).name)
    together = tmp_path / rundir.ENSEMBLES / "0a"
    together.mkdir(parents=True)
    (together / "submission.csv").write_bytes(b"x" * 9000)
    found = disk.totals(tmp_path, Store(tmp_path).runs(), disk.Ledger().usage)
    assert found.runs == disk.usage(stopped).bytes + disk.usage(running).bytes
    assert found.networks >= 2 * KEPT
    assert found.resume == disk.usage(stopped).resume  # the running one needs its own
    assert found.trash >= disk.usage(place).bytes
    assert 9000 <= found.ensembles < 50_000
    assert found.freeable == found.resume + found.trash
    assert 0 < found.free <= shutil.disk_usage(tmp_path).total
    assert disk.free(tmp_path / "not" / "yet" / "there") > 0


def test_a_run_that_vanishes_while_it_is_looked_at_costs_nothing(tmp_path: Path) -> None:
    folder = make(tmp_path)
    info = Store(tmp_path).run(folder.name)
    trash.delete(tmp_path, folder.name)
    assert disk.totals(tmp_path, [info]).runs == 0
