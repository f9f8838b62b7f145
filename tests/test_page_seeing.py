"""The lessons on what a convolution sees, in both languages, and the picture that they play with."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dhc.data.decode import load_pictures
from dhc.data.layout import open_dataset

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
    app = AppTest.from_function(chooser).run()
    drawn = app.session_state["chosen"]
    assert drawn.shape == (64, 64, 3)
    assert len(set(drawn.ravel().tolist())) > 50
    shutil.copytree(tiny_data, data / "tiny")
    val = load_pictures(open_dataset(data / "tiny"), "val").x
    app.query_params["pic"] = "3"
    assert (app.run().session_state["chosen"] == val[3]).all()
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
    app = AppTest.from_function(chooser).run()
    assert len(app.error) == 1
    assert app.session_state["chosen"].shape == (64, 64, 3)
