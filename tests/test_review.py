"""What a person says of single pictures: kept beside the data set, found again, obeyed by a training; and which labels are doubted."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from folders import picture, write_folder, write_picture, write_table
from make_run import make_run

from dhc.analysis import suspects
from dhc.analysis.paired import pair_up, reviewed_text
from dhc.analysis.repeats import are_repeats
from dhc.config import RunConfig
from dhc.data.decode import load_pictures
from dhc.data.layout import open_dataset
from dhc.data.review import Mark, Verdict, add_mark, new_mark, read_marks, review_file, standing, write_marks
from dhc.data.review_effect import COPY, place_marks, reviewed_away, with_review
from dhc.data.select import load_for_run
from dhc.errors import DataError, RunError
from dhc.jobs import datasets
from dhc.jobs.places import other_pictures
from dhc.predict.answers import predict_split
from dhc.runs import rundir
from dhc.runs.config_file import write_config
from dhc.runs.contract import UsedPictures
from dhc.runs.dynamics import Dynamics
from dhc.runs.store import Store
from dhc.training.knn import classify_and_evaluate
from dhc.ui.answers.pairs import align
from dhc.ui.manage.used import since

LABELS = {"train": ["cat", "dog", "fox"] * 4, "val": ["cat", "dog", "fox"] * 2}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "data" / "pets", LABELS)


def say(root: Path, split: str, row: int, verdict: Verdict, other: str = "") -> Mark:
    """Mark a picture as Review does."""
    dataset = open_dataset(root)
    pictures = load_pictures(dataset, split)
    assert pictures.y is not None
    assert split in ("train", "val")
    file, label = str(pictures.ids[row]), dataset.classes[int(pictures.y[row])]
    mark = new_mark(split, file, pictures.x[row], label, verdict, other=other, run="r")  # type: ignore[arg-type]
    add_mark(root, mark)
    return mark


def placed(root: Path) -> tuple[dict[int, str], int, int]:
    """Row → verdict of train's marks, how many are lost, and how many overtaken."""
    dataset = open_dataset(root)
    found = place_marks(read_marks(review_file(root)), "train", load_pictures(dataset, "train"), dataset.classes)
    return {row: mark.verdict for row, mark in found.by_row.items()}, found.lost, found.overtaken


def test_what_was_said_last_holds_and_nothing_is_taken_out_of_the_file(data: Path) -> None:
    tables = data.joinpath("train.csv").read_bytes()
    say(data, "train", 0, "keep")
    say(data, "train", 0, "leave-out")
    say(data, "train", 1, "keep")
    say(data, "train", 1, "unmarked")
    marks = read_marks(review_file(data))
    assert [mark.verdict for mark in marks] == ["keep", "leave-out", "keep", "unmarked"]
    assert [mark.verdict for mark in standing(marks)] == ["leave-out"]
    assert all(mark.run == "r" and mark.at > 1.7e9 for mark in marks)
    assert review_file(data) == data.parent / "pets.review.jsonl"
    assert data.joinpath("train.csv").read_bytes() == tables


def test_many_who_mark_at_once_all_keep_theirs(data: Path) -> None:
    marks = [say(data, "train", row, "keep") for row in (0, 1)]

    def work(mark: Mark) -> None:
        for _ in range(15):
            add_mark(data, mark)

    threads = [threading.Thread(target=work, args=(mark,)) for mark in marks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(read_marks(review_file(data))) == 32


@pytest.mark.parametrize("cut", [1, 9, 40, 150])
def test_a_torn_last_line_is_forgiven_and_the_next_mark_is_whole(data: Path, cut: int) -> None:
    say(data, "train", 0, "keep")
    path = review_file(data)
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:-1][:cut])
    assert [mark.file for mark in read_marks(path)] == ["train_images/000.png"]
    say(data, "train", 1, "unsure")
    assert [mark.verdict for mark in read_marks(path)] == ["keep", "unsure"]
    path.write_bytes(path.read_bytes()[:-1])  # an editor took the last line break
    say(data, "train", 2, "leave-out")
    assert [mark.verdict for mark in read_marks(path)] == ["keep", "unsure", "leave-out"]


