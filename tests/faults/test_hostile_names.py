"""Names that nobody would choose: of runs, files, classes, labels, and in the page's address."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest
from make_run import make_run
from screens import address, open_page, texts

from dhc.data.layout import open_dataset
from dhc.data.standin.generate import make_dataset
from dhc.errors import DataError, RunError
from dhc.runs import rundir
from dhc.runs.labels import MAX_NAME, MAX_TAG
from dhc.runs.store import Store
from faults.cases import Case, fault
from faults.house import VICTIM, House, house, no_waiting

pytestmark = pytest.mark.pages

__all__ = ["house", "no_waiting"]

ROOT = Path(__file__).resolve().parents[2]
EVIL = [
    "../../etc/passwd", "..", "/", "a'b\"c`d", "<img src=x onerror=alert(1)>", "![x](http://evil.example/x.png)", "😀" * 75,
    "\u202egnp.exe", "x" * 300, "%00", "-1", "99999999999999999999", "1,1,1", "nan", "$x$ :red[y] :material/home:",
]  # fmt: skip


@pytest.mark.parametrize(
    "run_id", ["../../etc", "..", "", "a\nb", "x" * 300, "😀", "<b>", "--help=1", "20260102-000000-vgg16-0000"]
)
@pytest.mark.parametrize("command", ["show", "stop", "resume", "delete"])
@fault(
    "a run's name on the command line",
    done="../../etc, quotes, 300 letters, … given to show, stop, resume, delete",
    says="is not a run's name | there is no run",
)
def test_a_strange_run_on_the_command_line(house: House, case: Case, run_id: str, command: str) -> None:
    from click.testing import CliRunner

    from dhc.cli import cli

    before = sorted(house.runs.rglob("*"))
    done = CliRunner().invoke(cli, ["runs", command, "--runs", str(house.runs), "--", run_id])
    error = done.output or str(done.exception)
    assert isinstance(done.exception, RunError) or done.exit_code == 2
    assert case.is_said(error)
    assert len(error) < 400
    assert sorted(house.runs.rglob("*")) == before


@fault(
    "../../etc as a run, for real",
    done="`python -m dhc runs show ../../etc` in a process of its own",
    says="'../../etc' is not a run's name",
)
def test_the_real_command_says_one_sentence(house: House, case: Case) -> None:
    command = [sys.executable, "-m", "dhc", "runs", "show", "../../etc", "--runs", str(house.runs)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert case.is_said(done.stderr)


@pytest.mark.parametrize("screen", ["live", "mistakes", "confusion", "map", "review"])
@fault(
    "a run in the address that is none",
    done="../, HTML, 300 letters, … as ?run= on each page that shows one",
    says="There is no run … here",
)
def test_a_strange_run_in_the_address(house: House, case: Case, screen: str) -> None:
    for value in EVIL:
        at = open_page(screen, run=value)
        assert not at.exception
        assert len(at.error) == 1
        assert case.is_said(at.error[0].value), at.error[0].value
        assert "![x](http" not in at.error[0].value
        assert len(at.error[0].value) < 250
        assert address(at, "run") == VICTIM, "the newest one is shown"


PARAMETERS = [
    "run",
    "cell",
    "page",
    "group",
    "family",
    "select",
    "data",
    "picture",
    "true",
    "pred",
    "low",
    "high",
    "show",
    "sort",
    "order",
    "colour",
    "diagonal",
    "q",
    "state",
    "tag",
    "star",
    "archived",
    "columns",
    "storage",
    "curves_show",
    "curves_x",
    "curves_smooth",
    "curves_color",
    "replay_run",
    "flips_pair",
    "k",
    "classes",
    "versus",
    "epoch",
    "large",
    "present",
    "term",
    "view",
    "baseline",
    "pinned",
    "weak_run",
    "like",
    "preset",
    "vary",
    "design",
    "draws",
    "median",
    "factor",
    "patience",
    "model",
    "optimizer",
    "learning_rate",
    "view",
    "layer",
    "split",
    "corner",
    "with",
]


@pytest.mark.parametrize(
    "screen",
    ["data", "train", "live", "runs", "mistakes", "confusion", "map", "network", "review", "predict", "ladder"],
)
@fault("every parameter of the address, strange", done="all at once, on every page, fifteen values")
def test_no_page_fails_on_a_strange_address(house: House, case: Case, screen: str) -> None:
    for value in EVIL:
        at = open_page(screen, **dict.fromkeys(PARAMETERS, value))
        assert not at.exception, (value, at.exception)
        said = texts(at) + "".join(str(toast.value) for toast in at.toast)
        assert "of ours broke" not in said, value
        assert "](http://evil" not in said.replace("\\", "") or "](http://evil" not in "".join(
            m.value for m in at.markdown
        )


@pytest.mark.parametrize(
    ("screen", "name", "value"),
    [
        ("mistakes", "page", "99"),
        ("mistakes", "page", "<b>"),
        ("mistakes", "picture", "-1"),
        ("mistakes", "true", "3"),
        ("mistakes", "high", "101"),
        ("mistakes", "show", "everything"),
        ("confusion", "cell", "3,0"),
        ("confusion", "cell", "1;1"),
        ("confusion", "order", "../"),
        ("ladder", "group", "😀" * 75),
    ],
)
@fault(
    "a parameter that fits nothing",
    done="page=99, cell=3,0, picture=-1, … in the address",
    says="The address asks for …, which does not exist here. It was ignored.",
)
def test_what_fits_nothing_is_said_once(house: House, case: Case, screen: str, name: str, value: str) -> None:
    at = open_page(screen, **{"run": VICTIM, name: value})
    if screen == "ladder" and not at.toast:
        pytest.skip("without an experiment there is no group to choose")
    said = [toast.value.replace("\\", "") for toast in at.toast]
    assert len(said) == 1
    assert case.is_said(said[0])
    assert said[0].startswith(f"The address asks for {name} = “{value[:10]}")
    assert len(said[0]) < 150
    assert address(at, name) is None
    assert not at.run().toast, "said once"


@fault(
    "strange names, tags and notes",
    done="HTML, ../, emoji, right-to-left marks, 300 letters by hand in labels.json",
    says="<img src=x onerror=alert(1)>",
)
def test_strange_labels(house: House, case: Case) -> None:
    for value in EVIL:
        labels = {"name": value * 3, "tags": [value, value, 7, *(f"t{i}" for i in range(100))], "note": value * 1000}
        (house.folder / rundir.LABELS).write_text(json.dumps(labels), encoding="utf-8")
        info = house.read()
        assert len(info.title) <= MAX_NAME
        assert all(len(tag) <= MAX_TAG for tag in info.labels.tags)
        for screen in ("live", "runs"):
            at = open_page(screen, run=VICTIM)
            assert not at.exception
            if screen == "live" and value == "<img src=x onerror=alert(1)>":
                assert any(case.is_said(option) for option in at.selectbox[0].options), (
                    "in the list of runs, letter by letter"
                )
            assert "of ours broke" not in texts(at)
            assert not any("![x](http" in str(element.value) for element in at.markdown)


def read(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("file", ["../../../etc/passwd", "a/../../x.png", "/etc/passwd", "..\\..\\x.png", "C:\\x.png"])
@fault(
    "picture names that leave the folder",
    done="../, /etc/passwd, C:\\ in train.csv",
    says="a path that leaves the data folder",
)
def test_pictures_outside_the_folder(case: Case, tmp_path: Path, file: str) -> None:
    root = tmp_path / "set"
    make_dataset(root, classes=2, train=4, val=2, test=0, processes=1)
    with (root / "train.csv").open("a", newline="") as table:
        csv.writer(table).writerow([file, "x"])
    with pytest.raises(DataError) as refused:
        open_dataset(root)
    assert case.is_said(str(refused.value))


@fault(
    "strange picture and class names",
    done="HTML, quotes, emoji, 200 letters as file and class names of a data set",
    says="<img src=x onerror=alert(1)>",
)
def test_strange_names_of_pictures_and_classes(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "data" / "set"
    make_dataset(root, classes=3, train=24, val=9, test=0, seed=1, processes=1)
    strange = ["<img src=x onerror=alert(1)>", "![x](http://evil.example/x.png)", "😀\u202e" + "x" * 290]
    names = sorted({row["Class"] for row in csv.DictReader(read(root / "train.csv"))})
    for table in ("train", "val"):
        rows = list(csv.DictReader(read(root / f"{table}.csv")))
        with (root / f"{table}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["Image", "Class"])
            for number, row in enumerate(rows):
                image = f"<b>'\"😀 {number} {'y' * 150}.png"
                (root / f"{table}_images" / row["Image"]).rename(root / f"{table}_images" / image)
                writer.writerow([image, strange[names.index(row["Class"])]])
    monkeypatch.setenv("DHC_RUNS_DIR", str(tmp_path / "runs"))
    monkeypatch.setenv("DHC_DATA_DIR", str(root.parent))
    make_run(tmp_path / "runs", root, run_id=VICTIM, accuracy=0.4)
    assert Store(tmp_path / "runs").run(VICTIM).problem == ""
    said = ""
    for screen, more in (("data", {}), ("mistakes", {"picture": "0"}), ("confusion", {"cell": "0,1"}), ("live", {})):
        at = open_page(screen, run=VICTIM, **more)
        assert not at.exception
        said += texts(at)
        assert "of ours broke" not in texts(at)
        assert not any("![x](http" in str(element.value) for element in at.markdown)
        assert not any("<img" in str(element.value).replace("\\<", "") for element in at.markdown)
    assert case.is_said(said)
