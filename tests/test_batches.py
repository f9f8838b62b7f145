"""Which pictures a training sees, in which order and which form."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dhc.config import RunConfig
from dhc.errors import DataError

pytestmark = pytest.mark.slow


def test_every_epoch_sees_every_picture_once_in_the_seeds_order() -> None:
    from dhc.training.batches import Batches

    x, y = np.arange(10, dtype=np.uint8)[:, None], np.arange(10)
    batches = Batches(x, y, batch_size=4, seed=7, first_epoch=0)
    orders = []
    for _ in range(2):
        batches.on_epoch_begin()
        orders.append(np.concatenate([batches[i][1] for i in range(len(batches))]).tolist())
    assert [len(batches[i][1]) for i in range(len(batches))] == [4, 4, 2]
    assert sorted(orders[0]) == sorted(orders[1]) == list(range(10))
    assert orders[0] != orders[1]
    later = Batches(x, y, batch_size=4, seed=7, first_epoch=1)
    later.on_epoch_begin()
    assert np.concatenate([later[i][1] for i in range(3)]).tolist() == orders[1]


@pytest.mark.parametrize(("flip", "forms"), [("horizontal", 2), ("vertical", 2), ("horizontal_and_vertical", 4)])
def test_flips_by_turns_show_every_form_of_every_picture_once_before_any_again(flip: str, forms: int) -> None:
    from dhc.config import AugmentConfig
    from dhc.training.batches import Batches

    x = np.random.default_rng(0).integers(0, 256, (60, 4, 6, 3)).astype(np.uint8)
    every = [x, x[:, :, ::-1], x[:, ::-1], x[:, ::-1, ::-1]]
    allowed = {"horizontal": every[:2], "vertical": every[::2]}.get(flip, every)
    augment = AugmentConfig(flip=flip, alternate=True)  # type: ignore[arg-type]

    def epochs(first: int, seed: int = 5) -> list[np.ndarray]:
        """Which form each picture has, epoch by epoch."""
        batches = Batches(x, np.arange(60), 16, seed, first, augment)
        rows = []
        for _ in range(first, 2 * forms):
            batches.on_epoch_begin()
            numbers = np.empty(60, int)
            for part, labels in (batches[i] for i in range(len(batches))):
                is_form = [(part == form[labels]).all(axis=(1, 2, 3)) for form in allowed]
                assert np.sum(is_form, axis=0).tolist() == [1] * len(labels)
                numbers[labels] = np.argmax(is_form, axis=0)
            rows.append(numbers)
        return rows

    shown = epochs(0)
    np.testing.assert_array_equal(shown[:forms], shown[forms:])
    assert (np.sort(shown[:forms], axis=0) == np.arange(forms)[:, None]).all()
    assert np.bincount(shown[0], minlength=forms).min() > 60 / forms / 3, (
        "drawn one by one, so that some have each form"
    )
    np.testing.assert_array_equal(shown[3:], epochs(3))  # as a run that goes on there
    assert (shown[0] != epochs(0, seed=6)[0]).any()


def test_classes_and_fraction_cut_what_is_trained_on_and_never_val(tiny_data: Path) -> None:
    from dhc.data.select import load_for_run

    whole = RunConfig().with_values({"data.path": str(tiny_data)})
    half = whole.with_values({"data.classes": 2, "data.train_fraction": 0.5})
    all_data, cut = load_for_run(whole.data, seed=0), load_for_run(half.data, seed=0)
    assert cut.classes == all_data.classes[:2]
    assert cut.val.y is not None
    assert all_data.val.y is not None
    assert len(cut.val.y) == int((all_data.val.y < 2).sum())
    for label in (0, 1):
        assert cut.train.y is not None
        assert all_data.train.y is not None
        assert (cut.train.y == label).sum() == round(0.5 * int((all_data.train.y == label).sum()))
    assert load_for_run(half.data, seed=0).train.ids.tolist() == cut.train.ids.tolist()
    assert load_for_run(half.data, seed=1).train.ids.tolist() != cut.train.ids.tolist()


def test_one_class_is_refused_and_more_than_there_are_means_all(tiny_data: Path) -> None:
    from dhc.data.select import load_for_run

    config = RunConfig().with_values({"data.path": str(tiny_data)})
    assert len(load_for_run(config.with_values({"data.classes": 99}).data, seed=0).classes) == 3
    with pytest.raises(DataError, match="one class leaves nothing to tell apart"):
        load_for_run(config.with_values({"data.classes": 1}).data, seed=0)


def test_the_reports_any_angle_rotation_is_kerass_factor_one_half() -> None:
    """RandomRotation(3) meant ±3 full turns; an angle uniform over ±3 turns is uniform over the circle, as ±1/2 turn is."""
    draw = np.random.default_rng(0)
    three_turns = np.mod(draw.uniform(-3, 3, 200_000), 1.0)
    half_turn = np.mod(draw.uniform(-0.5, 0.5, 200_000), 1.0)
    counts = [np.histogram(angles, bins=36, range=(0, 1))[0] / 200_000 for angles in (three_turns, half_turn)]
    np.testing.assert_allclose(counts[0], counts[1], atol=0.003)
    import keras

    with pytest.raises(ValueError, match="factor"):
        keras.layers.RandomRotation(3)
    assert keras.layers.RandomRotation(0.5)
