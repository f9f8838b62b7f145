"""``python -m dhc export``: what it writes, what it refuses, what it says."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path

import pandas as pd
import pytest
from commands import Completed, dhc
from make_run import make_run

RUN, OTHER = "20260101-000000-vgg16-000a", "20260101-000001-vgg16-000b"


def export(runs: Path, *arguments: str) -> Completed:
    return dhc("export", *arguments, "--runs", str(runs))


@pytest.fixture
def runs(tiny_data: Path, tmp_path: Path) -> Path:
    for run_id in (RUN, OTHER):
        make_run(tmp_path / "runs", tiny_data, epochs=2, run_id=run_id)
    return tmp_path / "runs"


def test_runs_stand_in_the_order_in_which_they_are_named_and_none_twice(runs: Path, tmp_path: Path) -> None:
    out = tmp_path / "table.csv"
    process = export(runs, RUN, OTHER, RUN, str(out), "--to", "csv")
    assert process.returncode == 0, process.stderr
    assert pd.read_csv(out, encoding="utf-8-sig")["id"].tolist() == [RUN, OTHER]
    assert f"{out}: 2 runs" in process.stdout
    assert (tmp_path / "table-history.csv").exists()


def test_all_exports_every_run_and_the_report_says_its_size(runs: Path, tmp_path: Path) -> None:
    process = export(runs, "--all", str(tmp_path / "report.html"), "--to", "html")
    assert process.returncode == 0, process.stderr
    assert re.search(r"report of 2 runs, \d\.\d MB", process.stdout)
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert RUN in text
    assert OTHER in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["OUT", "--to", "csv"], "there is no run to export: name runs before OUT, or say --all"),
        ([RUN, "--all", "OUT", "--to", "csv"], "--all exports every run"),
        (["20260101-000009-vgg16-0000", "OUT", "--to", "html"], "there is no run 20260101-000009-vgg16-0000"),
        (["../../etc", "OUT", "--to", "csv"], "is not a run's name"),
        ([RUN, "OUT", "--to", "xlsx"], "'xlsx' is not one of"),
        ([RUN, "OUT", "--to", "csv", "--network"], "--network only goes with --to mlflow"),
        ([RUN, "THERE", "--to", "html"], "already exists: choose another file, or --force"),
        ([RUN, ".", "--to", "csv"], "is a folder: name a file"),
        ([RUN, "THERE/x", "--to", "csv"], "cannot be written"),
        ([RUN, "THERE", "--to", "tensorboard"], "is a file: name a folder"),
    ],
)
def test_bad_input_is_one_sentence_and_status_2(runs: Path, tmp_path: Path, arguments: list[str], message: str) -> None:
    (tmp_path / "there").write_text("mine")
    places = {"OUT": str(tmp_path / "out"), "THERE": str(tmp_path / "there"), "THERE/x": str(tmp_path / "there" / "x")}
    if "tensorboard" in arguments and importlib.util.find_spec("tensorboard") is None:
        pytest.skip("TensorBoard is optional: pip install tensorboard")
    process = export(runs, *(places.get(word, word) for word in arguments))
    assert process.returncode == 2
    assert message in process.stderr
    assert "Traceback" not in process.stderr
    assert (tmp_path / "there").read_text() == "mine"


@pytest.mark.parametrize(("kind", "package"), [("tensorboard", "tensorboard"), ("mlflow", "mlflow")])
def test_without_the_optional_package_it_says_what_to_install(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, package: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)  # as if it were not installed
    process = export(runs, RUN, str(tmp_path / "out"), "--to", kind)
    assert process.returncode == 2
    assert f"`pip install {package}` adds it" in process.stderr
    assert not (tmp_path / "out").exists()
