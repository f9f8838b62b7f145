"""Ensembles: agreement against scikit-learn, the mean against its definition, members taken one by one, the submission."""

from __future__ import annotations

import itertools
import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from make_run import make_run, say
from sklearn.metrics import cohen_kappa_score
from test_submission import knn_run, rows_of

from dhc.analysis import selection
from dhc.analysis.ensemble import MOST, SharedAnswers, agreement, combine, line_up, mean_of_pairs
from dhc.cli import cli
from dhc.data.decode import load_pictures
from dhc.data.layout import open_dataset
from dhc.errors import DataError, RunError
from dhc.jobs import ensemble as jobs
from dhc.runs import rundir
from dhc.runs.contract import Job
from dhc.runs.identity import find, is_alive
from dhc.runs.records import Predictions

CLASSES = ("cat", "dog", "eel")


def predictions(
    predicted: np.ndarray, true: np.ndarray, *, seed: int = 0, classes: tuple[str, ...] = CLASSES
) -> Predictions:
    """A run whose probabilities are largest at what it predicted."""
    ids = np.array([f"val_images/{n:04d}.png" for n in range(len(true))])
    return Predictions(ids, true, predicted[None], 1, say(predicted, true, classes, seed), classes)


def noisy(count: int, right: float, *, pictures: int = 200, seed: int = 0) -> dict[str, Predictions]:
    """Runs that are right on pictures drawn for each alone."""
    rng = np.random.default_rng(seed)
    true = rng.integers(0, 3, pictures)
    runs = {}
    for number in range(count):
        predicted = np.where(rng.random(pictures) < right, true, (true + rng.integers(1, 3, pictures)) % 3)
        runs[f"run{number}"] = predictions(predicted, true, seed=number)
    return runs


def test_pictures_that_a_person_reviewed_away_tell_nothing() -> None:
    runs = noisy(3, 0.7, pictures=20)
    ids = next(iter(runs.values())).ids.tolist()
    answers = line_up(runs, [*ids[:4], "val_images/9999.png"])
    assert (answers.ids.tolist(), answers.left_out, answers.reviewed) == (ids[4:], 0, 4)
    assert answers.of(["run0", "run2"]).reviewed == 4
    with pytest.raises(RunError, match="20 in all, was given another label or left out on Review: choose"):
        line_up(runs, ids)


@pytest.fixture
def answers() -> SharedAnswers:
    return line_up(noisy(4, 0.7))


def shuffled(run: Predictions, rng: np.random.Generator, classes: tuple[str, ...]) -> Predictions:
    """The same answers with pictures and classes in another order."""
    rows, number = rng.permutation(len(run.ids)), np.array([classes.index(name) for name in run.classes])
    probabilities = np.zeros_like(run.probabilities)
    probabilities[:, number] = run.probabilities
    return Predictions(
        run.ids[rows], number[run.y_true][rows], number[run.y_pred][:, rows], 1, probabilities[rows], classes
    )


def test_agreement_kappa_and_double_fault_are_those_of_their_definitions(answers: SharedAnswers) -> None:
    alike = agreement(answers)
    for i, j in itertools.product(range(4), repeat=2):
        a, b = answers.predicted[i], answers.predicted[j]
        assert alike.same[i, j] == pytest.approx(float((a == b).mean()))
        assert alike.kappa[i, j] == pytest.approx(cohen_kappa_score(a, b))
        assert alike.double_fault[i, j] == pytest.approx(float(((a != answers.true) & (b != answers.true)).mean()))
    pairs = [alike.same[i, j] for i, j in itertools.combinations(range(4), 2)]
    assert mean_of_pairs(alike.same) == pytest.approx(float(np.mean(pairs)))


def test_two_runs_that_always_say_one_class_have_no_kappa() -> None:
    true = np.array([0, 1, 2, 0])
    same = line_up({name: predictions(np.zeros(4, np.int64), true) for name in "ab"})
    assert np.isnan(agreement(same).kappa).all()
    assert np.isnan(mean_of_pairs(agreement(same).kappa))


def test_the_ensemble_answers_the_class_of_the_largest_mean_probability(answers: SharedAnswers) -> None:
    together = combine(answers)
    mean = np.mean([answers.probabilities[run].astype(np.float64) for run in range(4)], axis=0)
    np.testing.assert_array_equal(together.predicted, mean.argmax(axis=1))
    assert together.accuracy == float((mean.argmax(axis=1) == answers.true).mean())
    low, high = together.interval
    assert low < together.accuracy < high
    best = answers.right.mean(axis=1).argmax()
    assert together.best == best
    assert together.table.accuracy_a == pytest.approx(float(answers.right[best].mean()))
    assert together.table.accuracy_b == pytest.approx(together.accuracy)


