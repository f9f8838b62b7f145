"""Crops and policies against what a person computes by hand in NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from dhc.config import AugmentConfig
from dhc.models.beforehand import Beforehand
from dhc.models.policies import CHANGES, POLICIES, SIGNED, cropped, with_policy

PICTURE = np.random.default_rng(5).integers(0, 256, (64, 64, 3)).astype(np.uint8)
GREY = np.rint(PICTURE @ [0.299, 0.587, 0.114])  # ITU-R 601, as Pillow has it
ACROSS, DOWN = np.meshgrid(np.arange(64.0), np.arange(64.0))
RAMPS = np.stack([4 * ACROSS, 4 * DOWN, np.zeros((64, 64))], axis=-1).astype(np.uint8)  # where a pixel came from


def shifted(rows: int, columns: int) -> np.ndarray:
    """What stood so many rows and columns farther, black where nothing did."""
    out = np.zeros_like(PICTURE)
    out[: 64 - rows, : 64 - columns] = PICTURE[rows:, columns:]
    return out


def between(end: np.ndarray, amount: float) -> np.ndarray:
    """The picture and another one, in bytes, with 1 + amount of the picture."""
    return np.clip(end + (PICTURE - end) * (1 + amount), 0, 255)


REFERENCES = {
    "identity": (0.0, PICTURE),
    "translate_x": (6.0, shifted(0, 6)),
    "translate_y": (9.0, shifted(9, 0)),
    "rotate": (90.0, np.rot90(PICTURE)),
    "brightness": (-0.3, between(np.zeros((64, 64, 3)), -0.3)),
    "color": (0.4, between(np.repeat(GREY[..., None], 3, axis=2), 0.4)),
    "contrast": (0.5, between(np.full((64, 64, 3), int(GREY.mean() + 0.5)), 0.5)),
    "posterize": (3.0, PICTURE & 0b11111000),
    "solarize": (0.4, np.where(PICTURE < 153, PICTURE, 255 - PICTURE)),
    "autocontrast": (0.0, PICTURE),  # which has all values already
}


@pytest.mark.parametrize("name", REFERENCES)
def test_a_change_is_what_numpy_computes(name: str) -> None:
    amount, expected = REFERENCES[name]
    ours = np.asarray(CHANGES[name](Image.fromarray(PICTURE), amount)).astype(float)
    tolerance = 2 if name in ("brightness", "color", "contrast") else 0  # Pillow rounds in between
    np.testing.assert_allclose(ours, expected, atol=tolerance)


def test_shears_lean_by_their_share_and_the_others_do_what_they_are_called() -> None:
    image = Image.fromarray(RAMPS)
    for name, channel in (("shear_x", 0), ("shear_y", 1)):
        sheared = np.asarray(CHANGES[name](image, 0.25)).astype(float)[..., channel]
        source = (ACROSS + 0.25 * DOWN) if channel == 0 else (DOWN + 0.25 * ACROSS)
        inside = source < 62
        assert np.abs(sheared - 4 * source)[inside].max() <= 4, "a pixel, of which half is the place within it"
    blurred = np.asarray(CHANGES["sharpness"](Image.fromarray(PICTURE), -1.0)).astype(float)
    assert np.abs(np.diff(blurred, axis=0)).mean() < 0.6 * np.abs(np.diff(PICTURE.astype(float), axis=0)).mean()
    dark = np.asarray(CHANGES["equalize"](Image.fromarray(PICTURE // 4), 0.0)).astype(float)
    counts = np.histogram(dark, bins=8, range=(0, 256))[0]
    assert counts.min() > 0.8 * counts.mean()


@pytest.mark.parametrize("policy", POLICIES)
def test_a_policy_draws_for_each_picture_anew_within_its_ranges(policy: str) -> None:
    many = np.repeat(PICTURE[None], 300, axis=0)
    out = with_policy(many, policy, np.random.default_rng(0))
    assert out.dtype == np.uint8
    np.testing.assert_array_equal(out, with_policy(many, policy, np.random.default_rng(0)))
    distinct = len({picture.tobytes() for picture in out})
    assert 100 < distinct < 300, "identity and autocontrast leave it as it is"
    own = POLICIES[policy]
    strongest = {name: own.amount(name, 30, 64) for name in CHANGES}
    assert strongest["translate_x"] == pytest.approx({"trivial": 32, "rand": 29}[policy], abs=0.01)
    assert strongest["posterize"] == {"trivial": 6, "rand": 4}[policy]
    assert strongest["rotate"] == {"trivial": 135, "rand": 30}[policy]
    assert own.amount("solarize", 15, 64) == 0.5
    assert len(SIGNED) == 9


def test_a_crop_keeps_its_share_of_the_area_and_fills_the_whole() -> None:
    crops = cropped(np.repeat(RAMPS[None], 200, axis=0), 0.25, np.random.default_rng(1))
    spans = np.ptp(crops[..., :2].astype(float), axis=(1, 2)) / 4 + 1  # (N, 2) pixels across and down, within about one
    shares, ratios = spans.prod(axis=1) / 64**2, spans[:, 0] / spans[:, 1]
    assert 0.22 < shares.min() < 0.35
    assert 0.9 < shares.max() <= 1
    assert ratios.min() < 0.85
    assert 1.15 < ratios.max() < 1.45
    np.testing.assert_array_equal(np.sort(crops[..., 0], axis=2), crops[..., 0])  # neither turned nor mirrored
    offsets = crops[:, 0, 0, 0] / 4
    assert offsets.max() > 20
    assert (cropped(crops, 1.0, np.random.default_rng(0)) == crops).mean() > 0.9, (
        "all of it, or a whole that is as large"
    )


def test_what_happens_beforehand_is_drawn_by_seed_epoch_and_batch_and_only_on_the_input() -> None:
    x, y, rows = np.repeat(PICTURE[None], 8, axis=0), np.arange(8), np.arange(8)
    every = {"crop": 0.5, "policy": "trivial", "alternate": True, "cutmix": 1.0}

    def changed(epoch: int = 0, batch: int = 0, seed: int = 0, **augment: object) -> bytes:
        config = AugmentConfig(**{**every, **augment})  # type: ignore[arg-type]
        pictures, labels = Beforehand(config, 8, seed).changed(x, y, rows, epoch, batch)
        return bytes(pictures.tobytes() + labels.tobytes())

    assert changed() == changed()
    assert len({changed(), changed(epoch=1), changed(batch=1), changed(seed=1)}) == 4
    assert changed(where="features") == changed(where="off") == x.tobytes() + y.tobytes()
    without = [{"crop": 0.0}, {"policy": "none"}, {"alternate": False}, {"cutmix": 0.0}, {"mixup": 1.0}]
    assert len({changed(**each) for each in ({}, *without)}) == 6, "each has an effect"
