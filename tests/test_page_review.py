"""The Review screen and its command, on run folders with real pictures."""

from __future__ import annotations

import csv
import json
import re
import shutil
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from commands import dhc
from make_run import add_dynamics, make_run
from screens import address, click, open_page, page_links, sent, texts
from streamlit.testing.v1 import AppTest

from dhc.data.decode import load_pictures
from dhc.data.layout import open_dataset
from dhc.data.review import Mark, Verdict, add_mark, new_mark, read_marks, review_file, standing
from dhc.files import gate
from dhc.runs import rundir

pytestmark = pytest.mark.pages
RUN, OLD = "20261126-100000-vgg16-000a", "20261126-110000-vgg16-000b"
SUSPECT = [7, 21, 70]  # training pictures


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory, eight_classes: Path) -> tuple[Path, Path]:
    """A folder of runs, one with and one without records of training, and their data set."""
    place = tmp_path_factory.mktemp("review")
    data = place / "data" / "eight"
    shutil.copytree(eight_classes, data)
    folder = make_run(place / "runs", data, run_id=RUN, accuracy=0.6)
    add_dynamics(folder, data, suspect=SUSPECT)
    make_run(place / "runs", data, run_id=OLD, accuracy=0.6)
    return place / "runs", data


@pytest.fixture
def data(places: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DHC_RUNS_DIR", str(places[0]))
    monkeypatch.setenv("DHC_DATA_DIR", str(places[1].parent))
    shutil.rmtree(review_file(places[1]), ignore_errors=True)
    review_file(places[1]).unlink(missing_ok=True)
    return places[1]


def press(at: AppTest, label: str) -> AppTest:
    """Press the button called so; the fragment runs as part of the page."""
    (button,) = [button for button in at.button if button.label == label]
    return button.click().run()


def marks(data: Path) -> list[Mark]:
    return standing(read_marks(review_file(data)))


def test_each_mark_is_kept_and_opens_the_next_picture_and_the_last_is_taken_back(data: Path) -> None:
    at = open_page("review", run=RUN)
    assert not at.exception
    assert "1 of 3" in texts(at)
    assert "this run has none that can be asked" in texts(at)
    assert "the network gave this label 1% on average, 1% in the end" in texts(at)
    press(at, "Keep")
    assert address(at, "picture") == str(SUSPECT[1])
    press(at, "Leave out")
    press(at, "Undo")
    assert address(at, "picture") == str(SUSPECT[1])
    press(at, "Unsure")
    (box,) = [box for box in at.selectbox if (box.key or "").startswith("dhc_review_class_")]
    box.set_value(box.options[0]).run()
    assert "3 of 3 marked" in texts(at)
    verdicts = {int(Path(mark.file).stem): mark.verdict for mark in marks(data)}
    assert sorted(verdicts.values()) == ["keep", "relabel", "unsure"]
    assert page_links(at)["Train with the review"] == f"run={RUN}&like={RUN}&review=true"
    at.query_params.clear()
    again = open_page("review", run=RUN, marked="relabel", form="grid")
    (grid,) = sent(again, "gallery")
    assert [tile["tone"] for tile in grid["tiles"]] == ["bad"]
    click(again, "dhc_review_grid", 0)
    assert address(again, "picture") == str(SUSPECT[2])


def test_undo_leaves_a_mark_that_someone_else_made_since(data: Path) -> None:
    at = open_page("review", run=RUN)
    press(at, "Keep")
    (mine,) = marks(data)
    add_mark(data, mine.model_copy(update={"verdict": "leave-out"}))
    press(at, "Undo")
    assert "Someone has marked this picture anew since" in at.toast[0].value
    assert [mark.verdict for mark in marks(data)] == ["leave-out"]
    assert all(button.disabled for button in at.button if button.label == "Undo")


def test_of_a_run_with_the_review_it_is_said_which_label_it_learned_from(
    data: Path, places: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(places[0] / RUN, tmp_path / RUN)
    record = rundir.read_json(tmp_path / RUN / rundir.PICTURES) or {}
    label = record["train"]["labels"][SUSPECT[0]]
    record["train"]["labels"][SUSPECT[0]] = (label + 1) % len(record["classes"])
    rundir.write_json(tmp_path / RUN / rundir.PICTURES, record)
    monkeypatch.setenv("DHC_RUNS_DIR", str(tmp_path))
    said = texts(open_page("review", run=RUN, picture=str(SUSPECT[0])))
    assert f"Labelled **{record['classes'][label]}" in said
    other = record["classes"][(label + 1) % len(record["classes"])]
    assert f"the network gave {other}, the label that it learned from, 1% on average" in said


def test_val_shows_the_networks_answer_and_takes_its_class_at_a_click(data: Path) -> None:
    at = open_page("review", run=RUN, split="val")
    assert "The network says" in texts(at)
    (other,) = [button for button in at.button if button.label.startswith("It is ")]
    name = other.label.removeprefix("It is ")
    other.click().run()
    (mark,) = marks(data)
    assert (mark.split, mark.verdict, mark.other) == ("val", "relabel", name)


def test_pictures_that_it_looks_like_bear_the_labels_that_a_review_gave_them(data: Path) -> None:
    def nearest() -> list[str]:
        bodies = [element.proto.body for element in open_page("review", run=RUN, split="val", picture="7").get("html")]
        (strip,) = [body for body in bodies if "training picture" in body]
        return re.findall(r'title="([^"]*)"', strip)

    before = nearest()
    train = load_pictures(open_dataset(data), "train")
    rows = [train.ids.tolist().index(title.partition(":")[0]) for title in before[:2]]
    names = [open_dataset(data).classes[int(np.asarray(train.y)[row])] for row in rows]
    other = next(name for name in open_dataset(data).classes if name != names[0])
    for row, name, verdict, said in ((rows[0], names[0], "relabel", other), (rows[1], names[1], "leave-out", "")):
        mark = new_mark("train", str(train.ids[row]), train.x[row], name, cast(Verdict, verdict), other=said)
        add_mark(data, mark)
    after = nearest()
    assert after[0].endswith(f"labelled {names[0]}, reviewed: {other}")
    assert after[1].endswith(f"labelled {names[1]}, reviewed: left out")
    assert after[2:] == before[2:]


def test_what_cannot_be_done_is_said_and_what_lies_there_stays(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at = open_page("review", run=OLD, split="train")
    press(at, "Review val")
    assert "The network says" in texts(at)
    review_file(data).write_text("no marks\n")
    at = open_page("review", run=RUN)
    assert "is no mark of this version: mend or remove that line, or move the file away." in texts(at)
    assert review_file(data).read_text() == "no marks\n"
    review_file(data).unlink()
    monkeypatch.setattr(gate, "is_shut", lambda: True)
    at = open_page("review", run=RUN)
    assert all(button.disabled for button in at.button if button.label in ("Keep", "Leave out", "Unsure", "Undo"))
    assert "Train with the review" not in page_links(at)


def test_the_command_lists_suspects_and_writes_the_marks(data: Path, places: tuple[Path, Path], tmp_path: Path) -> None:
    press(open_page("review", run=RUN), "Keep")
    runs = ("--runs", str(places[0]))
    said = dhc("review", RUN, "--split", "train", "--most", "2", *runs)
    assert said.returncode == 0, said.stderr
    assert said.stdout.startswith("3 of 160 train labels are likely wrong")
    assert "kept" in said.stdout
    record = json.loads(dhc("review", RUN, "--json", *runs).stdout)
    assert record["pictures"] == 200
    assert record["most_suspect"][0]["score"] <= record["most_suspect"][1]["score"]
    out = tmp_path / "marks.csv"
    assert dhc("review", RUN, "--export", str(out), *runs).returncode == 0
    (row,) = csv.DictReader(out.read_text(encoding="utf-8-sig").splitlines())
    assert (row["split"], row["mark"], row["run"]) == ("train", "keep", RUN)
    assert dhc("review", RUN, "--export", str(out), *runs).returncode == 2  # it is there already
    refused = dhc("review", OLD, "--split", "train", *runs)
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert "ask for --split val" in refused.stderr


def test_a_run_on_shuffled_labels_judges_no_label(
    eight_classes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DHC_RUNS_DIR", str(tmp_path))
    folder = make_run(tmp_path, eight_classes, run_id=RUN, settings={"data.shuffle_labels": True})
    add_dynamics(folder, eight_classes)
    at = open_page("review", run=RUN)
    assert not at.exception
    assert "learned shuffled labels" in texts(at)
    assert not [button for button in at.button if button.label == "Keep"]
    refused = dhc("review", RUN, "--runs", str(tmp_path))
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)


def test_a_run_whose_pictures_are_gone_says_so(places: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DHC_RUNS_DIR", str(places[0]))
    monkeypatch.setenv("DHC_DATA_DIR", str(places[0]))
    folder = places[1].rename(places[1].with_name("elsewhere"))
    try:
        said = texts(open_page("review", run=OLD))
    finally:
        folder.rename(places[1])
    assert "Without them there is nothing to look at." in said
    assert "broke" not in said


def test_a_record_of_other_pictures_is_refused(places: tuple[Path, Path], tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    shutil.copytree(places[0] / RUN, runs / RUN)
    record = rundir.read_json(runs / RUN / rundir.PICTURES) or {}
    record["train"]["files"] = record["train"]["files"][:-1]
    rundir.write_json(runs / RUN / rundir.PICTURES, record)
    refused = dhc("review", RUN, "--split", "train", "--runs", str(runs))
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
