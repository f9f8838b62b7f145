"""The map of pictures epoch by epoch: it stays still, is read back as it was written, and strange files are refused."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from make_run import add_epoch_maps, add_map, make_run

from dhc.analysis.embedding import principal, still_maps, tsne
from dhc.errors import RunError
from dhc.predict.epoch_maps import chosen_epochs, mapped_rows
from dhc.runs import rundir
from dhc.runs.epoch_maps import MOST_PICTURES, read_epoch_maps, write_epoch_maps
from dhc.runs.features import Features, write_features


def course(epochs: int = 3, classes: int = 4, count: int = 80) -> tuple[list[np.ndarray], np.ndarray]:
    """Features (count, 12) after each epoch of a training that draws the classes apart, and the classes."""
    rng = np.random.default_rng(0)
    true = np.arange(count) % classes
    middles, own = rng.normal(size=(classes, 12)), rng.normal(size=(count, 12))
    return [own + (2 + epoch / 2) * middles[true] + 0.05 * rng.normal(size=own.shape) for epoch in range(epochs)], true


def moved(places: np.ndarray) -> np.ndarray:
    """(E - 1,) how far a picture moves from one epoch to the next, on average, beside how far it is from the middle."""
    centred = places - places.mean(axis=1, keepdims=True)
    steps = np.linalg.norm(np.diff(centred, axis=0), axis=2).mean(axis=1)
    return np.asarray(steps / np.linalg.norm(centred, axis=2).mean())


def test_pictures_move_less_than_on_maps_made_each_by_itself_and_as_like_ones_stay_together() -> None:
    features, true = course()
    steps: list[int] = []
    places, shares = still_maps([lambda one=one: one for one in features], lambda done, total: steps.append(done))
    alone = np.stack([tsne(principal(one)[0]) for one in features])
    assert steps == [1, 2, 3]
    assert (moved(places["tsne"]) < moved(alone) / 2).all()
    assert moved(places["pca"]).max() < 0.5
    np.testing.assert_array_equal(places["tsne"][0], alone[0])
    last = places["tsne"][-1]
    distances = np.linalg.norm(last[:, None] - last[None], axis=2) + np.eye(len(last)) * 1e9
    assert (true[distances.argmin(axis=1)] == true).mean() > 0.9
    assert shares.shape == (3, 2)
    assert (np.diff(shares.sum(axis=1)) > 0).all(), "the classes drawn apart are ever more of the spread"


@pytest.mark.parametrize("values", [np.ones((3, 4)), np.eye(3), np.arange(3.0)[:, None]])
def test_pictures_that_are_all_alike_at_first_or_at_last_have_maps(values: np.ndarray) -> None:
    for pair in ((np.ones_like(values), values), (values, np.ones_like(values))):
        places, shares = still_maps([lambda one=one: one for one in pair])
        assert all(np.isfinite(of_method).all() for of_method in places.values())
        assert np.isfinite(shares).all()


def test_of_many_epochs_a_few_are_taken_evenly_and_of_many_pictures_half_of_each_split() -> None:
    assert chosen_epochs((2, 4)) == (2, 4)
    assert chosen_epochs(range(1, 101)) == (1, 15, 29, 43, 58, 72, 86, 100)
    assert chosen_epochs((*range(1, 20), 300), 3) == (1, 19, 300)
    assert chosen_epochs(()) == ()
    assert mapped_rows(9, 24, 0).tolist() == list(range(33))
    for val, train, of_val in ((600, 5_000, 600), (9_000, 5_000, 1_000), (9_000, 40, 1_960)):
        rows = mapped_rows(val, train, 3)
        assert len(rows) == MOST_PICTURES == len(set(rows.tolist()))
        assert (np.diff(rows) > 0).all()
        assert (rows < val).sum() == of_val
        assert rows[-1] < val + train


@pytest.fixture
def run(tmp_path: Path, tiny_data: Path) -> tuple[Path, Features]:
    folder = make_run(tmp_path, tiny_data)
    (folder / rundir.BEST).write_bytes(b"a network")
    return folder, add_map(folder, tiny_data)


def test_maps_read_back_as_they_were_written_and_those_of_another_network_are_none(run: tuple[Path, Features]) -> None:
    folder, features = run
    assert read_epoch_maps(folder, features) is None
    maps = add_epoch_maps(folder, features)
    read = read_epoch_maps(folder, features)
    assert read is not None
    for name in ("epochs", "rows", "shares", "predicted"):
        np.testing.assert_array_equal(getattr(read, name), getattr(maps, name))
    np.testing.assert_allclose(read.confidence, maps.confidence, rtol=1e-3)
    np.testing.assert_array_equal(read.places["tsne"], maps.places["tsne"])
    write_epoch_maps(folder, dataclasses.replace(maps, rows=maps.rows + 30))
    assert read_epoch_maps(folder, features) is None, "of pictures that are not on the map"
    write_epoch_maps(folder, dataclasses.replace(maps, predicted=maps.predicted + 3))
    assert read_epoch_maps(folder, features) is None, "of classes that the run does not have"
    write_epoch_maps(folder, maps)
    (folder / rundir.BEST).write_bytes(b"another network")
    write_features(folder, features)
    assert read_epoch_maps(folder, features) is None


def test_maps_that_are_none_of_ours_are_said_to_be_so(run: tuple[Path, Features]) -> None:
    folder, features = run
    good = add_epoch_maps(folder, features)
    count, pictures = good.predicted.shape
    strange = (
        {"epochs": good.epochs[::-1]},
        {"epochs": good.epochs * 0},
        {"epochs": good.epochs[:0]},
        {"epochs": good.epochs[None]},
        {"rows": good.rows[::-1]},
        {"rows": good.rows[:5]},
        {"places": {**good.places, "tsne": good.places["tsne"][:, :5]}},
        {"places": {**good.places, "pca": np.full_like(good.places["pca"], np.nan)}},
        {"shares": good.shares[:, :1]},
        {"predicted": good.predicted[:1]},
        {"confidence": np.full((count, pictures), 1.5)},
        {"confidence": np.full((count, pictures), np.nan)},
        {"perplexity": np.inf},
        {"best_epoch": 0},
        {"stamp": "x" * 1_000},
    )
    for change in strange:
        write_epoch_maps(folder, dataclasses.replace(good, **change))
        with pytest.raises(
            RunError, match=r"epoch-maps\.npz of run .* damaged or was edited .* `python -m dhc features`"
        ):
            read_epoch_maps(folder, features)
    for data in (b"", b"no archive"):
        (folder / rundir.EPOCH_MAPS).write_bytes(data)
        with pytest.raises(RunError, match="cannot be read"):
            read_epoch_maps(folder, features)
