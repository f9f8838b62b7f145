"""The Data page and its helper process when something is gone, hangs, is in the way, or is named to do harm."""

from __future__ import annotations

import os
import shutil
import signal
import threading
from pathlib import Path

import pytest
from make_run import make_run
from screens import data_box, open_page, texts
from streamlit.testing.v1 import AppTest

from dhc.data.layout import open_dataset
from dhc.errors import UserError
from dhc.jobs.warm import Warm
from dhc.ui.data import manage
from dhc.ui.shell import session
from faults.cases import Case, fault
from faults.house import no_waiting

__all__ = ["no_waiting"]

EVIL = "<img src=x onerror=alert(1)>"
PRESS = {name: manage.KEY + name for name in ("delete", "undo")}


@pytest.fixture
def data(tmp_path: Path, tiny_data: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder of its own with one set, called pets, and the pages looking at it."""
    monkeypatch.setenv("DHC_RUNS_DIR", str(tmp_path / "runs"))
    monkeypatch.setenv("DHC_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    session.forget_pictures()
    shutil.copytree(tiny_data, tmp_path / "data" / "pets")
    return tmp_path / "data"


def press(at: AppTest, name: str) -> AppTest:
    at = at.button(key=PRESS[name]).click().run()
    assert not at.exception
    return at


def toasts(at: AppTest) -> str:
    return " ".join(str(toast.value) for toast in at.toast).replace("\\", "")


def html(at: AppTest) -> str:
    return "".join(element.proto.body for element in at.get("html"))


@pytest.mark.slow
@fault("the helper process is killed while it is asked", done="SIGSTOP, a question, SIGKILL: a new process answers it")
def test_a_question_outlives_the_process_that_was_asked(case: Case, forked: None) -> None:
    helper = Warm()
    first = helper.ask("state").values["pid"]
    os.kill(first, signal.SIGSTOP)
    killer = threading.Timer(0.3, os.kill, (first, signal.SIGKILL))
    killer.start()
    assert helper.ask("state").values["pid"] != first
    killer.join()
    helper.close()


@pytest.mark.slow
@fault(
    "the helper process hangs",
    done="SIGSTOP to it, then a question; the next one is answered by another process",
    says="The helper process did not answer within … s and was ended; try again",
)
def test_a_helper_that_hangs_is_ended(case: Case, forked: None) -> None:
    helper = Warm(answer=0.3)
    first = helper.ask("state").values["pid"]
    os.kill(first, signal.SIGSTOP)
    with pytest.raises(UserError) as refusal:
        helper.ask("state")
    assert case.is_said(str(refusal.value))
    assert helper.ask("state").values["pid"] != first
    helper.close()


@fault(
    "a data set that a run trains on is deleted",
    done="*Delete* on Data while a run on it is running; nothing is moved",
    says=("1 run was made on it", "pets is used by run …, which is running: stop it, or wait for its end"),
)
def test_a_data_set_in_use_stays(data: Path, tmp_path: Path, case: Case) -> None:
    (tmp_path / "runs").mkdir()
    make_run(tmp_path / "runs", data / "pets", epochs=2, how="running", run_id="20260101-000000-vgg16-0001")
    at = open_page("data")
    assert case.is_said(texts(at), 0)
    assert case.is_said(toasts(press(at, "delete")), 1)
    assert len(open_dataset(data / "pets").splits["train"].files) == 24


@fault(
    "the name of a deleted data set is taken",
    done="*Delete*, then another folder of that name, then *Undo*; once that is moved away, *Undo* again",
    says=("pets is in the trash of the data folder", "There is a pets again: rename that one first"),
)
def test_undo_overwrites_nothing(data: Path, tmp_path: Path, case: Case) -> None:
    at = press(open_page("data"), "delete")
    assert case.is_said(texts(at).replace("*", ""), 0)
    (data / "pets").mkdir()
    at = press(at, "undo")
    assert case.is_said(toasts(at), 1)
    (data / "pets").rename(data / "others")
    at = press(at, "undo")
    assert data_box(at).options == ["pets"]


@fault(
    "the trash of the data sets is a link",
    done="data/.trash leads elsewhere, and *Delete* on Data; nothing is written there, and the data set stays",
    says=".trash in … is a link, where a folder belongs",
)
def test_nothing_is_moved_through_a_link(data: Path, tmp_path: Path, case: Case) -> None:
    (tmp_path / "elsewhere").mkdir()
    (data / ".trash").symlink_to(tmp_path / "elsewhere")
    at = press(open_page("data"), "delete")
    assert case.is_said(toasts(at))
    assert not list((tmp_path / "elsewhere").iterdir())
    assert (data / "pets" / "train.csv").exists()


@fault(
    "a picture vanishes while it is looked at",
    done="rm of the file whose picture is open on Data; its pixels are still shown",
    says="not any more: the file is not there any more",
)
def test_a_picture_that_vanishes_is_said_to(data: Path, case: Case) -> None:
    file = open_dataset(data / "pets").splits["val"].files[1]
    at = open_page("data", split="val", picture=file)
    assert "PNG, RGB, 64 × 64 pixels" in html(at)
    (data / "pets" / file).unlink()
    at.run()
    assert not at.exception
    assert case.is_said(html(at))


@fault(
    "a picture and a class that are called like HTML",
    done="a file and a label with a tag in their names, in every part of Data and large: shown letter for letter",
)
def test_names_are_no_html(data: Path, case: Case) -> None:
    dataset = open_dataset(data / "pets")
    file, label = dataset.splits["train"].files[0], dataset.classes[0]
    (data / "pets" / file).rename(data / "pets" / "train_images" / f"{EVIL}.png")
    for split in ("train", "val", "test_labels"):
        path = data / "pets" / f"{split}.csv"
        text = path.read_text(encoding="utf-8").replace(Path(file).name, f"{EVIL}.png").replace(f",{label}", f",{EVIL}")
        path.write_text(text, encoding="utf-8")
    for view in ("pictures", "classes", "reading"):
        for more in ({}, {"picture": f"train_images/{EVIL}.png"}):
            at = open_page("data", view=view, **more)
            assert not at.exception
            assert EVIL not in html(at)
            assert view != "pictures" or not more or "&lt;img src=x" in html(at)


@fault(
    "a data set is deleted in two tabs",
    done="*Delete* in one tab, then *Rename* or *Delete* in another that still shows it",
    says="No such file or directory",
)
def test_what_is_gone_in_another_tab_is_one_sentence(data: Path, case: Case) -> None:
    first, second = open_page("data"), open_page("data")
    press(first, "delete")
    second = press(second, "delete")
    assert case.is_said(toasts(second))
    assert "No pictures yet" in texts(second)