def _folder(path: Path) -> None:
    path.mkdir()


def _link(path: Path) -> None:
    (path.parent / "elsewhere").write_bytes(b"")
    path.symlink_to(path.parent / "elsewhere")


def _sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(10_000_000_000)


HOSTILE: dict[str, Callable[[Path], object]] = {
    "folder": _folder,
    "link": _link,
    "pipe": lambda path: os.mkfifo(path),
    "huge": _sparse,
    "picture": lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256))),
    "other text": lambda path: path.write_text("my notes, without a line break"),
    "nested": lambda path: path.write_text("[" * 100_000 + "\n"),
    "other verdict": lambda path: path.write_text(
        '{"split":"train","file":"a","pixels":"0123456789abcdef","label":"cat","verdict":"delete"}\n'
    ),
    "no number": lambda path: path.write_text(
        '{"split":"train","file":"a","pixels":"0123456789abcdef","label":"c","verdict":"keep","at":NaN}\n'
    ),
    "long line": lambda path: path.write_text('{"split":"' + "a" * 30_000),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_what_is_no_file_of_marks_is_refused_in_a_sentence_and_left_alone(data: Path, kind: str) -> None:
    path = review_file(data)
    HOSTILE[kind](path)
    before = path.read_bytes() if path.is_file() and kind != "huge" else None
    for attempt in (lambda: read_marks(path), lambda: say(data, "train", 0, "keep")):
        with pytest.raises(DataError, match=r"pets\.review\.jsonl.*: .*(mend|move)") as error:
            attempt()
        assert str(error.value).count("\n") == 0
    assert before is None or path.read_bytes() == before


def test_marks_find_their_pictures_under_other_names_and_know_when_they_were_overtaken(data: Path) -> None:
    for row in range(4):
        say(data, "train", row, "keep")
    rows = [(f"{number:03d}.png", label) for number, label in enumerate(LABELS["train"])]
    (data / "train_images" / "000.png").rename(data / "train_images" / "900.png")
    rows[0] = ("900.png", "cat")
    rows[1] = ("001.png", "fox")  # the person mended the table
    write_picture(data / "train_images" / "002.png", picture(77))  # another picture under the old name
    write_table(data / "train.csv", rows[1:] + rows[:1])
    verdicts, lost, overtaken = placed(data)
    assert verdicts == {11: "keep", 2: "keep"}
    assert (lost, overtaken) == (1, 1)
    config = RunConfig().with_values({"data.path": str(data), "data.review": True})
    done = load_for_run(config.data, 0, marks=read_marks(review_file(data))).reviews["train"].text()
    assert done.startswith("no mark changes any of its pictures; not obeyed: 1 mark whose picture is gone, 1 mark of a")


def test_a_copy_of_a_marked_picture_is_another_picture(data: Path) -> None:
    (data / "train_images" / "003.png").write_bytes((data / "train_images" / "000.png").read_bytes())
    say(data, "train", 3, "leave-out")
    assert placed(data) == ({3: "leave-out"}, 0, 0)


def test_of_copies_with_other_labels_each_finds_its_own_mark_under_another_name(data: Path) -> None:
    (data / "train_images" / "001.png").write_bytes((data / "train_images" / "000.png").read_bytes())  # a cat, a dog
    say(data, "train", 0, "keep")
    say(data, "train", 1, "leave-out")
    for row in (0, 1):
        (data / "train_images" / f"00{row}.png").rename(data / "train_images" / f"90{row}.png")
    rows = [(f"{number:03d}.png", label) for number, label in enumerate(LABELS["train"])]
    write_table(data / "train.csv", [("900.png", "cat"), ("901.png", "dog"), *rows[2:]])
    assert placed(data) == ({0: "keep", 1: "leave-out"}, 0, 0)


