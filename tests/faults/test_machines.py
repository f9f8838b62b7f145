"""Odd machines: no home, another code page, names that are no UTF-8, `python -O`, read-only and mounted folders."""

from __future__ import annotations

import csv
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from commands import ROOT, dhc
from screens import data_box, open_page, texts

from dhc.data.decode import load_pictures
from dhc.data.layout import open_dataset
from dhc.data.standin.generate import make_dataset
from dhc.errors import DataError
from dhc.jobs import process, trash
from dhc.runs.store import Store
from faults.cases import Case, fault
from faults.conftest import mounted
from faults.house import SOUND, VICTIM, House, house, no_waiting

__all__ = ["house", "no_waiting"]

CAFE = os.fsdecode(b"caf\xe9")  # as Latin-1 has it
SCREENS = ("data", "train", "live", "runs", "mistakes", "confusion", "ladder")
NOBODY = 54_321  # no user of this machine
linux = pytest.mark.skipif(sys.platform != "linux", reason="file names are bytes on Linux only")
root = pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="root only")


@pytest.fixture
def pictures(tiny_data: Path) -> Iterator[Path]:
    """A copy of the data set for everyone to read and write, outside of pytest's folder, which is its user's alone."""
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        folder = shutil.copytree(tiny_data, Path(place) / "pictures", ignore=shutil.ignore_patterns(".dhc"))
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o777)
        yield folder
        folder.chmod(0o777)


def as_a_stranger(work: Callable[[], str]) -> str:
    """What `work` returns in a child of this process whose user has no home: a user that is not there, where that is allowed."""
    reader, writer = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of Python 3.12: threads of earlier tests are at rest
        child = os.fork()
    if child == 0:
        answer = "it did not come to an end"
        try:
            os.environ.pop("HOME", None)
            os.environ.pop("XDG_CACHE_HOME", None)
            if os.geteuid() == 0:
                os.setgroups([])
                os.setgid(NOBODY)
                os.setuid(NOBODY)
            else:
                import pwd  # Windows has none

                pwd.getpwuid = _unknown
            answer = work()
        except Exception as error:  # noqa: BLE001 - the parent judges it
            answer = f"{type(error).__name__}: {error}"
        finally:
            os.write(writer, answer.encode())
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, encoding="utf-8") as answers:
        answer = answers.read()
    os.waitpid(child, 0)
    return answer


def _unknown(uid: int) -> object:
    raise KeyError(uid)


@linux
@fault(
    "a user without a home, as of `docker run --user`",
    done="a process gives up its user for one that is not there, HOME too, and opens a data set: first its own, then one that it may only read",
    says="(Permission denied); make room or allow writing there",
)
def test_a_user_without_a_home_reads_what_it_may(pictures: Path, case: Case) -> None:
    dataset = open_dataset(pictures)
    load_pictures(
        dataset, "val"
    )  # all modules are loaded then: a stranger may not be allowed to read this Python's own
    shutil.rmtree(pictures / ".dhc")
    assert as_a_stranger(lambda: str(len(load_pictures(dataset, "val").ids))) == "9"
    assert (pictures / ".dhc" / "val.json").is_file()
    shutil.rmtree(pictures / ".dhc")
    pictures.chmod(0o555)
    said = as_a_stranger(lambda: str(len(load_pictures(dataset, "val").ids)))
    assert said.startswith(DataError.__name__)
    assert case.is_said(said)


@fault(
    "a path that begins with a home that is not there",
    done="`train --data ~nobody-of-this-name/pictures`, which no shell has replaced",
    says="data.path “~nobody-of-this-name/pictures” leads nowhere…write the whole path",
)
def test_the_home_of_nobody_is_refused(house: House, case: Case) -> None:
    done = dhc("train", "--data", "~nobody-of-this-name/pictures", "--set", "model.name=knn", "--runs", str(house.runs))
    assert done.returncode == 2
    assert case.is_said(done.stderr)