def test_other_orders_of_pictures_and_classes_change_nothing(answers: SharedAnswers) -> None:
    runs, rng = noisy(4, 0.7), np.random.default_rng(5)
    others = {name: run if name == "run0" else shuffled(run, rng, ("eel", "cat", "dog")) for name, run in runs.items()}
    mixed = line_up(others)
    assert mixed.classes == CLASSES
    np.testing.assert_array_equal(mixed.predicted, answers.predicted)
    np.testing.assert_array_equal(mixed.probabilities, answers.probabilities)
    run = others["run2"]
    np.testing.assert_array_equal(run.ids[mixed.rows[2]], mixed.ids)


def test_a_run_with_fewer_pictures_and_one_with_a_picture_twice_are_lined_up_on_what_all_have() -> None:
    first, second = noisy(2, 0.7).values()
    part = np.r_[3, 3, 5:60]
    twice = Predictions(
        second.ids[part], second.y_true[part], second.y_pred[:, part], 1, second.probabilities[part], CLASSES
    )
    shared = line_up({"a": first, "b": twice})
    np.testing.assert_array_equal(shared.ids, first.ids[np.unique(part)])
    assert shared.left_out == 200 - 56


def test_runs_that_cannot_be_lined_up_are_refused_in_a_sentence() -> None:
    first, second = noisy(2, 0.7).values()
    relabelled = replace(second, y_true=(second.y_true + 1) % 3)
    elsewhere = replace(second, ids=np.char.add("other/", second.ids))
    refusals = [
        ({"a": first}, "takes 2 to 20 runs, not 1:"),
        ({str(number): first for number in range(MOST + 1)}, "takes 2 to 20 runs, not 21:"),
        ({"a": first, "b": relabelled}, "a and b disagree about what 200 of 200 shared pictures are"),
        ({"a": first, "b": elsewhere}, "share no val picture"),
    ]
    for runs, sentence in refusals:
        with pytest.raises(RunError, match=sentence):
            line_up(runs)


def test_members_are_taken_by_what_they_bring_and_the_suggestion_ends_where_nothing_is_brought(
    answers: SharedAnswers,
) -> None:
    def right(members: tuple[int, ...]) -> int:
        if len(members) == 1:
            return int(answers.right[members[0]].sum())
        return int(
            (answers.probabilities[list(members)].astype(np.float64).sum(axis=0).argmax(axis=1) == answers.true).sum()
        )

    path = selection.greedy(answers)
    taken: tuple[int, ...] = ()
    for step in path:
        rest = [run for run in range(4) if run not in taken]
        assert step.right == max(right((*taken, run)) for run in rest) == right((*taken, step.run))
        taken = (*taken, step.run)
    best = selection.suggested(path)
    assert len(best) >= 2, "runs that err apart gain"
    counts = [step.right for step in path]
    assert all(a < b for a, b in itertools.pairwise(counts[: len(best)]))
    assert len(best) == len(path) or counts[len(best)] <= counts[len(best) - 1]
    assert f"These {len(best)} together: {counts[len(best) - 1] / 200:.3f}." in selection.suggestion_text(path, 200)


def test_copies_of_one_run_bring_nothing_and_small_vals_are_not_halved() -> None:
    run = noisy(1, 0.7)["run0"]
    copies = line_up({"a": run, "b": run, "c": run})
    path = selection.greedy(copies)
    assert selection.suggested(path) == (0,)
    assert "no second run adds to it" in selection.suggestion_text(path, 200)
    choice = selection.judge_choice(copies)
    assert choice is not None
    assert choice.held_back == choice.single
    assert "expect no gain" in selection.choice_text(choice)
    few = line_up(noisy(2, 0.7, pictures=12))
    assert selection.judge_choice(few) is None
    assert "too few to say by how much" in selection.choice_text(None)


def test_what_chose_the_members_looks_better_than_what_did_not() -> None:
    """Twenty runs of mere chance: the half that chooses promises what the other does not hold."""
    choice = selection.judge_choice(line_up(noisy(20, 1 / 3, pictures=120)))
    assert choice is not None
    assert choice.choosing > choice.held_back + 0.05


# The command, and the submission, of nearest neighbours: networks answer through the same door


