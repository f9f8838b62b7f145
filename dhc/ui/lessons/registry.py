"""Which figure belongs to which lesson."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from dhc.teaching.words import Words
from dhc.ui.lessons.figures import (
    activation,
    another_seed,
    augmentation,
    backpropagation,
    batch_normalisation,
    between,
    blow_up,
    confusion,
    convolution,
    data_map,
    dead_units,
    dense,
    dropout,
    feature_map,
    forgotten,
    gradient_descent,
    nearest_neighbours,
    nine_of_ten,
    nonsense,
    other_mistakes,
    overfitting,
    padding,
    pooling,
    receptive_field,
    schedules,
    softmax,
    stride,
    thrown_away,
)

FIGURES: Final[Mapping[str, Callable[[Words], None]]] = {
    "nearest-neighbours": nearest_neighbours.draw,
    "convolution": convolution.draw,
    "feature-map": feature_map.draw,
    "stride": stride.draw,
    "padding": padding.draw,
    "pooling": pooling.draw,
    "receptive-field": receptive_field.draw,
    "activation": activation.draw,
    "batch-normalisation": batch_normalisation.draw,
    "dense": dense.draw,
    "softmax": softmax.draw,
    "dropout": dropout.draw,
    "backpropagation": backpropagation.draw,
    "augmentation": augmentation.draw,
    "gradient-descent": gradient_descent.draw,
    "schedules": schedules.draw,
    "overfitting": overfitting.draw,
    "confusion": confusion.draw,
    "blow-up": blow_up.draw,
    "dead-units": dead_units.draw,
    "forgotten": forgotten.draw,
    "data-map": data_map.draw,
    "nine-of-ten": nine_of_ten.draw,
    "another-seed": another_seed.draw,
    "other-mistakes": other_mistakes.draw,
    "nonsense": nonsense.draw,
    "between": between.draw,
    "thrown-away": thrown_away.draw,
}