@fault(
    "a console of another code page",
    done="`data check` of classes called 日本 and Ωmega in a process whose output is cp1252, as on Windows; and a task's log",
    says="“日本”",
)
def test_output_is_utf8_whatever_the_console_says(tmp_path: Path, tiny_data: Path, case: Case) -> None:
    folder = _renamed(shutil.copytree(tiny_data, tmp_path / "set"), {"train", "val"})
    env = os.environ | {"PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "0"}
    done = subprocess.run(
        [sys.executable, "-m", "dhc", "data", "check", folder], capture_output=True, cwd=ROOT, env=env
    )
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    assert case.is_said(done.stdout.decode("utf-8"))
    code = "import sys; print('日本', ascii(sys.argv[1])); print('\\udce9', file=sys.stderr)"
    assert process.spawn(process.python("-c", code, "Ω"), log=tmp_path / "log", env=env).wait() == 0
    assert sorted((tmp_path / "log").read_text(encoding="utf-8").split("\n")) == ["", "\\udce9", "日本 '\\u03a9'"]


def _renamed(folder: Path, splits: set[str]) -> Path:
    """The data set with its three classes under names that no code page of the west has."""
    names = iter(("日本", "Ωmega", "ñandú"))
    new_names: dict[str, str] = {}
    for path in (folder / f"{split}.csv" for split in sorted(splits)):
        header, *rows = csv.reader(path.read_text(encoding="utf-8").splitlines())
        rows = [[file, new_names.get(label) or new_names.setdefault(label, next(names))] for file, label in rows]
        path.write_text("\n".join(map(",".join, [header, *rows])), encoding="utf-8")
    (folder / "test.csv").unlink()
    return folder


@linux
@fault(
    "a data set whose name is no UTF-8",
    done="a folder called b'caf\\xe9' beside a sound one, opened on Data and by `train`; a picture of that name in the sound one is found by the check",
    says=("cannot be used: its name is no UTF-8. Rename the folder.", "which is no UTF-8: rename the folder"),
)
def test_a_folder_that_is_no_utf8_is_named_and_the_others_serve(
    tmp_path: Path, house: House, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound, odd = tmp_path / "data" / "sound", tmp_path / "data" / CAFE
    make_dataset(sound, classes=3, train=9, val=6, test=3, seed=1, processes=1)
    shutil.copytree(sound, odd)
    shutil.copy(next((sound / "train_images").iterdir()), sound / "train_images" / f"{CAFE}.png")
    monkeypatch.setenv("DHC_DATA_DIR", str(tmp_path / "data"))
    for screen in ("data", "train", "ladder"):
        at = open_page(screen)
        assert not at.exception
        assert "of ours broke" not in texts(at)
        assert screen != "data" or (case.is_said(texts(at), 0) and data_box(at).options == ["sound"])
    done = dhc("train", "--data", str(odd), "--set", "model.name=knn", "--runs", str(house.runs))
    assert done.returncode == 2
    assert case.is_said(done.stderr, 1)
    assert "“train_images/caf\\udce9.png”" in dhc("data", "check", str(sound)).stdout


@linux
@fault(
    "a folder of runs 600 letters deep, in one that is no UTF-8",
    done="two runs there, and two strange entries beside them, on every page; then `runs` lists, deletes, restores and exports them",
)
def test_runs_may_lie_anywhere(tmp_path: Path, tiny_data: Path, case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path.joinpath(CAFE, *["n" * 100] * 6)
    for name, value in (("RUNS_DIR", place / "runs"), ("DATA_DIR", tiny_data.parent)):
        monkeypatch.setenv(f"DHC_{name}", str(value))
    deep = House(place / "runs", tiny_data)
    for strange in (CAFE, f".trash/{CAFE}"):
        (deep.runs / strange).mkdir(parents=True)
    for screen in SCREENS:
        at = open_page(screen, run=VICTIM, select=f"{VICTIM},{SOUND}")
        assert not at.exception
        assert "of ours broke" not in texts(at)
    runs = ("--runs", str(deep.runs))
    for command in f"runs list --json|runs delete {VICTIM}|runs trash|runs restore {VICTIM}|runs disk|export --to csv {VICTIM} t.csv".split(
        "|"
    ):
        done = dhc(*shlex.split(command), *runs, folder=place)
        assert done.returncode == 0, (command, done.stderr)
        done.stdout.encode("utf-8", "backslashreplace")
    assert [info.id for info in Store(deep.runs).runs()] == [VICTIM, SOUND]
    assert (place / "t-history.csv").is_file()


@fault(
    "python -O",
    done="a process without asserts decodes a data set with a damaged picture, and another one reads what it wrote",
)
def test_no_assert_does_any_work(tmp_path: Path, tiny_data: Path, case: Case) -> None:
    folder = shutil.copytree(tiny_data, tmp_path / "set", ignore=shutil.ignore_patterns(".dhc"))
    next((folder / "val_images").iterdir()).write_bytes(b"no picture")
    code = (
        "import sys; from pathlib import Path; from dhc.data import cache; from dhc.data.decode import load_pictures; "
        "from dhc.data.layout import open_dataset; root = Path(sys.argv[1]); assert False; "
        "load_pictures(open_dataset(root), 'val', skip_bad=True); print(cache.read(root / '.dhc', 'val', 9).x.shape)"
    )
    done = subprocess.run([sys.executable, "-O", "-c", code, folder], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout == "(8, 64, 64, 3)\n", done.stderr


@root
@fault(
    "an installation that may only be read",
    done="the checkout is mounted read-only for one process: it lists, compares and exports runs that lie elsewhere; then it trains without saying where",
    says="Read-only file system…runs",
)
def test_a_read_only_installation_serves_runs_elsewhere(house: House, tmp_path: Path, case: Case) -> None:
    code = (
        "import sys; sys.path[:0] = ['.', 'tests']; from commands import dhc; import os\n"
        "for words in (['runs', 'list'], ['export', '--to', 'html', sys.argv[1], sys.argv[2]]): dhc(*words)\n"
        "del os.environ['DHC_RUNS_DIR']\n"
        "print(dhc('train', '--data', sys.argv[3], '--set', 'model.name=knn', '--detach').stderr)"
    )
    words = [sys.executable, "-c", code, VICTIM, str(tmp_path / "report.html"), str(house.read().config.data.path)]  # type: ignore[union-attr]
    mount = "mount --bind . . && mount -o remount,ro,bind . && cd $PWD && exec"
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", f"{mount} {shlex.join(words)}"], capture_output=True, text=True, cwd=ROOT
    )
    if "unshare" in done.stderr or "mount:" in done.stderr:
        pytest.skip("nothing can be mounted here")
    assert case.is_said(done.stdout), done.stderr
    assert (tmp_path / "report.html").is_file()


@contextmanager
def mount(place: Path) -> Iterator[None]:
    """A file system of its own on a folder, for a while."""
    place.mkdir(exist_ok=True)
    if not mounted(place):
        pytest.skip("nothing can be mounted here")
    yield
    subprocess.run(["umount", "-l", place], check=True)


@root
@fault(
    "a trash, or a run, on another file system",
    done="a file system is mounted on runs/.trash, then one on a run's folder; runs are deleted and restored",
    says=(
        "the trash .trash is on another file system: unmount it, or remove the run's folder by hand",
        "a file system is mounted on its folder: unmount it first",
    ),
)
def test_nothing_is_moved_between_file_systems(house: House, case: Case) -> None:
    gone, place = VICTIM.replace("2", "3"), house.runs / ".trash"
    with mount(place):
        (refusal,) = trash.delete_all(house.runs, [VICTIM]).refusals.values()
        assert case.is_said(refusal, 0)
        copy = shutil.copytree(house.folder, place / f"{gone}.{10**18}")
        assert case.is_said(dhc("runs", "restore", gone, "--runs", str(house.runs)).stderr, 0)
        assert (copy / "config.json").is_file()
        assert house.read().state == "finished"
    with mount(house.folder):
        shutil.copytree(house.runs / SOUND, house.folder, dirs_exist_ok=True)
        assert case.is_said(dhc("runs", "delete", VICTIM, "--runs", str(house.runs)).stderr, 1)
        assert house.read().state == "finished"
