"""Network plans: the report's figures, sizes by hand, and agreement with Keras."""

from __future__ import annotations

import pytest

from dhc.config import RunConfig
from dhc.models import plan as p
from dhc.models.cost import cost, cpu_seconds_per_picture, layer_count
from dhc.models.ladder import RUNGS, plan_of
from dhc.presets import preset_config


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


def test_a_kernel_larger_than_its_picture_is_refused() -> None:
    with pytest.raises(ValueError, match="Conv2D needs larger feature maps than 2×2"):
        p.measure((p.Conv2D(4, 3, 1, "valid"),), (2, 2, 3))


def test_a_wider_network_takes_longer_and_more_memory() -> None:
    narrow, wide = (cost(RunConfig().with_values({"model.width": w}), 96) for w in (0.25, 1.0))
    assert narrow.memory < wide.memory
    assert cpu_seconds_per_picture(narrow, 2e11) < cpu_seconds_per_picture(wide, 2e11)


@pytest.mark.slow
@pytest.mark.parametrize("name", RUNGS)
@pytest.mark.parametrize(
    "changes", [{}, {"model.head": "gap", "model.activation": "leaky_relu"}, {"augment.where": "features"}]
)
def test_keras_counts_what_the_plan_counts(name: str, changes: dict[str, object]) -> None:
    from dhc.models.build import build

    config = RunConfig().with_values({"model.name": name, "model.width": 0.125, **changes})
    plan = plan_of(config, 7)
    model = build(plan, seed=0)
    rows = p.measure(plan)
    assert model.count_params() == sum(row.parameters for row in rows)
    layers = [layer for layer in model.layers if type(layer).__name__ != "InputLayer"]
    assert [tuple(layer.output.shape[1:]) for layer in layers] == [row.shape for row in rows]
