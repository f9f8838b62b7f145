"""No setting without an effect: each changes what a training does. Real trainings, but step by step, which spares compiling."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from networks import small_network, trained_by_the_loop

from dhc.config import RunConfig, fields, find_field
from dhc.data.standin.generate import make_dataset
from dhc.runs.store import Store

pytestmark = pytest.mark.slow

Settings = Mapping[str, Any]
MOVED: Settings = {"augment.where": "input", "augment.flip": "horizontal"}
AVERAGED: Settings = {"optimizer.ema_momentum": 0.5}
FALLING: Settings = {"schedule.name": "cosine", "fit.epochs": 3}
STALLED: Settings = {
    "schedule.name": "plateau",
    "fit.epochs": 4,
    "schedule.patience": 1,
    "schedule.min_delta": 10.0,
    "schedule.factor": 0.5,
    "schedule.min_lr": 0.0,
}

# Setting → what else is set, and the value instead of the first one's.
CHANGES: Mapping[str, tuple[Settings, Any]] = {
    "data.classes": ({}, 2),
    "data.train_fraction": ({}, 0.5),
    "data.shuffle_labels": ({}, True),
    "model.name": ({}, "cnn3-linear"),
    "model.conv_dropout": ({}, 0.4),
    "model.dense_dropout": ({"model.name": "vgg16"}, 0.1),
    "model.width": ({}, 1 / 16),
    "model.bn_momentum": ({"model.name": "vgg16"}, 0.5),
    "model.activation": ({}, "prelu"),
    "model.initialization": ({"model.name": "vgg16"}, "dirac"),
    "model.first_conv": ({"model.name": "vgg16", "model.width": 1 / 16}, "whitened"),
    "augment.where": ({}, "off"),
    "augment.flip": (MOVED, "vertical"),
    "augment.alternate": (MOVED, True),
    "augment.rotation": (MOVED, 0.1),
    "augment.zoom": (MOVED, 0.2),
    "augment.shear": (MOVED, 0.2),
    "augment.translation": (MOVED, 0.2),
    "augment.erasing": (MOVED, 1.0),
    "augment.crop": (MOVED, 0.3),
    "augment.policy": (MOVED, "trivial"),
    "augment.mixup": (MOVED, 0.5),
    "augment.cutmix": (MOVED, 1.0),
    "optimizer.name": ({}, "muon"),
    "optimizer.learning_rate": ({}, 0.02),
    "optimizer.weight_decay": ({"optimizer.name": "adamw", "optimizer.weight_decay": 0.0}, 0.9),
    "optimizer.ema_momentum": ({}, 0.5),
    "optimizer.lookahead": ({**AVERAGED, "fit.epochs": 2}, 2),
    "optimizer.sam": ({}, 0.5),
    "optimizer.bias_rate": ({}, 8.0),
    "schedule.name": ({"fit.epochs": 3}, "cosine"),
    "schedule.factor": (STALLED, 0.1),
    "schedule.patience": (STALLED, 2),
    "schedule.monitor": ({**STALLED, "schedule.min_delta": 0.0}, "val_loss"),
    "schedule.min_delta": ({**STALLED, "schedule.monitor": "val_loss", "schedule.min_delta": 0.0}, 10.0),
    "schedule.decay_rate": ({"schedule.name": "exponential", "fit.epochs": 2, "schedule.min_lr": 0.0}, 0.1),
    "schedule.warmup_epochs": (FALLING, 2),
    "schedule.min_lr": (STALLED, 0.0009),
    "fit.epochs": ({}, 3),
    "fit.batch_size": ({}, 2),
    "fit.seed": ({}, 7),
    "fit.label_smoothing": ({}, 0.2),
    "fit.early_stopping": (STALLED, 1),
    "device.precision": ({}, "mixed_bfloat16"),
}

# Tested where it acts: on what is read, kept or looked at, and on where and how it runs.
ELSEWHERE: Mapping[str, str] = {
    "data.path": "test_training.py",
    "data.skip_bad": "test_decode.py",
    "data.review": "test_review.py",
    "data.review_val": "test_review.py",
    "knn.metric": "test_knn.py",
    "knn.k": "test_knn.py",
    "fit.keep_resume_state": "test_resume.py",
    "fit.keep_states_every": "test_branch.py",
    "fit.watch_health": "test_health_training.py",
    "fit.watch_pictures": "test_health_training.py",
    "device.device": "test_gpu.py",
    "device.where": "cluster/test_ray.py",
    "device.backend": "test_config.py",
    "device.jit": "test_training.py",
    "device.steps_per_execution": "test_training.py",
}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """3 classes, 8 training and 6 val pictures."""
    root = tmp_path_factory.mktemp("knobs") / "data"
    make_dataset(root, classes=3, train=8, val=6, test=3, seed=1, processes=1)
    return root


def step_by_step(model: Any) -> None:
    model.run_eagerly = True


def course(config: RunConfig, runs: Path) -> list[float]:
    """What a training writes of its epochs."""
    folder, _ = trained_by_the_loop(config, runs, step_by_step)
    epochs = Store(runs).history(folder.name).epochs[["epoch", "loss", "val_loss", "learning_rate"]]
    assert np.isfinite(epochs.to_numpy(dtype=float)).all()
    return [float(value) for value in epochs.to_numpy(dtype=float).ravel()]


@pytest.fixture(scope="module")
def courses(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[RunConfig], list[float]]:
    """`course` of a config, taken once."""
    runs, known = tmp_path_factory.mktemp("runs"), dict[RunConfig, list[float]]()

    def of(config: RunConfig) -> list[float]:
        if config not in known:
            known[config] = course(config, runs)
        return known[config]

    return of


@pytest.mark.parametrize("name", CHANGES)
def test_a_setting_changes_the_course_of_a_training(
    name: str, pictures: Path, courses: Callable[..., list[float]]
) -> None:
    others, value = CHANGES[name]
    light = {"fit.epochs": 1, "fit.batch_size": 4, "fit.watch_health": False, "fit.watch_pictures": False}
    before = small_network(pictures).with_values({**light, "device.precision": "float32", **others})
    after = before.with_values({name: value})
    assert before.uses(name) or after.uses(name)
    assert courses(before) != courses(after)


def test_every_setting_is_tried_here_or_elsewhere() -> None:
    assert {*CHANGES, *ELSEWHERE, "model.head"} == {field.name for field in fields()}
    for name, place in ELSEWHERE.items():
        assert name.partition(".")[2] in (Path(__file__).parent / place).read_text(encoding="utf-8"), name


def test_the_head_alone_changes_nothing_as_its_help_says(pictures: Path, courses: Callable[..., list[float]]) -> None:
    settings = {"model.name": "vgg16", "fit.epochs": 1, "fit.watch_health": False, "fit.watch_pictures": False}
    flat = small_network(pictures).with_values(settings)
    assert courses(flat) == courses(flat.with_values({"model.head": "gap"}))
    assert "the same network" in find_field("model.head").help
