"""Faults of knowing the machine: other names, other containers, other machines, ends that another system recorded."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from make_run import make_run

from dhc.errors import RunError
from dhc.jobs import control
from dhc.jobs import queue as queues
from dhc.runs import rundir
from dhc.runs.autopsy import autopsy
from dhc.runs.contract import Process, Worker
from dhc.runs.identity import identify
from dhc.runs.status import status_of
from dhc.runs.store import Store
from faults.cases import Case, fault

ROOT = Path(__file__).parents[2]
OTHER = {"boot": "another", "machine": "another"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A run whose training is this very process."""
    folder = rundir.create(tmp_path / "runs", "vgg16")
    Process(child=identify(os.getpid()), host=socket.gethostname(), run=folder.name).write(folder)
    rundir.write_json(folder / rundir.REQUEST, {"queued_at": 1.0, "device": "cpu"})
    return folder


def seen_by(folder: Path, *around: str) -> str:
    """The run's state and its cause's headline, read by a process that is started by the command `around`."""
    code = (
        "import sys; from pathlib import Path; from dhc.runs.autopsy import autopsy; from dhc.runs.store import Store\n"
        "path = Path(sys.argv[1]); info = Store(path.parent).run(path.name); page = autopsy(info)\n"
        "print(info.state, '|', page and page.headline, '|', page and page.reason)"
    )
    words = [*around, sys.executable, "-c", code, str(folder)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=ROOT)
    if done.returncode:
        pytest.skip("namespaces can be made here by root only")
    return done.stdout


@fault(
    "the machine gets another name while it trains",
    done="a reader in a namespace of its own, with another host name, looks at a run that trains",
    state="running",
)
def test_another_host_name_changes_nothing(folder: Path, case: Case) -> None:
    state = seen_by(folder, "unshare", "--uts", "sh", "-c", 'hostname renamed && exec "$@"', "sh").split(" | ")[0]
    assert case.has_state(state)
    assert case.has_state(status_of(folder).state)


@fault(
    "seen from another container",
    done="a reader in a namespace of processes of its own looks at a run that trains outside",
    state="crashed",
    says=(
        "It ran on another machine, or in another container",
        "it ran in another container (…), or in this one before",
    ),
)
def test_the_same_numbers_elsewhere_are_other_processes(folder: Path, case: Case) -> None:
    said = seen_by(folder, "unshare", "--fork", "--pid", "--mount-proc")
    assert case.has_state(said.split(" | ")[0])
    assert case.is_said(said), said


@fault(
    "seen from another machine",
    done="process.json and the worker's record are another machine's, whose process numbers are alive here too",
    state="crashed",
    says=(
        "it ran on another machine (gpu-server); from here nobody can see",
        "its worker was started on another machine",
    ),
)
def test_another_machines_numbers_are_not_looked_up_here(folder: Path, case: Case) -> None:
    foreign = identify(os.getpid()).model_copy(update=OTHER)
    Process(child=foreign, worker=foreign, host="gpu-server", run=folder.name).write(folder)
    Worker(worker=foreign, host="gpu-server", run=folder.name, beat=1.0).save(rundir.worker_file(folder.parent, "cpu"))
    assert case.has_state(status_of(folder).state)
    page = autopsy(Store(folder.parent).run(folder.name))
    assert page is not None
    assert case.is_said(page.reason, 0)
    assert case.is_said(queues.idle_reason(folder.parent, "cpu"), 1)
    with pytest.raises(RunError, match="cannot be killed from here"):
        control.kill(folder.parent, folder.name)


@fault(
    "an end that Windows recorded",
    done="exit.json with the status 3221225477 and no words",
    state="killed",
    says=("Its process crashed inside a library", "access violation, 0xC0000005"),
)
def test_a_foreign_exit_status(tmp_path: Path, tiny_data: Path, case: Case) -> None:
    folder = make_run(tmp_path / "runs", tiny_data)
    rundir.write_json(folder / rundir.EXIT, {"how": "killed", "code": 3221225477})
    info = Store(folder.parent).run(folder.name)
    page = autopsy(info)
    assert page is not None
    assert case.has_state(info.state)
    assert case.is_said(f"{page.headline} {page.reason}")
