"""docs/extending.md tells the truth: its diffs are applied to a copy, which is then used."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "extending.md"
SETTING = """
from dhc.config import RunConfig
for value in ("1", "-1"):
    print(RunConfig().with_values({"optimizer.clipnorm": value}).optimizer.clipnorm)
"""
PAGES = """
from streamlit.testing.v1 import AppTest
at = AppTest.from_file("app.py", default_timeout=60)
at.switch_page("pages/train.py")
at.session_state["dhc_form_rare"] = True
at.run()
assert not at.exception, at.exception
assert "Gradient clipping" in [field.label for field in at.number_input]
assert "cnn2" in next(field for field in at.selectbox if field.label == "Network").options
at = AppTest.from_file("app.py", default_timeout=60)
at.switch_page("pages/notes.py").run()
assert not at.exception, at.exception
assert any("No run has a note yet" in text.value for text in at.markdown)
"""
TRAINING = """
import sys
from pathlib import Path
from dhc.config import RunConfig
from dhc.models.build import compiled_model
from dhc.models.ladder import plan_of
from dhc.models.plan import measure
from dhc.training.loop import train_and_evaluate
changes = {"data.path": sys.argv[1], "model.name": "cnn2", "model.width": 0.1}
changes |= {"optimizer.clipnorm": 1, "fit.epochs": 1, "fit.batch_size": 8}
config = RunConfig().with_values(changes)
model = compiled_model(config, 3)
assert model.optimizer.clipnorm == 1
assert model.count_params() == sum(row.parameters for row in measure(plan_of(config, 3))), "Keras counts otherwise"
train_and_evaluate(config, Path(sys.argv[2]))
assert (Path(sys.argv[2]) / "summary.json").exists()
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The product in a folder of its own, with every diff of the page applied."""
    root = tmp_path_factory.mktemp("house")
    for folder in ("dhc", "pages", ".streamlit"):
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "app.py", root)
    for diff in re.findall(r"```diff\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL):
        apply(diff, root)
    return root


def apply(diff: str, root: Path) -> None:
    """Apply a diff to one file below `root`: each hunk where its lines stand, which must be in one place only."""
    header, *hunks = re.split(r"^@@.*\n", diff, flags=re.MULTILINE)
    file = root / header.splitlines()[1].removeprefix("+++ b/")
    text = "" if "/dev/null" in header else file.read_text(encoding="utf-8")
    for hunk in hunks:
        lines = [line or " " for line in hunk.splitlines()]
        old = "".join(f"{line[1:]}\n" for line in lines if line[0] in " -")
        new = "".join(f"{line[1:]}\n" for line in lines if line[0] in " +")
        assert not old or text.count(old) == 1, f"{file.name} has these lines {text.count(old)} times:\n{old}"
        text = text.replace(old, new) if old else text + new
    file.write_text(text, encoding="utf-8")


def run(copy: Path, *arguments: str, **folders: Path) -> subprocess.CompletedProcess[str]:
    """Run Python in the copy, with the folders of the runs and of the data sets as the environment names them."""
    environment = {
        **os.environ,
        "DHC_RUNS_DIR": str(copy / "runs"),
        **{name: str(path) for name, path in folders.items()},
    }
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, cwd=copy, env=environment)


@pytest.mark.slow
def test_the_new_setting_is_read_and_bounded(copy: Path) -> None:
    process = run(copy, "-c", SETTING)
    assert process.stdout.strip() == "1.0"
    assert "optimizer.clipnorm cannot be" in process.stderr


@pytest.mark.pages
def test_the_pages_show_what_was_added(copy: Path, tiny_data: Path) -> None:
    process = run(copy, "-c", PAGES, DHC_DATA_DIR=tiny_data.parent)
    assert process.returncode == 0, process.stderr


@pytest.mark.slow
def test_the_new_network_trains_with_the_new_setting(copy: Path, tiny_data: Path, tmp_path: Path) -> None:
    process = run(copy, "-c", TRAINING, str(tiny_data), str(tmp_path))
    assert process.returncode == 0, process.stderr
