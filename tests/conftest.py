"""Fixtures that several tests share: a tiny stand-in data set and settings that train in seconds."""

from __future__ import annotations

from pathlib import Path

import pytest

from dhc.config import RunConfig
from dhc.data.standin.generate import make_dataset


@pytest.fixture(scope="session")
def tiny_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """3 classes, 24 training, 9 val and 6 test pictures."""
    root = tmp_path_factory.mktemp("data") / "tiny"
    make_dataset(root, classes=3, train=24, val=9, test=6, seed=1)
    return root


@pytest.fixture
def tiny_config(tiny_data: Path) -> RunConfig:
    """A VGG16 of a thirty-second of the width, two epochs of three batches."""
    return RunConfig().with_values(
        {
            "data.path": str(tiny_data),
            "model.width": 1 / 32,
            "model.conv_dropout": 0.1,
            "fit.epochs": 2,
            "fit.batch_size": 8,
        }
    )
