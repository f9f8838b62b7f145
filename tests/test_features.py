"""The features of a run's pictures and their map: written and read back, another network seen, strange files refused."""

from __future__ import annotations

import dataclasses
import io
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from make_run import make_run

from dhc.analysis.embedding import map_of, perplexity_of, principal, tsne
from dhc.analysis.nearest import nearest_by_features
from dhc.errors import RunError
from dhc.jobs import features as jobs
from dhc.predict.features import training_sample
from dhc.runs import rundir
from dhc.runs.contract import Job
from dhc.runs.features import MOST_TRAINING, Features, network_stamp, read_features, write_features
from dhc.runs.identity import find
from dhc.runs.picture_map import PictureMap, read_map, write_map

RUN = "20261126-100000-vgg16-00fe"


def features(stamp: str = "", *, val: int = 9, train: int = 24, classes: int = 3) -> Features:
    """Clouds of features around a point for each class, as a trained network has them."""
    rng = np.random.default_rng(0)
    middles = rng.random((classes, 8)).astype(np.float32) * 5
    true = np.arange(train) % classes
    answers = np.full((train, classes), 0.1 / (classes - 1), np.float32)
    answers[np.arange(train), true] = 0.9
    return Features(
        val=middles[np.arange(val) % classes] + rng.random((val, 8)).astype(np.float32),
        train=middles[true] + rng.random((train, 8)).astype(np.float32),
        train_rows=np.arange(train),
        train_true=true,
        train_probabilities=answers,
        best_epoch=6,
        stamp=stamp or "0" * 32,
    )


@pytest.fixture
def run(tmp_path: Path, tiny_data: Path) -> Path:
    folder = make_run(tmp_path, tiny_data, run_id=RUN)
    (folder / rundir.BEST).write_bytes(b"a network")
    return folder


def test_features_and_their_map_read_back_as_they_were_written_and_move_with_the_folder(run: Path) -> None:
    before = features(network_stamp(run))
    write_features(run, dataclasses.replace(before, val=before.val * 1e6))
    read = read_features(run)
    assert read is not None
    assert (read.val <= np.finfo(np.float16).max).all(), "what float16 cannot hold is cut"
    write_features(run, before)
    write_map(run, map_of(before))
    copy = Path(shutil.copytree(run, run.parent / "copy"))
    for folder in (run, copy):
        read = read_features(folder)
        assert read is not None
        np.testing.assert_allclose(read.val, before.val, rtol=1e-3)
        np.testing.assert_allclose(read.train_probabilities, before.train_probabilities, rtol=1e-3)
        assert read.train_rows.tolist() == before.train_rows.tolist()
        picture_map = read_map(folder, read)
        assert picture_map is not None
        assert picture_map.places["tsne"].shape == picture_map.places["pca"].shape == (33, 2)
        assert 0.5 < picture_map.shares.sum() <= 1


def test_those_of_another_network_are_none_and_a_network_given_up_leaves_them(run: Path) -> None:
    made = features(network_stamp(run))
    write_features(run, made)
    write_map(run, map_of(made))
    (run / rundir.BEST).write_bytes(b"a networK")
    assert read_features(run) is None
    assert read_map(run, made) is None
    (run / rundir.BEST).unlink()
    assert read_features(run) is not None
    write_features(run, dataclasses.replace(made, best_epoch=5))
    assert read_features(run) is None, "of an epoch that is not the best any more"


def spoilt(change: Callable[[dict[str, Any]], object]) -> bytes:
    made = features()
    arrays = {
        "val": made.val.astype(np.float16),
        "train": made.train.astype(np.float16),
        "train_rows": made.train_rows.astype(np.uint32),
        "train_true": made.train_true.astype(np.uint16),
        "train_probabilities": made.train_probabilities.astype(np.float16),
        "best_epoch": np.uint32(6),
        "stamp": np.array(made.stamp),
    }
    change(arrays)
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no archive",
        spoilt(lambda a: a.pop("val")),
        spoilt(lambda a: a.update(val=a["val"].astype(np.int16))),
        spoilt(lambda a: a.update(val=a["val"][:, :5])),
        spoilt(lambda a: a.update(val=a["val"][:0])),
        spoilt(lambda a: a.update(val=np.full((9, 8), np.nan, np.float16))),
        spoilt(lambda a: a.update(train=np.full((24, 8), np.inf, np.float16))),
        spoilt(lambda a: a.update(train_rows=a["train_rows"][::-1].copy())),
        spoilt(lambda a: a.update(train_rows=a["train_rows"][:5])),
        spoilt(lambda a: a.update(train_rows=np.arange(24, dtype=np.uint64) + 2**63)),
        spoilt(lambda a: a.update(train_true=np.full(24, 3, np.uint16))),
        spoilt(lambda a: a.update(train_probabilities=np.full((24, 3), 0.9, np.float16))),
        spoilt(lambda a: a.update(best_epoch=np.uint32(0))),
        spoilt(lambda a: a.update(stamp=np.array("x" * 1000))),
        spoilt(lambda a: a.update(stamp=np.array({"a": 1}, object))),
        spoilt(lambda a: a.update(more=np.ones(9))),
    ],
)
def test_a_file_that_is_none_of_ours_is_said_to_be_so(run: Path, data: bytes) -> None:
    (run / rundir.FEATURES).write_bytes(data)
    with pytest.raises(RunError, match=r"features\.npz of run .* damaged or was edited .* `python -m dhc features`"):
        read_features(run)


