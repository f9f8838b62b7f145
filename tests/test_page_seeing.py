"""The lessons on what a convolution sees, in both languages, and the picture that they play with."""

from __future__ import annotations

import base64
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from screens import sent
from streamlit.testing.v1 import AppTest

from dhc.data.decode import load_pictures
from dhc.data.intake import Picture
from dhc.data.layout import open_dataset
from dhc.files import gate
from dhc.lessons.convolution import REPORT_KERNEL
from dhc.lessons.filters import FILTERS
from dhc.teaching.words import LANGUAGES

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.pages


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of data sets that the pages read."""
    for variable, name in (("DHC_RUNS_DIR", "runs"), ("DHC_DATA_DIR", "data"), ("XDG_CACHE_HOME", "cache")):
        (tmp_path / name).mkdir()
        monkeypatch.setenv(variable, str(tmp_path / name))
    return tmp_path / "data"


def chooser() -> None:
    """A page of its own for the chooser."""
    import streamlit as st

    from dhc.teaching.words import words
    from dhc.ui.lessons import picture
    from dhc.ui.shell.states import guard

    with guard():
        st.session_state["chosen"] = picture.choose(words("ro", "convolution"))


def test_a_picture_is_chosen_by_the_address_from_any_data_set_or_drawn_where_there_is_none(
    data: Path, tiny_data: Path
) -> None:
    app = AppTest.from_function(chooser, default_timeout=30).run()
    drawn = app.session_state["chosen"]
    assert drawn.shape == (64, 64, 3)
    assert len(set(drawn.ravel().tolist())) > 50
    shutil.copytree(tiny_data, data / "tiny")
    val = load_pictures(open_dataset(data / "tiny"), "val").x
    app.query_params["pic"] = "3"
    assert (app.run().session_state["chosen"] == val[3]).all()
    app.query_params.clear()
    app.query_params["lesson"] = "pooling"  # another lesson goes on with it
    assert (app.run().session_state["chosen"] == val[3]).all()
    assert app.query_params["pic"] == "3"
    del app.query_params["pic"]
    assert (app.run().session_state["chosen"] == val[0]).all()
    app.query_params["from"] = "drawn"
    app.query_params["pic"] = "0"
    assert (app.run().session_state["chosen"] == drawn).all()
    for hostile in ({"from": "../tiny"}, {"pic": "9999"}, {"pic": "-1"}, {"picpage": "x"}):
        app.query_params |= hostile
        app.run()
        assert len(app.toast) == 1
        assert not app.exception
        assert not app.error


def test_a_data_set_whose_pictures_are_gone_is_said_to_be_and_one_is_drawn(data: Path, tiny_data: Path) -> None:
    shutil.copytree(tiny_data, data / "bare")
    shutil.rmtree(data / "bare" / "val_images")
    app = AppTest.from_function(chooser, default_timeout=30).run()
    assert len(app.error) == 1
    assert app.session_state["chosen"].shape == (64, 64, 3)


def lesson(name: str, language: str, **query: str) -> AppTest:
    """A lesson as its page opens it."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=30)
    app.switch_page("pages/lessons.py")
    for parameter, value in {"lesson": name, "lang": language, **query}.items():
        app.query_params[parameter] = value
    app.run()
    assert not app.exception
    assert not app.error
    return app


def figure(app: AppTest) -> dict[str, Any]:
    """What the page sends to the sliding window."""
    (data,) = sent(app, "kernel")
    return data


def grid(packed: dict[str, Any]) -> np.ndarray:
    """A grid of numbers as it was sent."""
    return np.frombuffer(base64.b64decode(packed["values"]), np.float32).reshape(packed["shape"])