def test_the_command_says_the_same_as_text_and_json(tmp_path: Path, eight_classes: Path) -> None:
    ids = [f"20260101-00000{n}-vgg16-000a" for n in range(3)]
    for number, run_id in enumerate(ids):
        make_run(tmp_path, eight_classes, run_id=run_id, epochs=2, accuracy=0.6, seed=number)
    words = ["ensemble", *ids, "--runs", str(tmp_path)]
    text, result = CliRunner().invoke(cli, words).output, json.loads(CliRunner().invoke(cli, [*words, "--json"]).output)
    assert result["pictures"] == 200
    assert [one["id"] for one in result["members"]] == ids
    assert result["accuracy"] > 0.6
    assert f"together: accuracy {result['accuracy']:.3f}" in text
    assert f"none is right: {len(result['all_wrong'])} pictures" in text
    assert result["oracle_accuracy"] == pytest.approx(1 - len(result["all_wrong"]) / 200)
    for sentence in (result["suggestion"], result["caution"], result["verdict"]):
        assert sentence in text
    rundir.write_json(tmp_path / ids[1] / rundir.ENVIRONMENT, {"data_fingerprint": "other"})
    refused = CliRunner().invoke(cli, words)
    assert isinstance(refused.exception, RunError)
    assert f"{ids[0]} and {ids[1]} were judged on different val pictures" in str(refused.exception)


@pytest.mark.slow
@pytest.mark.usefixtures("forked")
def test_a_submission_of_neighbours_in_the_background_is_the_mean_of_their_votes_with_a_manifest(
    tiny_data: Path, tmp_path: Path
) -> None:
    from sklearn.neighbors import KNeighborsClassifier

    settings = {1: "euclidean", 3: "manhattan", 5: "cosine"}
    folders = [knn_run(tmp_path, tiny_data, knn__k=k, knn__metric=metric) for k, metric in settings.items()]
    dataset = open_dataset(tiny_data)
    assert jobs.submission(folders) is None
    jobs.start(folders, dataset)
    started = jobs.submission(folders[::-1])
    assert started is not None, "whatever order the members are named in"
    end = time.monotonic() + 60
    while (now := jobs.submission(folders)) is not None and now.pending and time.monotonic() < end:
        assert 0 <= now.done < now.members == 3
        time.sleep(0.02)
    assert now is not None
    assert now.file is not None, now.failure
    assert now.manifest is not None
    train, test = load_pictures(dataset, "train"), load_pictures(dataset, "test")
    flat = [np.asarray(side.x, float).reshape(len(side.x), -1) for side in (train, test)]
    votes = [
        KNeighborsClassifier(k, metric=metric).fit(flat[0], train.y).predict_proba(flat[1])
        for k, metric in settings.items()
    ]
    expected = np.mean(votes, axis=0).argmax(axis=1)
    names = [row[0] for row in rows_of(tiny_data / "test.csv")[1:]]
    answers = [dataset.classes[label] for label in expected]
    assert rows_of(now.file) == [["Image", "Class"], *map(list, zip(names, answers, strict=True))]
    manifest = json.loads(now.manifest.read_text())
    assert [member["run"] for member in manifest["members"]] == [folder.name for folder in folders]
    assert manifest["answers"] == 6
    assert jobs.out_of_date(folders, dataset) == ""
    (folders[1] / rundir.PREDICTIONS).touch()
    assert "a member has been trained since" in jobs.out_of_date(folders, dataset)
    jobs.start(folders, dataset)
    (record,) = (tmp_path / rundir.ENSEMBLES).glob(f"*/{jobs.JOB}")
    job = Job.load(record)
    assert job is not None
    process = find(job)
    while process is not None and "ensemble" not in process.cmdline():  # one that was forked takes its name late
        time.sleep(0.01)
    jobs.cancel(folders)
    assert not is_alive(job)
    assert jobs.submission(folders) is None


@pytest.mark.slow
@pytest.mark.usefixtures("forked")
def test_members_of_other_classes_or_other_folders_hand_in_nothing(tiny_data: Path, tmp_path: Path) -> None:
    from dhc.predict.ensemble import MANIFEST, write_ensemble

    whole, part = knn_run(tmp_path, tiny_data, knn__k=3), knn_run(tmp_path, tiny_data, knn__k=3, data__classes=2)
    out = tmp_path / "s.csv"
    with pytest.raises(RunError, match=r"knows 3 classes and .* 2, so their mean would be against"):
        write_ensemble([whole, part], out)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.symlink_to(tiny_data)  # the same pictures by another name
    twin = knn_run(tmp_path, elsewhere, knn__k=1)
    write_ensemble([whole, twin], out)
    assert len(rows_of(out)) == 7
    with pytest.raises(RunError, match="already exists: choose another file, or --force"):
        write_ensemble([whole, twin], out)
    config = rundir.read_json(twin / rundir.CONFIG)
    assert config is not None
    config["data"]["path"] = str(tmp_path / "gone")
    rundir.write_json(twin / rundir.CONFIG, config)
    with pytest.raises(RunError, match="have their pictures in different folders"):
        write_ensemble([whole, twin], out, force=True)
    out.unlink()
    (tmp_path / f"s.csv{MANIFEST}").unlink()
    with pytest.raises(DataError, match="gone"):
        write_ensemble([twin, twin], out)
    assert not out.exists()
