"""Network plans: the report's figures, sizes by hand, and agreement with Keras."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dhc.config import RunConfig
from dhc.config.sections import WITH_FEATURES
from dhc.errors import ConfigError
from dhc.models import plan as p
from dhc.models.cost import cost, cpu_seconds_per_picture, gains_from_bfloat16, layer_count
from dhc.models.ladder import NETWORKS, RUNGS, SCALES, plan_of, rung_of
from dhc.models.presets import preset_config


def test_vgg16_has_the_reports_number_of_parameters() -> None:
    for preset in ("report", "report-meant"):
        assert cost(preset_config(preset), 96).parameters == 35_514_947


def test_vgg16_stands_as_the_report_prints_it() -> None:
    plan = plan_of(preset_config("report"), 96)
    convolutions = [layer for layer in plan if isinstance(layer, p.Conv2D)]
    assert [c.filters for c in convolutions] == [64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512]
    assert [c.padding for c in convolutions] == ["valid"] + ["same"] * 12
    assert [layer.units for layer in plan if isinstance(layer, p.Dense)] == [4069, 4069, 512, 96]
    assert [layer.rate for layer in plan if isinstance(layer, p.Dropout)] == [0.6] * 5 + [0.7]
    kinds = [type(layer).__name__ for layer in plan]
    assert kinds.index("RandomFlip") == kinds.index("Dropout") + 1
    assert kinds[kinds.index("Flatten") - 1] == "RandomRotation"
    assert layer_count(preset_config("report"), 96) == "13 conv + 4 dense"


def test_any_angle_is_half_a_turn_to_either_side() -> None:
    rotation = next(layer for layer in plan_of(preset_config("report"), 96) if isinstance(layer, p.RandomRotation))
    assert rotation.factor == 0.5


def test_augmentation_as_meant_comes_before_everything_and_off_means_none() -> None:
    meant = plan_of(preset_config("report-meant"), 96)
    assert [type(layer).__name__ for layer in meant[:3]] == ["RandomFlip", "RandomRotation", "Rescaling"]
    off = plan_of(RunConfig().with_values({"augment.where": "off"}), 96)
    assert not [layer for layer in off if isinstance(layer, p.RandomFlip | p.RandomRotation)]


def test_sizes_by_hand() -> None:
    rows = p.measure(
        (p.Conv2D(4, 3, 1, "valid"), p.BatchNormalization(), p.MaxPooling2D(), p.Flatten(), p.Dense(2)), (6, 6, 3)
    )
    assert [row.shape for row in rows] == [(4, 4, 4), (4, 4, 4), (2, 2, 4), (16,), (2,)]
    assert [row.parameters for row in rows] == [3 * 3 * 3 * 4 + 4, 16, 0, 0, 16 * 2 + 2]
    assert [row.flops for row in rows] == [2 * 27 * 4 * 16, 0, 0, 0, 2 * 16 * 2]


@pytest.mark.parametrize(
    ("width", "filters"),
    [
        (1, [64, 128, 256, 512]),
        (0.5, [32, 64, 128, 256]),
        (0.2, [16, 32, 48, 96]),  # of 12.8, 25.6, 51.2, 102.4
        (0.125, [8, 16, 32, 64]),
        (0.01, [8, 8, 8, 8]),
        (2, [128, 256, 512, 1024]),
    ],
)
def test_filters_are_rounded_to_what_processors_multiply_fast(width: float, filters: list[int]) -> None:
    assert [p.scaled_filters(count, width) for count in (64, 128, 256, 512)] == filters


@given(st.sampled_from([16, 32, 64, 128, 256, 512]), st.floats(0.001, 2), st.floats(0.001, 2))
def test_a_wider_network_never_has_fewer_filters(filters: int, one: float, other: float) -> None:
    narrow, wide = (p.scaled_filters(filters, width) for width in sorted((one, other)))
    assert 8 <= narrow <= wide


@pytest.mark.parametrize(
    ("changes", "gains"),
    [
        ({}, True),
        ({"model.width": 0.25}, True),
        ({"model.width": 0.125}, False),  # 8 filters at first
        ({"device.backend": "jax"}, False),
        ({"model.name": "cnn5", "model.width": 0.5}, True),
        ({"model.name": "cnn3"}, False),  # too little to multiply
    ],
)
def test_bfloat16_is_for_large_networks_of_even_shape_on_tensorflow(changes: dict[str, object], gains: bool) -> None:
    assert gains_from_bfloat16(RunConfig().with_values(changes), 96) is gains


def test_a_kernel_larger_than_its_picture_is_refused() -> None:
    with pytest.raises(ValueError, match="Conv2D needs larger feature maps than 2×2"):
        p.measure((p.Conv2D(4, 3, 1, "valid"),), (2, 2, 3))


@pytest.mark.parametrize(
    ("layers", "why"),
    [
        ((p.Dropout(0.1), p.Add(2)), "earlier layer"),  # there are not so many
        ((p.Dropout(0.1), p.Add(0)), "earlier layer"),
        ((p.Conv2D(8), p.Conv2D(4), p.Add(2)), "of the same shape"),
        ((p.Conv2D(8), p.RandomFlip("horizontal"), p.Conv2D(8), p.Add(3)), "cannot skip augmentation"),
    ],
)
def test_a_skip_between_outputs_that_cannot_be_added_is_refused(layers: p.Plan, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        p.measure(layers)


def test_the_runner_ups_network_has_what_was_published_of_it() -> None:
    config = preset_config("cnn9-skip")
    plan = plan_of(config, 96)
    filters = [layer.filters for layer in plan if isinstance(layer, p.Conv2D)]
    assert (len(filters), min(filters), max(filters)) == (9, 32, 512)
    assert [type(layer) for layer in plan].count(p.Add) == 1
    assert [type(layer) for layer in plan].count(p.PReLU) == 9
    published = {"optimizer.name": "adamw", "optimizer.weight_decay": 0.03, "optimizer.learning_rate": 1e-3}
    published |= {"schedule.name": "cosine", "fit.batch_size": 64, "fit.epochs": 250, "fit.early_stopping": 30}
    assert config.augment.shear > 0
    published |= {"augment.rotation": 15, "augment.zoom": 0.25, "augment.translation": 0.25}
    assert {name: config.get(name) for name in published} == published
    plain = plan_of(config.with_values({"model.activation": "relu"}), 96)
    assert tuple(p.PReLU() if layer == p.ReLU() else layer for layer in plain) == plan


def test_a_wider_network_takes_longer_and_more_memory() -> None:
    narrow, wide = (cost(RunConfig().with_values({"model.width": w}), 96) for w in (0.25, 1.0))
    assert narrow.memory < wide.memory
    averaged = cost(preset_config("report").with_values({"optimizer.ema_momentum": 0.9, "optimizer.sam": 0.1}), 96)
    plain = cost(preset_config("report"), 96)
    assert averaged.memory == plain.memory + 2 * 4 * plain.parameters
    assert cpu_seconds_per_picture(narrow, 2e11) < cpu_seconds_per_picture(wide, 2e11)


def by_hand(*layers: int) -> int:
    return sum(layers)


def conv(kernel: int, channels: int, filters: int, norms: int = 1) -> int:
    """Weights and biases of a convolution and of `norms` batch normalisations after it."""
    return kernel * kernel * channels * filters + filters + norms * 4 * filters


def dense(*units: int) -> int:
    return sum((before + 1) * after for before, after in itertools.pairwise(units))


PARAMETERS = {
    "knn": 0,
    # 32x32 pictures, three unpadded 3x3 convolutions: 30, 28, 26 pixels a side
    "cnn3-linear": by_hand(conv(3, 3, 32, 0), conv(3, 32, 32, 0), conv(3, 32, 32, 0), dense(26 * 26 * 32, 96)),
    # 32 -> 30 -> 15 -> 13 -> 6 -> 4 -> 2
    "cnn3": by_hand(conv(3, 3, 16), conv(3, 16, 32), conv(3, 32, 64), dense(2 * 2 * 64, 3000, 1000, 96)),
    "cnn3-dropout": by_hand(conv(3, 3, 16), conv(3, 16, 32), conv(3, 32, 64), dense(2 * 2 * 64, 3000, 1000, 96)),
    # 64 -> 31 -> 14 -> 6 -> 3 -> 1
    "cnn5": by_hand(
        conv(3, 3, 64),
        conv(3, 64, 128),
        conv(3, 128, 128),
        conv(3, 128, 256),
        conv(3, 256, 256),
        dense(256, 3000, 1000, 96),
    ),
    "cnn7": by_hand(
        conv(3, 3, 64, 2),
        conv(3, 64, 128, 2),
        conv(3, 128, 128, 2),
        conv(2, 128, 256, 2),
        conv(2, 256, 256, 2),
        conv(1, 256, 256, 2),
        conv(1, 256, 512, 2),
        dense(512, 3000, 1000, 512, 512, 256),
        4 * 256,
        dense(256, 96),
    ),
    "vgg16-exp": 35_514_947,
    "vgg16-warmup": 35_514_947,
    "vgg16": 35_514_947,
    "tuned": 35_514_947,
    "cnn9-skip": by_hand(
        *(
            conv(3, *pair) + pair[1]  # a slope for each filter
            for pair in itertools.pairwise((3, 32, 64, 128, 128, 256, 256, 256, 512, 512))
        ),
        dense(512, 96),
    ),
}


@pytest.mark.parametrize("step", RUNGS)
def test_every_step_has_the_parameters_counted_by_hand(step: str) -> None:
    assert cost(RUNGS[step].config(), 96).parameters == PARAMETERS[step]


def test_cnn7_stands_as_the_report_prints_it() -> None:
    plan = plan_of(RUNGS["cnn7"].config(), 96)
    convolutions = [layer for layer in plan if isinstance(layer, p.Conv2D)]
    assert [c.filters for c in convolutions] == [64, 128, 128, 256, 256, 256, 512]
    assert [c.kernel for c in convolutions] == [3, 3, 3, 2, 2, 1, 1]
    assert [c.strides for c in convolutions] == [1, 1, 1, 1, 1, 2, 2]
    assert [c.padding for c in convolutions] == ["valid"] * 3 + ["same"] * 4
    assert [layer.units for layer in plan if isinstance(layer, p.Dense)] == [3000, 1000, 512, 512, 256, 96]
    assert [layer.rate for layer in plan if isinstance(layer, p.Dropout)] == [0.3] * 8
    block = ["Conv2D", "BatchNormalization", "MaxPooling2D", "BatchNormalization", "Dropout"]
    kinds = [type(layer).__name__ for layer in plan]
    assert kinds[1:13] == [*block, *block, "RandomRotation", block[0]]
    assert plan[kinds.index("RandomFlip")] == p.RandomFlip("vertical")
    assert kinds[: kinds.index("RandomFlip")].count("Conv2D") == 4
    assert [(m.pool, m.strides) for m in plan if isinstance(m, p.MaxPooling2D)] == [(2, 0)] * 5 + [(1, 2)]
    after = kinds.index("GlobalAveragePooling2D")
    assert kinds[after + 1 :] == [
        "BatchNormalization",
        "Dropout",
        *["Dense"] * 5,
        "BatchNormalization",
        "Dropout",
        "Dense",
    ]


def test_each_step_is_recognised_from_its_own_settings_and_the_scales_change_no_step() -> None:
    for step, rung in RUNGS.items():
        assert {rung_of(rung.config(scale)) for scale in SCALES} == {step}
    assert rung_of(preset_config("quick")) == rung_of(preset_config("report-meant")) == "vgg16"
    assert rung_of(RunConfig().with_values({"schedule.name": "constant"})) is None
    with pytest.raises(ConfigError, match="the scales are quick, full"):
        RUNGS["cnn3"].config("huge")


def test_input_augmentation_stands_first_in_a_fixed_order_and_amounts_of_zero_leave_it_out() -> None:
    every = {"augment.zoom": 0.2, "augment.shear": 0.1, "augment.translation": 0.1, "augment.erasing": 0.5}
    plan = plan_of(RunConfig().with_values({"model.name": "cnn3", **every}), 5)
    assert [type(layer).__name__ for layer in plan[:7]] == [
        "RandomFlip",
        "RandomRotation",
        "RandomZoom",
        "RandomShear",
        "RandomTranslation",
        "RandomErasing",
        "Resizing",
    ]
    by_turns = plan_of(RunConfig().with_values({"model.name": "cnn3", "augment.alternate": True}), 5)
    assert [type(layer).__name__ for layer in by_turns[:2]] == ["RandomRotation", "Resizing"], (
        "the batches are mirrored"
    )
    assert not [layer for layer in plan_of(RUNGS["cnn3"].config(), 5) if isinstance(layer, p.RANDOM)]


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize(
    "changes",
    [
        {"augment.zoom": 0.1, "augment.shear": 0.1, "augment.translation": 0.1, "augment.erasing": 0.3},
        {"model.head": "gap", "model.activation": "leaky_relu"},
        {"augment.where": "features", "model.activation": "prelu"},
    ],
)
def test_keras_counts_what_the_plan_counts(name: str, changes: dict[str, object]) -> None:
    from dhc.models.build import build

    if changes.get("augment.where") == "features" and name not in WITH_FEATURES:
        pytest.skip("the report augments no features in this network")
    config = RunConfig().with_values({"model.name": name, "model.width": 0.125, **changes})
    plan = plan_of(config, 7)
    model = build(plan, seed=0)
    rows = p.measure(plan)
    assert model.count_params() == sum(row.parameters for row in rows)
    layers = [layer for layer in model.layers if type(layer).__name__ != "InputLayer"]
    assert [tuple(layer.output.shape[1:]) for layer in layers] == [row.shape for row in rows]


@pytest.mark.slow
def test_where_todays_keras_refuses_the_reports_code() -> None:
    import keras

    with pytest.raises(ValueError, match="in the range"):
        keras.layers.RandomRotation(3)
    with pytest.raises(TypeError):
        keras.callbacks.ModelCheckpoint("best.keras", restore_best_weights=True)
    with pytest.raises(ValueError, match=r"must end in `\.keras`"):
        keras.callbacks.ModelCheckpoint("weights.best.hdf5")
    assert not hasattr(keras.callbacks.ReduceLROnPlateau(initial_lr=0.001), "initial_lr")  # taken, and without effect


def test_three_turns_to_either_side_are_any_angle_evenly() -> None:
    from scipy.stats import kstest

    draw = np.random.default_rng(0)
    three_turns = draw.uniform(-3, 3, 20_000) % 1  # what the report's RandomRotation(3) drew, as a place on the circle
    half_a_turn = draw.uniform(-0.5, 0.5, 20_000) % 1  # what ours draws
    assert kstest(three_turns, half_a_turn).pvalue > 0.01
    assert kstest(three_turns, "uniform").pvalue > 0.01
    assert kstest(draw.uniform(-3 / 360, 3 / 360, 20_000) % 1, half_a_turn).pvalue < 1e-9  # 3 degrees would not


@pytest.mark.slow
def test_a_shear_slants_a_picture_by_one_amount_from_its_topmost_row_on() -> None:
    from dhc.models.build import build

    lines = np.zeros((16, 64, 64, 3), np.uint8)
    lines[:, :, 30:34] = 255
    slanted = np.asarray(build((p.RandomShear(0.2),), seed=0)(lines, training=True), np.float64)[..., 0]
    middles = slanted @ np.arange(64) / slanted.sum(axis=2)  # of each row, where its bright part lies
    slopes = (middles[:, 63] - middles[:, 0]) / 63
    assert slopes.min() < -0.05 < 0.05 < slopes.max()
    assert np.abs(slopes).max() <= 0.2
    np.testing.assert_allclose(middles, 31.5 + slopes[:, None] * np.arange(64), atol=0.3)


@pytest.mark.slow
def test_on_maps_of_one_pixel_a_rotation_changes_nothing() -> None:
    import keras

    maps = np.random.default_rng(0).normal(size=(4, 1, 1, 8)).astype(np.float32)
    turned = keras.layers.RandomRotation(0.5, seed=0)(maps, training=True)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(turned), maps, atol=1e-6)