@pytest.mark.parametrize("seed", range(4))
def test_a_mark_of_a_picture_that_a_run_does_not_use_changes_none_of_its_copies(data: Path, seed: int) -> None:
    for row in (3, 6, 9):
        (data / "train_images" / f"{row:03d}.png").write_bytes((data / "train_images" / "000.png").read_bytes())
    say(data, "train", 0, "leave-out")
    settings = {"data.path": str(data), "data.review": True, "data.train_fraction": 0.5}
    used = load_for_run(RunConfig().with_values(settings).data, seed, marks=read_marks(review_file(data)))
    whole = load_for_run(RunConfig().with_values({**settings, "data.review": False}).data, seed)
    assert set(whole.train.ids) - set(used.train.ids) <= {"train_images/000.png"}


def test_a_review_that_leaves_a_class_without_pictures_is_named_as_the_reason(data: Path) -> None:
    for row in (2, 5, 8):
        say(data, "train", row, "leave-out")
    say(data, "train", 11, "relabel", "cat")
    for row in range(6):
        say(data, "val", row, "leave-out")
    marks = read_marks(review_file(data))
    config = RunConfig().with_values({"data.path": str(data), "data.review": True, "data.review_val": True})
    with pytest.raises(DataError, match=r"review leaves no training picture of the class “fox”: take some"):
        load_for_run(config.data, 0, marks=marks)
    with pytest.raises(DataError, match=r"review leaves no val picture: take some"):
        load_for_run(config.data, 0, marks=[mark for mark in marks if mark.split == "val"])


def test_marks_that_were_copied_twice_into_a_run_count_once(data: Path) -> None:
    mark = say(data, "train", 0, "leave-out")
    other = mark.model_copy(update={"pixels": "0" * 16})
    assert with_review({mark.file: "cat"}, [mark, mark, other], "train", ["cat", "dog", "fox"]) == {}


def test_a_training_takes_other_labels_leaves_out_and_leaves_val_alone_unless_it_is_told_otherwise(data: Path) -> None:
    say(data, "train", 0, "relabel", "fox")
    say(data, "train", 1, "leave-out")
    say(data, "train", 2, "unsure")
    say(data, "train", 3, "relabel", "wolf")  # no class of the data set
    say(data, "val", 0, "relabel", "dog")
    marks = read_marks(review_file(data))
    config = RunConfig().with_values({"data.path": str(data)})
    without = load_for_run(config.data, 0, marks=marks)
    assert len(without.train.ids) == 12
    assert without.reviews == {}
    used = load_for_run(config.with_values({"data.review": True}).data, 0, marks=marks)
    assert used.train.ids.tolist() == [f"train_images/{row:03d}.png" for row in (0, 2, *range(4, 12))]
    assert np.asarray(used.train.y)[:3].tolist() == [2, 2, 1]
    np.testing.assert_array_equal(used.train.x, without.train.x[[0, 2, *range(4, 12)]])
    assert np.asarray(used.val.y).tolist() == np.asarray(without.val.y).tolist()
    assert used.reviews["train"].text() == "1 picture with another label, 2 pictures left out"
    both = load_for_run(config.with_values({"data.review": True, "data.review_val": True}).data, 0, marks=marks)
    assert np.asarray(both.val.y).tolist() == [1, 1, 2, 0, 1, 2]
    again = load_for_run(config.with_values({"data.review": True}).data, 0, marks=marks[::-1])
    assert again.reviews["train"].digest == used.reviews["train"].digest != ""
    few = load_for_run(config.with_values({"data.review": True, "data.classes": 2}).data, 0, marks=marks)
    assert "train_images/000.png" not in few.train.ids  # its other label is not among the classes that are used


