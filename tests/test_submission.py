"""Answers on every split and as a submission, from networks and from nearest neighbours, through the command line."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from commands import dhc
from make_run import make_run
from sklearn.metrics import classification_report
from sklearn.neighbors import KNeighborsClassifier

from dhc.cli import cli
from dhc.config import RunConfig
from dhc.data.decode import load_pictures
from dhc.data.layout import open_dataset
from dhc.errors import DataError, RunError
from dhc.models import knn
from dhc.predict.answers import predict_split
from dhc.predict.submission import refuse_repeated, write_submission
from dhc.runs import rundir
from dhc.runs.contract import write_exit
from dhc.runs.predictions import read_predictions
from dhc.training.knn import classify_and_evaluate

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("forked")]


def knn_run(runs_dir: Path, data: Path, **settings: object) -> Path:
    """The folder of a finished knn run, made in this process."""
    folder = rundir.create(runs_dir, "knn")
    dotted = {name.replace("__", "."): value for name, value in settings.items()}
    config = RunConfig().with_values({"model.name": "knn", "data.path": str(data), **dotted})
    rundir.write_json(folder / rundir.CONFIG, config.model_dump())
    classify_and_evaluate(config, folder)
    write_exit(folder, "finished", "all pictures compared", code=0)
    return folder


def sklearns(data: Path, split: str, k: int, metric: str) -> list[str]:
    """scikit-learn's answers by name, in the order of the split's CSV."""
    dataset = open_dataset(data)
    train, pictures = load_pictures(dataset, "train"), load_pictures(dataset, split)
    flat = [np.asarray(side.x, float).reshape(len(side.x), -1) for side in (train, pictures)]
    labels = KNeighborsClassifier(k, metric=metric).fit(flat[0], train.y).predict(flat[1])
    return [dataset.classes[label] for label in labels]


def rows_of(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def test_a_knn_submission_holds_scikit_learns_answers_in_the_tables_order(tiny_data: Path, tmp_path: Path) -> None:
    folder = knn_run(tmp_path, tiny_data, knn__k=3, knn__metric="manhattan")
    process = dhc("predict", folder.name, "--runs", str(tmp_path), "--out", str(tmp_path / "s.csv"))
    assert process.returncode == 0, process.stderr
    assert f"6 answers of {folder.name} in the order of test.csv" in process.stdout
    images = [row[0] for row in rows_of(tiny_data / "test.csv")[1:]]
    expected = [list(pair) for pair in zip(images, sklearns(tiny_data, "test", 3, "manhattan"), strict=True)]
    assert rows_of(tmp_path / "s.csv") == [["Image", "Class"], *expected]


def test_evaluating_nearest_neighbours_prints_scikit_learns_report(tiny_data: Path, tmp_path: Path) -> None:
    folder = knn_run(tmp_path, tiny_data, knn__k=5)
    dataset = open_dataset(tiny_data)
    for split in ("train", "val", "test"):
        y = dataset.splits[split].y
        assert y is not None
        expected = classification_report(
            [dataset.classes[label] for label in y],
            sklearns(tiny_data, split, 5, "euclidean"),
            labels=list(dataset.classes),
            zero_division=0,
        )
        printed = dhc("evaluate", folder.name, "--runs", str(tmp_path), "--split", split).stdout
        assert printed.strip() == expected.strip()


def test_with_the_mirror_both_sides_answer_and_what_is_written_says_so(tiny_data: Path, tmp_path: Path) -> None:
    folder = knn_run(tmp_path, copied(tiny_data, tmp_path / "data"), knn__k=3)
    train, val = (load_pictures(open_dataset(tiny_data), split) for split in ("train", "val"))
    assert train.y is not None
    shares = [
        knn.vote(train.y[knn.neighbours(train.x, x, 3, ["euclidean"])["euclidean"]], 3)
        for x in (np.asarray(val.x), np.asarray(val.x)[:, :, ::-1])
    ]
    both = predict_split(folder, "val", mirror=True)
    np.testing.assert_array_equal(both.ids, val.ids)
    np.testing.assert_allclose(both.probabilities, (shares[0] + shares[1]) / 2)
    assert not np.array_equal(shares[0], shares[1])
    np.testing.assert_array_equal(predict_split(folder, "val").probabilities, shares[0])
    out, runs = tmp_path / "score.json", ["--runs", str(tmp_path)]
    printed = CliRunner().invoke(cli, ["evaluate", folder.name, *runs, "--mirror", "--out", str(out)]).stdout
    assert "together with its mirror image: compare it only with its like" in printed
    score = json.loads(out.read_text())
    assert (score["mirror"], score["correct"]) == (True, int((both.predicted == val.y).sum()))
    plain = CliRunner().invoke(cli, ["evaluate", folder.name, *runs, "--json"]).stdout
    assert json.loads(plain)["mirror"] is False
    (tmp_path / "data" / "val.csv").write_bytes((tiny_data / "val.csv").read_bytes().rsplit(b"\n", 2)[0])
    with pytest.raises(DataError, match=r"the val pictures or labels of run .* have changed"):
        predict_split(folder, "val", mirror=True)


@pytest.mark.slow
def test_a_networks_submission_is_what_the_saved_network_says(tiny_data: Path, tmp_path: Path) -> None:
    settings = [f"--set={text}" for text in ("model.name=cnn3", "fit.epochs=1", "model.width=0.03", "data.classes=2")]
    runs = ["--runs", str(tmp_path)]
    process = dhc("train", "--data", str(tiny_data), *settings, *runs)
    assert process.returncode == 0, process.stderr
    run_id = process.stdout.split()[0]
    for split, count in (("test", 6), ("val", 9)):
        process = dhc("predict", run_id, *runs, "--split", split, folder=tmp_path)
        assert process.returncode == 0, process.stderr
        rows = rows_of(tmp_path / f"{run_id}-{split}.csv")
        images = [row[0] for row in rows_of(tiny_data / f"{split}.csv")[1:]]
        assert [row[0] for row in rows[1:]] == images
        assert len(images) == count
        assert {row[1] for row in rows[1:]} <= set(open_dataset(tiny_data).classes[:2])
    predictions = read_predictions(tmp_path / run_id)
    answers = dict(map(tuple, rows[1:]))
    again = [answers[Path(file).name] for file in predictions.ids]
    assert again == [predictions.classes[label] for label in predictions.predicted]
    scored = json.loads(dhc("evaluate", run_id, *runs, "--split", "test", "--json").stdout)
    y = open_dataset(tiny_data).splits["test"].y
    assert y is not None
    assert sum(row["support"] for row in scored["classes"]) == int((y < 2).sum())


def test_a_run_on_some_classes_and_pictures_asks_the_same_training_pictures(tiny_data: Path, tmp_path: Path) -> None:
    folder = knn_run(tmp_path, tiny_data, data__classes=2, data__train_fraction=0.5, fit__seed=3, knn__k=3)
    predictions = read_predictions(folder)
    answers = predict_split(folder, "val", every=True)
    assert len(answers.ids) == 9
    among = np.isin(answers.ids, predictions.ids)
    assert (answers.predicted[among] == predictions.predicted).all()
    np.testing.assert_array_equal(answers.probabilities[among], predictions.probabilities)
    scored = predict_split(folder, "test")
    assert scored.y_true is not None
    assert scored.y_true.max() < 2


def copied(data: Path, place: Path) -> Path:
    shutil.copytree(data, place, ignore=shutil.ignore_patterns(".dhc", "about.json"))
    return place  # no longer known as a generated one, whose pixels are as its seed says


def test_pictures_that_cannot_be_read_are_named_or_get_the_answer_that_was_chosen(
    tiny_data: Path, tmp_path: Path
) -> None:
    data = copied(tiny_data, tmp_path / "data")
    victims = [row[0] for row in rows_of(data / "test.csv")[1:3]]
    for victim in victims:
        (data / "test_images" / victim).write_bytes(b"no picture")
    folder = knn_run(tmp_path, data)
    with pytest.raises(DataError, match=r"each test picture needs an answer, but these cannot be read") as caught:
        write_submission(folder, "test", tmp_path / "s.csv")
    assert all(victim in str(caught.value) for victim in victims)
    assert not (tmp_path / "s.csv").exists()
    classes = open_dataset(data).classes
    with pytest.raises(DataError, match="'no such' is no class of run"):
        write_submission(folder, "test", tmp_path / "s.csv", unreadable="no such")
    assert write_submission(folder, "test", tmp_path / "s.csv", unreadable=classes[2]).unseen == tuple(victims)
    assert {row[1] for row in rows_of(tmp_path / "s.csv") if row[0] in victims} == {classes[2]}


def test_a_run_that_leaves_out_bad_pictures_answers_them_with_the_commonest_class(
    tiny_data: Path, tmp_path: Path
) -> None:
    data = copied(tiny_data, tmp_path / "data")
    rows = rows_of(data / "train.csv")
    dropped = next(row for row in rows[1:] if row[1] != rows[-1][1])
    write_rows(data / "train.csv", [row for row in rows if row[1] == rows[-1][1] or row in (rows[0], dropped)])
    write_rows(
        data / "val.csv", [row for row in rows_of(data / "val.csv") if row[1] in (rows[-1][1], dropped[1], "Class")]
    )
    (data / "test_labels.csv").unlink()
    victim = rows_of(data / "test.csv")[1][0]
    (data / "test_images" / victim).unlink()
    folder = knn_run(tmp_path, data, data__skip_bad=True, knn__k=1)
    process = dhc("predict", folder.name, "--runs", str(tmp_path), "--out", str(tmp_path / "s.csv"))
    assert rows_of(tmp_path / "s.csv")[1] == [victim, rows[-1][1]]
    assert f"1 pictures cannot be read and are answered {rows[-1][1]}: {victim}" in process.stderr


def write_rows(path: Path, rows: list[list[str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)


def test_a_sample_gives_header_and_order_and_the_tables_give_the_spelling(tiny_data: Path, tmp_path: Path) -> None:
    data = copied(tiny_data, tmp_path / "data")
    (data / "test_labels.csv").unlink()
    names = {
        label: f"{number:02d}" for number, label in enumerate(sorted({r[1] for r in rows_of(data / "train.csv")[1:]}))
    }
    for split in ("train", "val"):
        rows = [[file, names[label]] for file, label in rows_of(data / f"{split}.csv")[1:]]
        write_rows(data / f"{split}.csv", [["image_id", "category"], *rows])
    files = [row[0] for row in rows_of(data / "test.csv")[1:]]
    folder = knn_run(tmp_path, data, knn__k=3)
    write_submission(folder, "test", tmp_path / "plain.csv")
    plain = rows_of(tmp_path / "plain.csv")
    assert plain[0] == ["Image", "category"], "test.csv and train.csv have these titles"
    assert {label for _, label in plain[1:]} <= set(names.values())
    write_rows(data / "sample_submission.csv", [["id", "target"], *([file, "00"] for file in reversed(files))])
    write_submission(folder, "test", tmp_path / "s.csv")
    assert rows_of(tmp_path / "s.csv") == [["id", "target"], *reversed(plain[1:])]
    write_rows(
        data / "sample_submission.csv", [["id", "target"], *([file, "00"] for file in [*files[1:], "other.png"])]
    )
    with pytest.raises(
        DataError, match=r"sample_submission\.csv lists 1 pictures that test\.csv does not, such as other\.png"
    ):
        write_submission(folder, "test", tmp_path / "t.csv")


def test_neighbours_that_have_changed_are_not_asked(tiny_data: Path, tmp_path: Path) -> None:
    data = copied(tiny_data, tmp_path / "data")
    folder = knn_run(tmp_path, data)
    rows = rows_of(data / "train.csv")
    shutil.copy(data / "train_images" / rows[1][0], data / "train_images" / "z.png")
    write_rows(data / "train.csv", [*rows, ["z.png", "zebra"]])
    with pytest.raises(DataError, match=r"have changed since \(1 picture added\): put them back, or start a copy"):
        predict_split(folder, "test")
    write_rows(data / "train.csv", [rows[0], [rows[1][0], rows[-1][1]], *rows[2:]])
    with pytest.raises(DataError, match=r"\(1 picture relabelled\)"):
        predict_split(folder, "test")
    write_rows(data / "train.csv", rows)
    (data / "train_images" / rows[1][0]).write_bytes((data / "train_images" / rows[2][0]).read_bytes())
    with pytest.raises(DataError, match=r"\(what they show\)"):
        predict_split(folder, "test")


def test_neighbours_of_an_older_run_know_the_classes_that_it_had(tiny_data: Path, tmp_path: Path) -> None:
    data = copied(tiny_data, tmp_path / "data")
    folder = knn_run(tmp_path, data, knn__k=3)
    before = predict_split(folder, "test").predicted.tolist()
    rundir.write_json(folder / rundir.ENVIRONMENT, {})
    rows = rows_of(data / "train.csv")
    for i, (file, _) in enumerate(rows[1:7]):
        shutil.copy(data / "train_images" / file, data / "train_images" / f"z{i}.png")
    write_rows(data / "train.csv", [*rows, *([f"z{i}.png", "zebra"] for i in range(6))])
    assert predict_split(folder, "test").predicted.tolist() == before
    process = dhc("predict", folder.name, "--runs", str(tmp_path), "--out", str(tmp_path / "s.csv"))
    assert "Knows only 3 of 4 classes" in process.stderr


def test_a_file_that_is_there_stays_unless_forced(tiny_data: Path, tmp_path: Path) -> None:
    folder = knn_run(tmp_path, tiny_data)
    out = tmp_path / "s.csv"
    out.write_text("mine")
    arguments = ["predict", folder.name, "--runs", str(tmp_path), "--out", str(out)]
    process = dhc(*arguments)
    assert (process.returncode, out.read_text()) == (2, "mine")
    assert "already exists: choose another file, or --force" in process.stderr
    assert dhc(*arguments, "--force").returncode == 0
    assert len(rows_of(out)) == 7


def test_what_cannot_be_answered_is_one_sentence(tiny_data: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    shutil.copytree(tiny_data, bare, ignore=shutil.ignore_patterns("test*", ".dhc"))
    with pytest.raises(DataError, match=r"has no test\.csv, so there is nothing to answer"):
        write_submission(knn_run(tmp_path, bare), "test", tmp_path / "s.csv")
    unlabelled = tmp_path / "unlabelled"
    shutil.copytree(tiny_data, unlabelled, ignore=shutil.ignore_patterns("test_labels.csv"))
    folder = knn_run(tmp_path, unlabelled)
    process = dhc("evaluate", folder.name, "--runs", str(tmp_path), "--split", "test")
    assert "the test pictures have no labels, so nothing can be scored; `predict` writes a submission" in process.stderr
    with pytest.raises(RunError, match="cannot be written: No such file or directory"):
        write_submission(folder, "test", tmp_path / "nowhere" / "s.csv")
    with pytest.raises(RunError, match="is a folder: name a file"):
        write_submission(folder, "test", tmp_path, force=True)
    with pytest.raises(DataError, match=r"test\.csv lists b\.png more than once"):
        refuse_repeated("test.csv", ["a.png", "b.png", "b.png"])
    without_network = make_run(tmp_path, tiny_data, epochs=2)
    with pytest.raises(RunError, match=r"cannot answer: its network, best\.keras, is not there"):
        write_submission(without_network, "test", tmp_path / "s.csv")
    rundir.write_json(without_network / rundir.REQUEST, {"example": True})
    with pytest.raises(RunError, match="the networks of the example runs were left out for their size, so train a run"):
        write_submission(without_network, "test", tmp_path / "s.csv")


def test_a_run_that_knows_few_classes_says_so(tiny_data: Path, tmp_path: Path) -> None:
    folder = knn_run(tmp_path, tiny_data, data__classes=2)
    arguments = (folder.name, "--runs", str(tmp_path))
    process = dhc("predict", *arguments, "--out", str(tmp_path / "s.csv"))
    assert (process.returncode, process.stderr) == (
        0, "Knows only 2 of 3 classes: a picture of another one gets a wrong answer.\n"
    )  # fmt: skip
    process = dhc("evaluate", *arguments, "--split", "test")
    assert process.stderr == "Knows only 2 of 3 classes: pictures of the others are left out here.\n"
    assert not dhc(
        "predict", knn_run(tmp_path, tiny_data).name, "--runs", str(tmp_path), "--out", str(tmp_path / "t.csv")
    ).stderr


def test_the_knn_command_trains_no_network(tiny_data: Path, tmp_path: Path) -> None:
    process = dhc("knn", "--data", str(tiny_data), "--set", "model.name=vgg16", "--runs", str(tmp_path))
    assert process.returncode == 2
    assert "model.name cannot be vgg16 here: `python -m dhc train` trains networks" in process.stderr
    assert not list(tmp_path.iterdir())


def test_the_knn_command_prints_the_table_and_marks_the_chosen_one(tiny_data: Path, tmp_path: Path) -> None:
    process = dhc("knn", "--data", str(tiny_data), "--k", "6", "--metric", "cosine", "--runs", str(tmp_path))
    assert process.returncode == 0, process.stderr
    (folder,) = tmp_path.glob("*-knn-*")
    assert process.stdout.startswith(folder.name)
    table = (rundir.read_json(folder / rundir.SUMMARY) or {})["knn"]
    lines = process.stdout.splitlines()[-3:]
    for line, (metric, row) in zip(lines, table.items(), strict=True):
        words = line.split()
        assert words[0] == metric
        cells = [f"{row[k]:.4f}" + ("*" if (metric, k) == ("cosine", "6") else "") for k in row]
        assert words[1:] == cells
    assert "nan" not in process.stdout


def test_a_bad_k_or_metric_is_one_sentence(tiny_data: Path, tmp_path: Path) -> None:
    for option, message in (
        (["--metric", "hamming"], "it takes euclidean | manhattan | cosine"),
        (["--k", "0"], "is no whole number from 1 to 1,000"),
    ):
        process = dhc("knn", "--data", str(tiny_data), *option, "--runs", str(tmp_path))
        assert process.returncode == 2
        assert message in process.stderr
