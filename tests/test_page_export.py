"""The Runs page's export panel: its files, its commands, what it says beforehand."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest
from make_run import make_run
from screens import ROOT, open_page, texts
from streamlit.testing.v1 import AppTest

from dhc.runs.store import Store
from dhc.ui.runs.compare.export import command_lines, sentences

pytestmark = pytest.mark.pages

RUNS = ["20260101-000000-vgg16-000a", "20260101-000001-vgg16-000b"]


@pytest.fixture
def runs(tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "my runs"
    for run_id in RUNS:
        make_run(folder, tiny_data, epochs=2, run_id=run_id)
    monkeypatch.setenv("DHC_RUNS_DIR", str(folder))
    monkeypatch.setenv("DHC_DATA_DIR", str(tiny_data.parent))
    return folder


def panel(run_ids: list[str]) -> AppTest:
    return open_page("runs", select=",".join(run_ids), panel="export")


def test_the_panel_offers_three_files_and_two_commands(runs: Path) -> None:
    app = panel(RUNS)
    assert not app.exception
    assert [button.proto.label for button in app.get("download_button")] == [
        "Table (CSV)",
        "Histories (CSV)",
        "Report (HTML)",
    ]
    codes = [code.value for code in app.code]
    assert any("--to tensorboard" in code and all(run in code for run in RUNS) for code in codes)
    assert any("mlflow ui" in code for code in codes)
    assert "needs no network" in texts(app)


def test_the_command_is_one_that_the_command_line_takes(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from click.testing import CliRunner

    from dhc.cli import cli

    monkeypatch.chdir(runs.parent)
    line = next(line for line in command_lines(RUNS, "tensorboard", "").splitlines() if line.startswith("python"))
    words = shlex.split(line)
    assert words[:4] == ["python", "-m", "dhc", "export"]
    pytest.importorskip("tensorboard", reason="TensorBoard is optional: pip install tensorboard")
    result = CliRunner().invoke(cli, words[3:])
    assert result.exit_code == 0, result.output
    assert (runs.parent / "exports" / "tensorboard" / RUNS[0] / "train").is_dir()


def test_what_a_run_cannot_tell_is_said(runs: Path) -> None:
    (runs / RUNS[0] / "config.json").write_text("{")
    text = " ".join(sentences(Store(runs).runs()))
    assert "The settings of 1 run cannot be read" in text
    many = sentences(Store(runs).runs() * 10)
    assert any("Of 20 runs the first 12" in sentence for sentence in many)


def test_runs_still_training_are_said_to_be(tiny_data: Path, tmp_path: Path) -> None:
    make_run(tmp_path, tiny_data, epochs=2, how="running")
    assert any("1 run not ended yet" in sentence for sentence in sentences(Store(tmp_path).runs()))


def test_the_pages_load_neither_tensorboard_nor_mlflow_nor_tensorflow() -> None:
    import subprocess

    code = "import sys, dhc.ui.runs.compare, dhc.cli; print({'tensorboard', 'mlflow', 'tensorflow', 'keras'} & {n.split('.')[0] for n in sys.modules})"
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert process.stdout.strip() == "set()"