def test_bombs_and_links_are_refused_and_a_missing_file_is_none(run: Path, tmp_path: Path) -> None:
    assert read_features(run) is None
    with zipfile.ZipFile(run / rundir.FEATURES, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("val.npy", bytes(100_000_000))
    with pytest.raises(RunError, match="cannot be read"):
        read_features(run)
    (run / rundir.MAP).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RunError, match="not a regular file"):
        read_map(run, features())


def test_the_nearest_by_features_are_those_of_scikit_learn() -> None:
    from sklearn.neighbors import NearestNeighbors

    rng = np.random.default_rng(1)
    pool, queries = rng.normal(size=(60, 7)).astype(np.float32), rng.normal(size=(700, 7)).astype(np.float32)
    rows, distances = nearest_by_features(queries, pool, 5)
    expected, expected_rows = NearestNeighbors(n_neighbors=5, metric="cosine").fit(pool).kneighbors(queries)
    assert (rows == expected_rows).mean() > 0.999  # rounding may exchange two that are as near
    np.testing.assert_allclose(distances, expected, atol=1e-5)
    rows, distances = nearest_by_features(np.array([3.0, 0]), np.array([[0, 1], [2, 0], [-1, 0], [0, 0]], float), 9)
    assert rows.tolist() == [[1, 0, 3, 2]]
    assert distances.tolist() == [[0, 1, 1, 2]]


def test_a_map_is_the_same_for_the_same_pictures_and_holds_together_what_belongs_together() -> None:
    made = features(val=30, train=90)
    scores, _ = principal(np.concatenate([made.val, made.train]))
    steps: list[int] = []
    places = tsne(scores, progress=lambda done, total: steps.append(done))
    assert steps == sorted(steps)
    assert len(steps) > 5
    np.testing.assert_array_equal(places, tsne(scores))
    classes = np.concatenate([np.arange(30) % 3, made.train_true])
    distances = np.linalg.norm(places[:, None] - places[None], axis=2) + np.eye(len(places)) * 1e9
    assert (classes[distances.argmin(axis=1)] == classes).all()


@pytest.mark.parametrize("values", [np.ones((3, 4)), np.zeros((3, 1)), np.arange(3.0)[:, None], np.eye(3)])
def test_few_pictures_and_pictures_that_are_all_alike_have_a_map(values: np.ndarray) -> None:
    scores, shares = principal(values)
    assert scores.shape[0] == 3
    assert scores.shape[1] >= 2
    assert np.isfinite(tsne(scores)).all()
    assert np.isfinite(shares).all()
    assert perplexity_of(3) < 3


def test_the_training_sample_is_rising_and_the_same_for_a_seed() -> None:
    rows = training_sample(MOST_TRAINING + 100, 7)
    assert len(rows) == MOST_TRAINING == len(set(rows.tolist()))
    assert rows.tolist() == sorted(rows.tolist()) == training_sample(MOST_TRAINING + 100, 7).tolist()
    assert training_sample(5, 7).tolist() == [0, 1, 2, 3, 4]


def test_a_map_that_is_none_of_ours_is_said_to_be_so_and_one_of_other_pictures_is_none(run: Path) -> None:
    made = features(network_stamp(run))
    places = np.zeros((33, 2), np.float32)
    good = PictureMap({"tsne": places, "pca": places}, np.ones(2, np.float32), 5, 9, 6, made.stamp)
    write_map(run, good)
    assert read_map(run, made) is not None
    write_map(run, dataclasses.replace(good, places={"tsne": places[:30], "pca": places[:30]}))
    assert read_map(run, made) is None
    for change in (
        {"places": {"tsne": places[:30], "pca": places}},
        {"places": {"tsne": places[:, :1], "pca": places[:, :1]}},
        {"places": {"tsne": np.full_like(places, np.nan), "pca": places}},
        {"places": {"tsne": np.full_like(places, 3e38), "pca": places}},
        {"val": 34},
        {"best_epoch": 0},
        {"perplexity": np.inf},
        {"shares": np.ones(3, np.float32)},
    ):
        write_map(run, dataclasses.replace(good, **change))
        with pytest.raises(RunError, match=r"map\.npz of run .* damaged or was edited"):
            read_map(run, made)


@pytest.mark.slow
def test_a_making_runs_by_itself_says_why_it_failed_and_can_be_cancelled(tmp_path: Path, tiny_data: Path) -> None:
    folder = make_run(tmp_path, tiny_data, epochs=1, settings={"model.name": "knn"})
    jobs.start(folder)
    jobs.start(folder)  # a second asks for nothing
    job = Job.load(folder / jobs.JOB)
    assert job is not None
    process = find(job)
    assert process is not None
    process.wait(60)
    making = jobs.making(folder)
    assert making is not None
    assert "is of nearest neighbours: it has no network" in making.failure
    jobs.start(folder)
    making = jobs.making(folder)
    assert making is not None
    assert making.pending
    process = find(Job.load(folder / jobs.JOB))
    assert process is not None
    jobs.cancel(folder)
    assert not process.is_running()
    assert jobs.making(folder) is None


def test_a_making_that_ended_well_says_nothing(run: Path) -> None:
    assert jobs.making(run) is None
    recorder = jobs.Recorder(run / jobs.PROGRESS)
    recorder.report(jobs.VALUES, 3, 33)
    assert (run / jobs.PROGRESS).is_file()
    recorder.end()
    assert jobs.making(run) is None