def test_a_run_keeps_the_marks_that_it_began_with_and_repeats_no_run_without_them(data: Path, tmp_path: Path) -> None:
    """Nearest neighbours, whose training is a second's work and begins as any other."""
    say(data, "train", 0, "relabel", "fox")
    say(data, "val", 0, "leave-out")
    (data / "val_images" / "000.png").rename(data / "val_images" / "900.png")  # numbered anew since it was marked
    write_table(data / "val.csv", [("900.png", "cat"), *((f"{n:03d}.png", LABELS["val"][n]) for n in range(1, 6))])
    runs = tmp_path / "runs"
    settings = {"model.name": "knn", "data.path": str(data), "knn.k": 1}
    config = RunConfig().with_values({**settings, "data.review": True})
    ids = [f"20261126-10000{number}-knn-000a" for number in range(4)]
    for number, run_id in enumerate(ids):
        (runs / run_id).mkdir(parents=True)
        asked = config if number != 3 else RunConfig().with_values(settings)
        write_config(runs / run_id, asked)
        classify_and_evaluate(asked, runs / run_id)
        if number == 1:
            say(data, "train", 1, "leave-out")
    marked, same, more, without = (Store(runs).run(run_id) for run_id in ids)
    assert COPY == rundir.REVIEW
    copy = read_marks(runs / ids[0] / rundir.REVIEW)
    assert [(mark.file, mark.verdict) for mark in copy] == [
        ("train_images/000.png", "relabel"),
        ("val_images/900.png", "leave-out"),
    ]
    assert reviewed_away(runs / ids[0], config) == {"val_images/900.png"}
    assert UsedPictures.of(runs / ids[0]).train.labels[0] == 2
    assert marked.review == same.review != more.review
    assert without.review == ""
    assert not (runs / ids[3] / rundir.REVIEW).exists()
    (runs / ids[3] / rundir.REVIEW).write_text("a stranger's\n")  # counts only where it was asked for
    assert reviewed_away(runs / ids[3], without.config) == frozenset()
    assert without.config is not None
    assert other_pictures(runs / ids[3], without.config) == ""
    assert are_repeats(marked, same)
    assert not are_repeats(marked, more)
    assert not are_repeats(marked, without)
    assert are_repeats(without, without)
    classify_and_evaluate(config, runs / ids[0])  # begins again: with its own copy, whatever was marked since
    assert Store(runs).run(ids[0]).review == marked.review
    assert "Reviewed train: 1 picture with another label" in (runs / ids[0] / rundir.EVENTS).read_text()
    assert predict_split(runs / ids[0], "train").predicted[0] == 2
    assert other_pictures(runs / ids[0], config) == ""  # so that it can be gone on with
    used = UsedPictures.of(runs / ids[2])
    assert since(used, open_dataset(data), read_marks(runs / ids[2] / rundir.REVIEW), config) == [
        "Names and labels are as they were."
    ]
    assert since(used, open_dataset(data), [], config) == ["train: 1 picture relabelled since this run."]
    (runs / ids[0] / rundir.REVIEW).write_text("no marks\n")
    with pytest.raises(DataError, match=r"review\.jsonl.* is no mark"):
        classify_and_evaluate(config, runs / ids[0])


