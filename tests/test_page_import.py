"""Import on the Data page, as Streamlit runs it: a path, the preview, roles by hand, the import to its end."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from screens import data_box, open_page, texts
from streamlit.testing.v1 import AppTest
from test_importing import PNG, by_class, pack, table

from dhc.data.layout import open_dataset
from dhc.ui.data.importing import KEY, _plain_name

pytestmark = pytest.mark.pages


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DHC_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("DHC_RUNS_DIR", str(tmp_path / "runs"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "data"


def look_at(source: Path) -> AppTest:
    """The Data page with the path of a source typed in."""
    at = open_page("data")
    at.segmented_control(key=KEY + "way").set_value("On the server").run()
    return at.text_input(key=KEY + "path").set_value(str(source)).run()


def finished(folder: Path) -> None:
    """Wait until the data set is there."""
    deadline = time.monotonic() + 60
    while not folder.exists() and time.monotonic() < deadline:
        time.sleep(0.2)


def metrics(at: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in at.metric}


def test_a_folder_for_each_class_is_previewed_and_imported(tmp_path: Path, data: Path) -> None:
    at = look_at(pack(tmp_path / "animals.zip", by_class()))
    assert "A folder for each class." in texts(at)
    assert "the proportions of one that is not square change" in texts(at)
    assert metrics(at) == {"Classes": "2", "train pictures": "18", "val pictures": "2", "test pictures": "–"}
    assert not data.exists(), "nothing is written by a preview"
    assert at.text_input(key=f"{KEY}name_{tmp_path / 'animals.zip'}").value == "animals"
    at.slider(key=KEY + "share").set_value(0.3).run()
    assert metrics(at)["val pictures"] == "6"
    at.button(key=KEY + "go").click().run()
    finished(data / "animals")
    at.run()
    assert not at.exception
    dataset = open_dataset(data / "animals")
    assert [len(split.files) for split in dataset.splits.values()] == [14, 6]
    assert data_box(at).value == "animals"
    assert "animals is imported: 14 train and 6 val pictures." in texts(at)
    assert "animals is imported" in texts(at.run()), "until another set is chosen"


def test_the_record_of_an_upload_names_the_persons_file(tmp_path: Path, data: Path) -> None:
    at = open_page("data")
    packed = pack(tmp_path / "my flat.zip", by_class()).read_bytes()
    at.get("file_uploader")[0].upload("my flat.zip", packed, "application/zip").run()
    at.button(key=KEY + "go").click().run()
    finished(data / "my flat")
    at.run()
    assert not at.exception
    assert json.loads((data / "my flat" / "about.json").read_text("utf-8"))["source"] == "my flat.zip"
    assert not list((data / ".uploads").iterdir()), "nothing of the upload stays"


@pytest.mark.parametrize("name", ["..", "../..", " .zip", "a/../b.zip", "\0?.zip", ""])
def test_an_uploads_name_leads_nowhere(name: str) -> None:
    plain = _plain_name(name)
    assert Path(plain).name == plain not in ("", ".", "..")


def test_roles_that_do_not_work_are_one_sentence_with_a_way_back(tmp_path: Path, data: Path) -> None:
    files = {f"{i}.png": PNG[i] for i in range(8)}
    files |= {"all.csv": table("x,w,z", [f"{i}.png,7{i},{'ab'[i % 2]}" for i in range(8)])}
    source = pack(tmp_path / "a.zip", files)
    at = look_at(source)
    assert "none of its columns" in texts(at)
    boxes = [f"{KEY}role_{source}_all.csv_{place}" for place in range(3)]
    assert [at.selectbox(key=box).value for box in boxes] == ["file", "unused", "unused"]
    at.selectbox(key=boxes[2]).set_value("label").run()
    assert "One table of all pictures." in texts(at)
    assert metrics(at)["Classes"] == "2"
    at.selectbox(key=boxes[2]).set_value("unused").run()
    assert "no column was chosen as the label" in texts(at)
    at.selectbox(key=boxes[1]).set_value("file").run()
    assert [at.selectbox(key=box).value for box in boxes] == ["unused", "file", "unused"]
    at.button(key=KEY + "back").click().run()
    assert "none of its columns" in texts(at)


@pytest.mark.parametrize(
    ("path", "sentence"),
    [("/nowhere/x.zip", "There is no file or folder /nowhere/x.zip"), ("/etc/hostname", "is no zip and no tar")],
)
def test_a_path_that_leads_nowhere_is_one_sentence(data: Path, path: str, sentence: str) -> None:
    at = look_at(Path(path))
    assert not at.exception
    assert sentence in " ".join(error.value.replace("\\", "") for error in at.error)
