"""The Data page as Streamlit runs it: its parts, its address, one picture large, managing, the augmentation's settings."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from folders import picture
from make_run import make_run
from screens import address, click, data_box, open_page, sent, texts
from streamlit.testing.v1 import AppTest

from dhc.data.layout import open_dataset
from dhc.files.messages import Message
from dhc.models.presets import preset_config
from dhc.ui.data import augmentation, manage, pictures
from dhc.ui.data.reading import import_lines
from dhc.ui.shell import session

pytestmark = pytest.mark.pages
RUN = "20260101-000000-vgg16-0001"


@pytest.fixture
def data(tmp_path: Path, tiny_data: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with one set, whose 24 training pictures do not fit on a page of 10."""
    monkeypatch.setenv("DHC_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("DHC_RUNS_DIR", str(tmp_path / "runs"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(pictures, "PAGE_SIZE", 10)
    session.forget_pictures()
    shutil.copytree(tiny_data, tmp_path / "data" / "tiny")
    return tmp_path / "data"


def files_of(data: Path, split: str) -> list[str]:
    return list(open_dataset(data / "tiny").splits[split].files)


def tiles(at: AppTest) -> list[str]:
    """The files of the tiles that the gallery was sent."""
    return [tile["tooltip"] for tile in sent(at, "gallery")[0]["tiles"]]


def large(at: AppTest) -> str:
    """The HTML of the open picture."""
    return "\n".join(element.proto.body for element in at.get("html"))


def test_the_pages_show_all_pictures_and_only_theirs_are_sent(data: Path) -> None:
    files = files_of(data, "train")
    assert tiles(open_page("data")) == files[:10]
    at = open_page("data", page="3")
    assert tiles(at) == files[20:]
    at.segmented_control(key=pictures.KEY + "split").set_value("val").run()
    assert tiles(at) == files_of(data, "val")
    assert (address(at, "split"), address(at, "page")) == ("val", None)


def test_class_and_file_name_narrow_the_pictures_and_stand_in_the_address(data: Path) -> None:
    dataset = open_dataset(data / "tiny")
    train = dataset.splits["train"]
    assert train.y is not None
    of_class = [file for file, y in zip(train.files, train.y.tolist(), strict=True) if y == 1]
    at = open_page("data", **{"class": "1"})
    assert tiles(at) == of_class[:10]
    at.text_input(key=pictures.KEY + "search").set_value(Path(of_class[2]).stem).run()
    assert tiles(at) == [of_class[2]]
    assert address(at, "search") == Path(of_class[2]).stem
    at.text_input(key=pictures.KEY + "search").set_value("nowhere").run()
    assert "No train picture matches" in texts(at)
    at.button(key=pictures.KEY + "clear").click().run()
    assert tiles(at) == list(train.files[:10])
    assert not at.exception


def test_a_picture_is_opened_by_a_click_and_by_its_link(data: Path) -> None:
    files = files_of(data, "train")
    at = click(open_page("data"), pictures.KEY + "grid", 3)
    assert address(at, "picture") == files[3]
    at = open_page("data", picture=files[3])
    assert files[3] in large(at)
    assert "PNG, RGB, 64 × 64 pixels" in large(at)
    assert large(at).count("training picture") == 6, "the nearest six"
    assert f'"training picture {files[3]}"' not in large(at), "which it is not itself one of"
    assert "4 of 24 listed" in texts(at)
    at.button(key="dhc_next").click().run()
    assert address(at, "picture") == files[4]


def test_a_link_to_what_is_not_here_says_so(data: Path) -> None:
    at = open_page("data", picture="train_images/x.png")
    assert "There is no readable train picture train_images/x.png" in texts(at)
    assert tiles(at) == files_of(data, "train")[:10]
    for wrong in ({"split": "both"}, {"class": "99"}, {"page": "77"}, {"view": "<b>"}):
        at = open_page("data", **wrong)
        assert not at.exception
        assert tiles(at) == files_of(data, "train")[:10]


def test_a_picture_that_cannot_be_read_is_listed_with_its_reason(data: Path) -> None:
    bad = files_of(data, "val")[2]
    (data / "tiny" / bad).write_bytes(b"no picture")
    at = open_page("data", split="val")
    assert bad not in tiles(at)
    at.button(key=pictures.KEY + "bad").click().run()
    table = at.dataframe[1].value
    assert table.to_dict("records") == [
        {"split": "val", "file": bad, "reason": "it is not a picture (PNG, JPEG, BMP, GIF, WebP or TIFF)"}
    ]


def test_a_split_without_any_readable_picture_leaves_the_others(data: Path) -> None:
    for file in files_of(data, "test"):
        (data / "tiny" / file).write_bytes(b"")
    at = open_page("data", split="test")
    assert "no test picture can be read" in texts(at)
    at.segmented_control(key=pictures.KEY + "split").set_value("train").run()
    assert len(tiles(at)) == 10
    assert "no test picture can be read" in texts(open_page("data", view="reading"))


def test_how_the_tables_were_read_and_where_they_come_from(data: Path) -> None:
    about = {"kind": "imported", "source": "pets.zip", "imported_at": 0.5, "shape": "one table", "notes": ["val drawn"]}
    (data / "tiny" / "about.json").write_text(json.dumps(about), encoding="utf-8")
    at = open_page("data", view="reading")
    said = texts(at)
    assert "train.csv: file = “Image”, label = “Class”" in said
    assert "Imported from pets.zip on 19" in said
    assert "val drawn" in said
    assert "Every one of 39 pictures can be read." in said
    assert "Nothing, but that each becomes 64×64 RGB" in said
    kinds = at.dataframe[0].value.to_dict("records")
    assert kinds == [{"format": "PNG", "channels": "RGB", "size in pixels": "64×64", "train": 24, "val": 9, "test": 6}]


def test_of_pictures_that_are_not_square_it_is_said_that_their_proportions_change(data: Path) -> None:
    (data / "tiny" / files_of(data, "val")[0]).write_bytes(cv2.imencode(".png", picture(1, 40, 48))[1].tobytes())
    said = texts(open_page("data", view="reading"))
    assert "Not square: 1 of 39 pictures, whose proportions change at 64×64" in said
    assert "Nothing, but" not in said


@pytest.mark.parametrize(
    "about",
    [
        {},
        {"source": 3, "imported_at": "x", "shape": [], "notes": "no list", "skipped": {}},
        {"imported_at": 1e300, "notes": [None, 3, {"a": 1}, "\n"]},
        {"imported_at": [1], "source": "x" * 10_000, "notes": ["y" * 10_000] * 1000},
    ],
)
def test_a_note_that_nobody_wrote_like_that_is_no_error(about: dict[str, object]) -> None:
    lines = import_lines(about)
    assert lines[0].startswith("Imported from ")
    assert len(lines) <= 21
    assert all(len(line) <= 1000 for line in lines)


def test_the_classes_are_found_by_name_and_lead_to_their_pictures(data: Path) -> None:
    names = open_dataset(data / "tiny").classes
    at = open_page("data", view="classes")
    table = at.dataframe(key="dhc_classes_table").value
    assert table["class"].tolist() == list(names)
    assert [int(table[split].sum()) for split in ("train", "val", "test")] == [24, 9, 6]
    assert [tile["caption"] for tile in sent(at, "gallery")[0]["tiles"]] == list(names)
    at.text_input(key="dhc_classes_find").set_value(names[2][:6]).run()
    found = [name for name in names if names[2][:6] in name]
    assert at.dataframe(key="dhc_classes_table").value["class"].tolist() == found
    at = click(open_page("data", view="classes"), "dhc_classes_means", 2)
    assert (address(at, "class"), address(at, "view")) == ("2", None)
    assert all(tile["caption"].startswith(names[2][:8]) for tile in sent(at, "gallery")[0]["tiles"])
    at = open_page("data", view="classes")
    at.text_input(key="dhc_classes_find").set_value("nobody is called so").run()
    assert "No class has such a name." in texts(at)


def test_a_data_set_is_renamed_deleted_and_brought_back(data: Path) -> None:
    at = open_page("data")
    assert "No run was made on it." in texts(at)
    at.text_input(key=manage.KEY + "name_tiny").set_value("pets").run()
    at.button(key=manage.KEY + "rename").click().run()
    assert address(at, "data") == "pets"
    assert data_box(at).options == ["pets"]
    at.button(key=manage.KEY + "delete").click().run()
    assert "pets is in the trash" in texts(at).replace("*", "")
    assert "No pictures yet" in texts(at)
    assert not (data / "pets").exists()
    at.button(key=manage.KEY + "undo").click().run()
    assert data_box(at).options == ["pets"]
    assert len(tiles(at)) == 10


@pytest.mark.parametrize(
    ("name", "sentence"), [("other", "There is a other already"), ("../x", "cannot be a data set's name")]
)
def test_a_name_that_cannot_be_is_refused_and_nothing_moves(data: Path, name: str, sentence: str) -> None:
    (data / "other").mkdir()
    at = open_page("data")
    at.text_input(key=manage.KEY + "name_tiny").set_value(name).run()
    at.button(key=manage.KEY + "rename").click().run()
    assert sentence in " ".join(toast.value for toast in at.toast).replace("\\", "")
    assert (data / "tiny" / "train.csv").exists()


def test_a_data_set_that_a_run_trains_on_stays(data: Path, tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    make_run(tmp_path / "runs", data / "tiny", epochs=2, how="running", run_id=RUN)
    at = open_page("data")
    assert "1 run was made on it" in texts(at)
    at.button(key=manage.KEY + "delete").click().run()
    assert f"tiny is used by run {RUN}, which is running: stop it" in " ".join(t.value for t in at.toast).replace(
        "\\", ""
    )
    assert (data / "tiny" / "train.csv").exists()


class Helper:
    """Stands where the warm process does: tests/test_warm.py asks the real one."""

    def __init__(self) -> None:
        self.settings: list[dict[str, object]] = []

    def ask(self, question: str, arrays: dict[str, np.ndarray], **values: object) -> Message:
        assert question == "augment"
        self.settings.append(values["settings"])  # type: ignore[arg-type]
        return Message({}, {"x": np.repeat(arrays["x"][None], values["draws"], axis=0)})  # type: ignore[call-overload]


def test_the_preview_begins_with_the_form_and_goes_back_to_it(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    helper = Helper()
    monkeypatch.setattr(session, "helper", lambda: helper)
    augmentation._drawn.clear()
    at = open_page("train")
    at.number_input(key="dhc_form_augment.rotation").set_value(25.0).run()
    at.query_params["view"] = "augmentation"
    at.switch_page("pages/data.py").run()
    assert not at.exception
    assert helper.settings[-1]["rotation"] == 25.0
    assert large(at).count('alt="draw ') == 12
    key = augmentation.KEY
    at.slider(key=key + "augment.zoom").set_value(0.3).run()
    assert helper.settings[-1]["zoom"] == 0.3
    asked = len(helper.settings)
    at.run()
    assert len(helper.settings) == asked, "what was drawn is not drawn again"
    at.button(key=key + "again").click().run()
    assert len(helper.settings) == asked + 1
    at.button(key=key + "train").click().run()
    at.switch_page("pages/train.py").run()
    assert at.number_input(key="dhc_form_augment.zoom").value == 0.3
    assert at.number_input(key="dhc_form_augment.rotation").value == 25.0


def test_the_reports_own_rotation_is_any_angle_on_feature_maps(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    helper = Helper()
    monkeypatch.setattr(session, "helper", lambda: helper)
    augmentation._drawn.clear()
    at = open_page("data", view="augmentation")
    at.button(key=augmentation.KEY + "preset_0").click().run()
    config = preset_config("report")
    assert (config.augment.where, config.augment.rotation) == ("features", 180.0)
    assert at.slider(key=augmentation.KEY + "augment.rotation").value == 180.0
    assert helper.settings[-1] == {**config.augment.model_dump(exclude={"mixup", "cutmix"}), "where": "input"}
    assert "Feature maps cannot be shown as pictures" in texts(at)
    assert not [slider for slider in at.slider if "zoom" in slider.key], "which has no effect there"
    at.selectbox(key=augmentation.KEY + "augment.where").set_value("off").run()
    assert "Augmentation is off" in texts(at)
    assert "draw 1" not in large(at)


def test_a_switch_that_comes_back_into_sight_stands_as_before(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "helper", Helper)
    augmentation._drawn.clear()
    at, key = open_page("data", view="augmentation"), augmentation.KEY
    at.selectbox(key=key + "augment.where").set_value("input").run()
    at.toggle(key=key + "augment.alternate").set_value(True).run()
    at.selectbox(key=key + "augment.where").set_value("off").run()
    at.button(key=key + "other").click().run()
    at.selectbox(key=key + "augment.where").set_value("input").run()
    (switch,) = [toggle for toggle in at.toggle if toggle.key == key + "augment.alternate"]
    assert switch.value
    assert switch.proto.set_value, "else the browser shows it off, and says so with the next click"