def test_two_runs_are_compared_on_the_pictures_that_nobody_reviewed_away(data: Path, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    a = make_run(runs, data, run_id="20261126-100000-vgg16-000a")
    b = make_run(runs, data, run_id="20261126-110000-vgg16-000b", settings={"data.review": True})
    marks = [say(data, "val", row, *what) for row, what in enumerate([("relabel", "fox"), ("leave-out",), ("keep",)])]
    write_marks(b / rundir.REVIEW, marks)
    pair = align(Store(runs).run(a.name), Store(runs).run(b.name))
    assert pair.pairing.ids.tolist() == [f"val_images/{row:03d}.png" for row in (2, 3, 4, 5)]
    assert (pair.pairing.reviewed, pair.pairing.only_a, pair.pairing.only_b) == (2, 0, 0)
    assert "Left out: 2 val pictures" in reviewed_text(pair.pairing.reviewed)
    assert reviewed_text(0) == ""
    with pytest.raises(RunError, match=r"6 in all, was given another label or left out on Review: choose"):
        pair_up(pair.predictions_a, pair.predictions_b, pair.predictions_a.ids.tolist())


def test_marks_go_with_their_data_set(data: Path) -> None:
    say(data, "train", 0, "keep")
    (data.parent / "cats").mkdir()
    (data.parent / "cats").rmdir()
    moved = datasets.rename(data, "cats")
    assert not review_file(data).exists()
    assert len(read_marks(review_file(moved))) == 1
    review_file(data).write_bytes(b"")  # left by a data set that was removed by hand
    with pytest.raises(DataError, match=r"pets\.review\.jsonl"):
        datasets.rename(moved, "pets")
    assert len(read_marks(review_file(moved))) == 1
    review_file(data).unlink()
    place = datasets.delete(moved)
    assert len(read_marks(review_file(datasets.restore(place)))) == 1


def test_a_data_set_is_marked_from_within_its_own_folder(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(data)
    assert review_file(Path()) == review_file(Path("train_images/..")) == review_file(data)


def test_confident_learning_is_that_of_cleanlab() -> None:
    golden = json.loads((Path(__file__).parent / "goldens" / "cleanlab.json").read_text())
    y, p = np.array(golden["labels"]), np.array(golden["permille"]) / 1000
    found = suspects.of_val(y, p)
    np.testing.assert_allclose(found.score, golden["margins"], atol=1e-6)
    assert sorted(found.order[: found.likely].tolist()) == sorted(golden["issues"])
    np.testing.assert_allclose(found.score[found.order[: found.likely]], found.score[golden["issues"]])
    assert sorted(found.order.tolist()) == list(range(len(y)))


def test_confident_learning_by_hand() -> None:
    """Class 0's threshold is (0.9 + 0.7 + 0.2) / 3 = 0.6, class 1's is 0.8; only the third picture is surely of another class."""
    y = np.array([0, 0, 0, 1])
    p = np.array([[0.9, 0.1], [0.7, 0.3], [0.2, 0.8], [0.2, 0.8]])
    assert suspects.likely_errors(y, p).tolist() == [False, False, True, False]
    assert suspects.normalized_margin(y, p).tolist() == pytest.approx([0.9, 0.7, 0.2, 0.8])
    here = suspects.among(suspects.of_val(y, p), np.array([True, False, True, True]))
    assert (here.order[0], here.likely, len(here.score)) == (1, 1, 3)


def test_training_pictures_are_ordered_by_their_margin_through_the_epochs_and_unseen_ones_stand_last() -> None:
    nan = np.nan
    margin = np.array([[3.0, -2.0, nan, nan, -1.0], [4.0, -4.0, 2.0, nan, 3.0]], np.float32)
    found = suspects.of_train(Dynamics(np.array([1, 2]), 1 / (1 + np.exp(-margin)), margin))
    assert found.order.tolist() == [1, 4, 2, 0, 3]
    assert np.isfinite(found.score).all()


@pytest.mark.parametrize(("median", "likely"), [(-1.0, 2), (9.0, 2), (20.0, 0)])
def test_likely_wrong_is_what_lies_far_below_the_others_and_below_0(median: float, likely: int) -> None:
    """Of a young network, which believes another class of most pictures, as of an old one."""
    margin = np.linspace(median - 1, median + 1, 101, dtype=np.float32)[None]
    margin[0, [7, 70]] = median - 12
    found = suspects.of_train(Dynamics(np.array([1]), 1 / (1 + np.exp(-margin)), margin))
    assert found.likely == likely
    assert set(found.order[:2].tolist()) == {7, 70}
