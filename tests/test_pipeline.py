"""What training and judging take their pictures from."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.slow


def test_epochs_bring_the_batches_of_their_order_and_nobody_tunes_the_pipeline() -> None:
    import keras
    import tensorflow as tf

    from dhc.models.pipeline import of_batches
    from dhc.training.batches import Batches, order_of_epoch

    x, y = np.zeros((7, 64, 64, 3), np.uint8), np.arange(7)
    seen: list[int] = []

    class Labels(keras.metrics.Metric):  # type: ignore[misc]
        def update_state(self, truth: Any, answers: Any, sample_weight: Any = None) -> None:
            tf.numpy_function(lambda labels: seen.extend(labels.ravel().tolist()), [truth], [])

        def result(self) -> float:
            return 0.0

    pipeline = of_batches(Batches(x, y, 3, seed=5, first_epoch=4))
    model = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(7)])
    model.compile(loss="sparse_categorical_crossentropy", metrics=[Labels()])
    model.fit(pipeline, initial_epoch=4, epochs=7, verbose=0, shuffle=False)
    assert seen == [row for epoch in (4, 5, 6) for row in order_of_epoch(7, 5, epoch)]
    assert int(pipeline.cardinality()) == 3
    assert pipeline.options().autotune.enabled is False


def test_pictures_come_again_and_again_in_their_order() -> None:
    from dhc.models.pipeline import of_pictures

    x = np.random.default_rng(0).integers(0, 256, (10, 64, 64, 3), dtype=np.uint8)
    pipeline = of_pictures(x, 4)
    for _ in range(2):
        parts = [part.numpy() for part in pipeline]
        assert [len(part) for part in parts] == [4, 4, 2]
        assert (np.concatenate(parts) == x).all()
    assert pipeline.options().autotune.enabled is False
