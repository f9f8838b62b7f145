"""What a stranger's run or data set may hold: links, pipes and second names, which nothing is written through or waits for."""

from __future__ import annotations

import itertools
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from make_run import make_run
from networks import small_network
from screens import open_page

from dhc.cli import cli
from dhc.data.decode import load_pictures
from dhc.data.layout import open_dataset
from dhc.errors import UserError
from dhc.export.html import write_html
from dhc.export.mlflow import ARTIFACTS_FOLDER, DATABASE, refuse_links
from dhc.export.table import write_csv
from dhc.export.tensorboard import write_tensorboard
from dhc.files import remove
from dhc.jobs import evaluation, launch, submission, trash, worker
from dhc.runs import disk, fit, rundir
from dhc.runs.labels import change_labels
from dhc.runs.store import Store
from faults.cases import Case, fault
from faults.conftest import KNN, Bench
from faults.house import EPOCHS, VICTIM, House, house, instead_of, no_waiting

__all__ = ["house", "no_waiting"]

TEXT = b"mine\n"


class Bystander:
    """A file and a folder elsewhere, of which not a byte and not a time may change."""

    def __init__(self, root: Path) -> None:
        self.folder, self.file = root / "documents", root / "documents" / "bashrc"
        (self.folder / "letters").mkdir(parents=True)
        (self.folder / f"{VICTIM}.1770000000000000000").mkdir()
        for path in (self.file, self.folder / "letters" / "letter"):
            path.write_bytes(TEXT)
        self._before = self._state()

    def check(self) -> None:
        """Fail where anything is not as it was."""
        assert self._state() == self._before

    def _state(self) -> dict[str, tuple[object, ...]]:
        return {
            str(path): (path.lstat().st_mode, path.lstat().st_mtime_ns, path.read_bytes() if path.is_file() else b"")
            for path in sorted(self.folder.rglob("*"))
        }

    def makers(self) -> dict[str, Callable[[Path], object]]:
        """What may stand under a name instead of a file, by what it is called."""
        return {
            "a link": lambda path: path.symlink_to(self.file),
            "a link ": lambda path: path.symlink_to(self.folder / "made-by-a-link"),
            "a link  ": lambda path: path.symlink_to(path.name),
            "a pipe": os.mkfifo,
            "a socket": _bind,
            "a folder": Path.mkdir,
        }


