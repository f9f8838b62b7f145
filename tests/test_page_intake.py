"""What was chosen on Predict stays when another way in is opened; what is not a picture is said; work is begun anew in one run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from archives import zip_of
from screens import open_code, texts

from dhc.data.picture import encode_png
from dhc.ui.predict import gradual, intake

pytestmark = pytest.mark.pages

PNG = encode_png(np.full((64, 64, 3), 100, np.uint8))
PICTURES = """
import streamlit as st
from dhc.ui.predict import intake
st.caption(f"{len(intake.pictures().pictures)} taken")
"""
ANEW = """
import streamlit as st
from dhc.ui.predict.gradual import Work, work_on

def steps(is_sound):
    yield 1
    if not is_sound:
        raise OSError
    yield 2

def work(is_sound):
    return work_on("dhc_work", is_sound, lambda: Work(steps(is_sound), 2), lambda done, total: f"{done} of {total}")

try:
    work(False)
except OSError:
    st.caption(f"{work(True).results} done")
"""


def test_what_was_chosen_stays_when_another_way_in_is_opened_until_it_is_removed(tmp_path: Path) -> None:
    at = open_code(tmp_path, PICTURES)
    at.get("file_uploader")[0].upload("a.png", PNG, "image/png").run()
    assert "1 taken" in texts(at)
    assert "Still here" not in texts(at)
    for way in (intake.FOLDER, intake.CAMERA, intake.FILES):
        at.segmented_control(key="dhc_predict_way").set_value(way).run()
        assert not at.exception
        assert "1 taken" in texts(at)
        assert "Still here from Files: 1 file." in texts(at)
    at.get("file_uploader")[0].upload("b.zip", zip_of({"a.png": PNG, "b.png": PNG}), "application/zip").run()
    assert "2 taken" in texts(at)
    assert "Still here" not in texts(at)
    at.segmented_control(key="dhc_predict_way").set_value(intake.FOLDER).run()
    at.button(key="dhc_predict_remove").click().run()
    assert "0 taken" in texts(at)


def test_a_zip_without_a_picture_is_said_to_be_one(tmp_path: Path) -> None:
    at = open_code(tmp_path, PICTURES)
    at.get("file_uploader")[0].upload("empty.zip", zip_of({}), "application/zip").run()
    assert "“empty.zip” holds no picture." in texts(at)


def test_work_that_breaks_off_can_be_begun_anew_in_the_same_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gradual, "PATIENCE", -1.0)  # so that each draws its bar and its button
    at = open_code(tmp_path, ANEW)
    assert not at.exception
    assert "[1, 2] done" in texts(at)