def test_every_lesson_of_the_group_opens_in_both_languages_and_its_figure_is_right(data: Path) -> None:
    for language in LANGUAGES:
        app = lesson("convolution", language)
        assert grid(figure(app)["answer"]).tolist() == [[12, 12, 17], [10, 17, 19], [9, 6, 14]]
        app = lesson("nearest-neighbours", language, shift="0", metric="manhattan")
        captions = [tile["caption"].splitlines() for tile in sent(app, "gallery")[-1]["tiles"]]
        assert captions[0][1] == "0"
        far = [float(lines[-1].replace(",", ".")) for lines in captions[1:]]
        assert far == sorted(far)
        app = lesson("feature-map", language, map="3")
        assert [len(each["tiles"]) for each in sent(app, "gallery")][-1] == len(FILTERS)
        assert "<table" in " ".join(element.proto.body for element in app.get("html"))
        app = lesson("feature-map", language, by="run")
        assert not sent(app, "kernel")
        assert app.get("page_link")
        shown = figure(lesson("stride", language, step="3"))
        assert (shown["stride"], shown["input"]["shape"], shown["answer"]["shape"]) == (3, [8, 8], [2, 2])
        assert grid(shown["answer"])[1, 1] == pytest.approx(grid(shown["input"])[3:6, 3:6].mean())
        shown = figure(lesson("padding", language, view="whole", extent="7"))
        assert (shown["padding"], shown["input"]["shape"], shown["answer"]["shape"]) == ([3, 3], [70, 70], [64, 64])
        shown = figure(lesson("pooling", language, shift="1"))
        map_, answer = grid(shown["input"]), grid(shown["answer"])
        assert answer.tolist() == map_.reshape(4, 2, 4, 2).max(axis=(1, 3)).tolist()
        assert grid(figure(lesson("pooling", language, view="whole", window="all", kind="mean"))["answer"]).shape == (
            1,
            1,
        )
        (shown,) = sent(lesson("receptive-field", language, layer="1"), "field")
        assert (len(shown["layers"]), shown["at"]) == (18, [1, 31, 31])
        assert "5×5" in shown["layers"][1]["text"]
    for hostile in ({"layer": "18"}, {"unit": "99,1"}, {"unit": "1"}):
        assert len(lesson("receptive-field", "ro", **hostile).toast) == 1
    app = lesson("convolution", "ro", on="picture", k="0,0,0,0,2,0,0,0,0", at="63")
    shown = figure(app)
    assert grid(shown["answer"]).tolist() == (2 * grid(shown["input"])[1:-1, 1:-1]).tolist()
    assert shown["place"] == 63
    for hostile in ({"k": "1,2"}, {"k": "1,2,3,4,5,6,7,8,nan"}, {"k": "1,2,3,4,5,6,7,8,1e9"}, {"at": "9"}, {"on": "x"}):
        assert len(lesson("convolution", "en", **hostile).toast) == 1


def test_what_the_browser_says_is_taken_into_the_address_and_nonsense_is_not(data: Path) -> None:
    app, key = lesson("convolution", "en"), "dhc_lesson_convolution_window"
    for said, parameters in (
        ({"place": 4}, {"at": "4"}),
        ({"weights": [0, 0, 0, 0, 1.5, 0, 0, 0, 0]}, {"at": "4", "k": "0,0,0,0,1.5,0,0,0,0"}),
        ({"place": 9}, {"at": "4", "k": "0,0,0,0,1.5,0,0,0,0"}),
        ({"weights": [1, 2]}, {"at": "4", "k": "0,0,0,0,1.5,0,0,0,0"}),
        ({"weights": ["x"] * 9}, {"at": "4", "k": "0,0,0,0,1.5,0,0,0,0"}),
        ({"weights": [1e9] * 9}, {"at": "4", "k": "0,0,0,0,1.5,0,0,0,0"}),
        ({"weights": np.array(REPORT_KERNEL).ravel().tolist()}, {"at": "4"}),
    ):
        app.session_state[key] = said
        app.run()
        assert not app.exception
        assert {name: app.query_params.get(name) for name in ("at", "k") if name in app.query_params} == parameters
    assert grid(figure(app)["answer"])[1, 1] == 17


def test_a_picture_of_ones_own_is_compared_and_one_alone_is_said_to_be(data: Path, tiny_data: Path) -> None:
    shutil.copytree(tiny_data, data / "tiny")
    app = AppTest.from_function(chooser, default_timeout=30)
    app.session_state["dhc_lesson_own_picture"] = Picture("mine.png", np.full((64, 64, 3), 7, np.uint8))
    app.query_params["own"] = "1"
    assert (app.run().session_state["chosen"] == 7).all()
    app = lesson("nearest-neighbours", "en")
    app.session_state["dhc_lesson_own_picture"] = Picture("mine.png", np.full((64, 64, 3), 7, np.uint8))
    app.query_params["own"] = "1"
    assert not app.run().exception
    assert len(sent(app, "gallery")[-1]["tiles"]) == 9
    shutil.copytree(tiny_data, data / "alone")
    table = (tiny_data / "val.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    (data / "alone" / "val.csv").write_text("".join(table[:2]), encoding="utf-8")
    app = lesson("nearest-neighbours", "ro", **{"from": "alone"})
    assert len(app.info) == 1


def test_a_read_only_view_takes_no_picture_and_reads_no_network(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(lesson("feature-map", "ro").get("file_uploader")) == 1
    monkeypatch.setattr(gate, "is_shut", lambda: True)
    app = lesson("feature-map", "ro", by="run")
    assert not app.get("file_uploader")
    assert len(sent(app, "gallery")) == 1  # the chooser's, and no maps