def _bind(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(os.path.relpath(path))


@pytest.fixture
def bystander(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bystander]:
    monkeypatch.chdir(tmp_path)  # the name of a socket is short
    bystander = Bystander(tmp_path)
    yield bystander
    bystander.check()


def refusal(call: Callable[[], object]) -> str:
    """The one sentence with which something is refused."""
    with pytest.raises(UserError) as refused:
        call()
    assert "\n" not in str(refused.value)
    return str(refused.value)


def stop(house: House) -> None:
    """Make the victim one that can be resumed."""
    rundir.write_json(house.folder / rundir.EXIT, {"how": "stopped", "reason": "stopped on request", "cause": "stop"})
    (house.folder / rundir.SUMMARY).unlink()


def prints(folder: Path) -> dict[str, tuple[int, ...]]:
    return {path.name: (path.lstat().st_mode, path.lstat().st_mtime_ns) for path in folder.iterdir()}


@fault(
    "a stopped run that holds links",
    done="a link to a file, to nothing and to itself, a pipe, a socket and a folder under every name that a training writes",
    says="cannot go on: its … is a …, where a file belongs; start a copy, or remove it",
)
def test_a_run_with_links_is_not_taken_up(house: House, bystander: Bystander, case: Case) -> None:
    stop(house)
    for name in fit.FILES:
        for noun, make in bystander.makers().items():
            path, aside = house.folder / name, house.folder / "aside"
            if path.exists():
                path.rename(aside)
            make(path)
            before = prints(house.folder)
            text = refusal(lambda: launch.resume(house.runs, house.folder.name))
            if name not in (rundir.EXIT, rundir.CONFIG):  # without its end it is no run that ended
                assert f"its {name} is {noun.strip()}, where a file belongs" in text
                assert case.is_said(text)
            assert prints(house.folder) == before
            path.rmdir() if noun == "a folder" else path.unlink()
            if aside.exists():
                aside.rename(path)


@fault(
    "a resume/ that leads elsewhere",
    done="a link to a folder, a file and a pipe in the place of resume/ or states/; the run is resumed, its space given up, the run deleted for good",
    says="is a …, where a folder belongs; start a copy, or remove it",
)
def test_a_resume_folder_that_is_a_link(house: House, bystander: Bystander, case: Case) -> None:
    stop(house)
    places = (house.folder / rundir.RESUME, house.folder / rundir.STATES)
    makers = (lambda path: path.symlink_to(bystander.folder), lambda path: path.write_bytes(TEXT), os.mkfifo)
    for place, make in itertools.product(places, makers):
        make(place)
        assert case.is_said(refusal(lambda: launch.resume(house.runs, house.folder.name)))
        disk.drop_network(house.runs, house.folder.name)
        assert not os.path.lexists(place), "the link itself may go"
    place.symlink_to(bystander.folder)
    trash.delete(house.runs, house.folder.name)
    trash.empty(house.runs)


@fault(
    "a run folder that is a link, written to",
    done="it is resumed, stopped, labelled, evaluated, answered, made smaller; then deleted, brought back and removed for good",
    says=(
        "is a link: what lies where it leads is left alone",
        "is a link, where a folder belongs: remove it and try again",
    ),
)
def test_a_run_folder_that_is_a_link(house: House, bystander: Bystander, case: Case) -> None:
    stop(house)
    away = house.runs.parent / "away"
    shutil.move(house.folder, away)
    house.folder.symlink_to(away)
    run_id, before = house.folder.name, prints(away)
    calls: tuple[tuple[int, Callable[[], object]], ...] = (
        (0, lambda: launch.resume(house.runs, run_id)),
        (0, lambda: disk.drop_network(house.runs, run_id)),
        (0, lambda: disk.drop_resume_state(house.runs, run_id)),
        (1, lambda: change_labels(house.folder, name="x")),
        (1, lambda: evaluation.start(house.folder)),
        (1, lambda: submission.start(house.folder, open_dataset(house.data))),
    )
    for number, call in calls:
        assert case.is_said(refusal(call), number)
    trash.restore(house.runs, trash.delete(house.runs, run_id))
    trash.delete(house.runs, run_id)
    trash.empty(house.runs)
    assert prints(away) == before


@fault(
    "labels and marks that lead elsewhere",
    done="labels.json, .labels.lock and both stop requests are each a link, a pipe, a socket, a folder; the run is labelled and stopped",
    says="is a …, where a file belongs: remove it and try again",
)
def test_labels_and_marks_that_are_links(house: House, bystander: Bystander, case: Case) -> None:
    folder = make_run(house.runs, house.data, epochs=1, how="running", run_id="20260103-000000-vgg16-000c")
    calls: dict[Path, Callable[[], object]] = {
        folder / rundir.LABELS: lambda: change_labels(folder, name="x"),
        house.runs / rundir.LABELS_LOCK: lambda: change_labels(folder, name="x"),
        folder / rundir.STOP: lambda: launch.stop(house.runs, folder.name),
        folder / rundir.STOP_AFTER_EPOCH: lambda: launch.stop_after_epoch(house.runs, folder.name),
    }
    for path, call in calls.items():
        path.unlink(missing_ok=True)
        for make in bystander.makers().values():
            with instead_of(path, make):
                assert case.is_said(refusal(call))


@fault(
    "workers' files that lead elsewhere",
    done=".worker.log, .worker-cpu.json and .worker-cpu.lock are links and pipes; a run is launched, resumed, the queue set going",
    says="is a …, where a file belongs: remove it and try again",
)
def test_workers_files_that_are_links(house: House, bystander: Bystander, case: Case) -> None:
    stop(house)
    config = small_network(house.data)
    runs = sorted(house.runs.iterdir())
    calls = (
        lambda: launch.launch(config, house.runs),
        lambda: launch.resume(house.runs, house.folder.name),
        lambda: launch.work(house.runs),
    )
    for name in (rundir.WORKER_LOG, ".worker-cpu.json", ".worker-cpu.lock"):
        for make in bystander.makers().values():
            with instead_of(house.runs / name, make):
                for call in calls:
                    assert case.is_said(refusal(call))
    assert sorted(house.runs.iterdir()) == runs


@fault(
    "a trash that leads elsewhere",
    done=".trash is a link to a folder that looks like a trash, a pipe, a file; a run is deleted, the trash is emptied",
    says=("is a link and not a folder: remove the link", "where a folder belongs: remove it and try again"),
)
def test_a_trash_that_is_a_link(house: House, bystander: Bystander, case: Case) -> None:
    place = house.runs / rundir.TRASH
    for number, make in enumerate((lambda path: path.symlink_to(bystander.folder), os.mkfifo, Path.touch)):
        with instead_of(place, make):
            assert case.is_said(refusal(lambda: trash.delete(house.runs, house.folder.name)), min(number, 1))
            if place.is_symlink():
                assert case.is_said(refusal(lambda: trash.empty(house.runs)), 0)
        assert house.read().epochs_done


@fault(
    "a deleted run that holds links",
    done="links to a person's folder and file, a pipe and a socket lie in it and in its resume/; the trash is emptied",
    state="finished",
)
def test_a_deleted_run_with_links(house: House, bystander: Bystander, case: Case) -> None:
    assert case.has_state(house.read().state)
    deep = house.folder / rundir.RESUME / "epoch-00001"
    deep.mkdir(parents=True)
    for number, folder in enumerate((house.folder, deep)):
        (folder / "letters").symlink_to(bystander.folder)
        for noun, make in bystander.makers().items():
            make(folder / f"{number} {noun}")
    place = trash.delete(house.runs, house.folder.name)
    assert trash.empty(house.runs) > 0
    assert not os.path.lexists(place)
    assert list(place.parent.iterdir()) == []


@fault(
    "an export to a link",
    done="the file named for a table, a report, a submission or an evaluation is a link, a pipe, a socket, a folder; so are folders and files for TensorBoard and MLflow",
    says=("is a link: name a file", "is a pipe: name a file", "is a folder: name a file"),
)
def test_an_export_to_a_link(house: House, bystander: Bystander, case: Case) -> None:
    out = house.runs.parent / "out.csv"
    commands = (
        f"export {VICTIM} {out} --to csv --force",
        f"export {VICTIM} {out} --to html --force",
        f"evaluate {VICTIM} --out {out}",
        f"predict {VICTIM} --force --out {out}",
    )
    said = []
    for make in bystander.makers().values():
        with instead_of(out, make):
            for command in commands:
                words = [*command.split(), "--runs", str(house.runs)]
                said.append(refusal(partial(cli.main, words, standalone_mode=False)))
    assert case.is_said("\n".join(said))
    assert all("name a file" in text for text in said)
    for name in (DATABASE, ARTIFACTS_FOLDER):
        with instead_of(house.runs.parent / name, lambda path: path.symlink_to(bystander.folder)):
            assert f"{name} in" in refusal(lambda: refuse_links(house.runs.parent))
    if find_spec("tensorboard") is None:  # it is optional
        return
    (house.runs.parent / "logs" / VICTIM).mkdir(parents=True)
    (house.runs.parent / "logs" / VICTIM / "train").symlink_to(bystander.folder)
    text = refusal(lambda: write_tensorboard([house.read()], Store(house.runs), house.runs.parent / "logs", force=True))
    assert "train in" in text


@fault(
    "a data set whose cache leads elsewhere",
    done=".dhc is a link, a pipe, a socket; then its train.json is one; then an array of it is",
    state="finished",
)
def test_a_data_set_with_links(house: House, bystander: Bystander, case: Case) -> None:
    assert case.has_state(house.read().state)
    root = house.runs.parent / "stranger"
    shutil.copytree(house.data, root, ignore=shutil.ignore_patterns(".dhc"))
    expected = load_pictures(open_dataset(house.data), "train").x
    for name in (".dhc", ".dhc/train.json", ".dhc/train-0123456789abcdef.npy"):
        for noun, make in bystander.makers().items():
            if name != ".dhc":
                (root / ".dhc").mkdir()
            elif noun == "a folder":
                continue
            make(root / name)
            np.testing.assert_array_equal(load_pictures(open_dataset(root), "train").x, expected)
            remove.tree(root / ".dhc")


@pytest.mark.slow
@fault(
    "a run whose files have second names elsewhere",
    done="events.jsonl, train.log and the other files are hard links to a person's, as a tar may hold them; the run is taken up",
    state="finished",
)
def test_hard_links(bench: Bench, bystander: Bystander, case: Case) -> None:
    folder = bench.waiting(**KNN)
    for name in {*fit.FILES} - {rundir.CONFIG, rundir.REQUEST, rundir.EXIT, rundir.STOP, rundir.PROCESS}:
        (folder / name).hardlink_to(bystander.file)
    assert worker.main([str(bench.runs_dir), "cpu"]) == 0
    assert case.has_state(bench.info(folder).state)
    assert (folder / rundir.LOG).read_bytes().startswith(TEXT)
    assert {path.name for path in folder.iterdir()} <= {*fit.FILES}


@pytest.mark.slow
@fault(
    "killed in the middle of writing",
    done="SIGKILL while a file is written, of each kind; the run is taken up by a worker, a diary of the person's beside them",
    state="finished",
)
def test_half_written_files_go(bench: Bench, case: Case) -> None:
    folder = bench.waiting(**KNN)
    die = "import os, sys; from pathlib import Path; from dhc.files import write\ndie = lambda *_: os.kill(os.getpid(), 9)\n"
    names = (rundir.PREDICTIONS, rundir.SUMMARY, rundir.LABELS, rundir.SCORE)
    for name in names:
        program = f"{die}write.replace(Path(sys.argv[1]), die)"
        assert subprocess.run([sys.executable, "-c", program, folder / name], check=False).returncode == -9
    program = f"{die}\nwith write.draft(Path(sys.argv[1])): die()"
    assert subprocess.run([sys.executable, "-c", program, folder / rundir.BEST], check=False).returncode == -9
    assert len([path for path in folder.iterdir() if path.name.startswith(".")]) == 5
    (folder / rundir.RESUME / ".epoch-00003.0123456789abcdef").mkdir(parents=True)
    for name in (".saving-best.keras", ".linking-best.keras", ".exit.json.0a1b2c3d", ".0123456789abcdef.diary.txt"):
        (folder / name).write_bytes(TEXT)
    assert worker.main([str(bench.runs_dir), "cpu"]) == 0
    assert case.has_state(bench.info(folder).state)
    assert sorted(path.name for path in folder.iterdir() if path.name.startswith(".")) == [
        ".0123456789abcdef.diary.txt",
        rundir.LOCK,
    ]


@pytest.mark.slow
@fault(
    "a resumed run whose resume/ holds links",
    done="a later state and a half-saved one are links to a folder of the person's; the run is resumed and saves states of its own",
    state="finished",
)
def test_links_in_the_resume_folder(bench: Bench, killed: Path, bystander: Bystander, case: Case) -> None:
    before = bench.epochs(killed)
    (killed / rundir.RESUME / "epoch-00099").symlink_to(bystander.folder)
    (killed / rundir.RESUME / ".epoch-00098").symlink_to(bystander.folder)
    bench.resumes(killed, before)
    assert case.has_state(bench.info(killed).state)
    assert not [path.name for path in killed.iterdir() if path.name.startswith(".") and path.name != rundir.LOCK]


def nest(folder: Path, levels: int) -> None:
    """Make folders in folders, far deeper than a path may be long."""
    folder.mkdir()
    fd = os.open(folder, os.O_RDONLY)
    for _ in range(levels):
        os.mkdir("d", dir_fd=fd)
        inner = os.open("d", os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = inner
    os.close(fd)


@pytest.mark.skipif(os.open not in os.supports_dir_fd, reason="no path is that long here")
@pytest.mark.parametrize("name", [rundir.RESUME, "x"])
def test_a_run_of_folders_thousands_deep_is_measured_and_removed(house: House, name: str, bystander: Bystander) -> None:
    nest(house.folder / name, 3000)
    (house.folder / name / "d" / "d" / "letters").symlink_to(bystander.folder)
    assert disk.usage(house.folder).bytes > 0
    trash.restore(house.runs, trash.delete(house.runs, VICTIM))
    assert not open_page("runs").exception
    trash.delete(house.runs, VICTIM)
    assert trash.trashed_runs(house.runs)
    assert trash.empty(house.runs) > 0
    assert list((house.runs / rundir.TRASH).iterdir()) == []


def test_a_queue_time_that_no_calendar_has_stops_no_list(house: House) -> None:
    rundir.write_json(house.folder / rundir.REQUEST, {"queued_at": 1e300, "device": "cpu"})
    assert house.read().queued_at is None
    house.see("runs")
    write_csv([house.read()], Store(house.runs), house.runs.parent / "out.csv")


@pytest.mark.parametrize("figure", [5e-324, 1e308])
def test_times_and_speeds_that_cannot_be_true_stop_no_page_and_no_report(house: House, figure: float) -> None:
    summary = {"epochs": EPOCHS, "curve": [0.5], "seconds": figure, "pictures_per_second": figure}
    rundir.write_json(house.folder / rundir.SUMMARY, summary)
    house.see("train")
    write_html([house.read()], Store(house.runs), house.runs.parent / "out.html")
