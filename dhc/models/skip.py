"""A network with a skip connection, after what the competition's runner-up published of theirs."""

from __future__ import annotations

from dhc.config import AugmentConfig, ModelConfig
from dhc.models import augment as aug
from dhc.models.plan import (
    Add,
    BatchNormalization,
    Conv2D,
    Dense,
    Dropout,
    GlobalAveragePooling2D,
    Layer,
    MaxPooling2D,
    Plan,
    Rescaling,
    activation_layer,
    scaled_filters,
)

GROUPS = ((32, 64), (128, 128), (256, 256, 256), (512, 512))  # filters of the convolutions between two poolings
SKIPPED = 2  # convolutions of the third group that the skip leads past
BLOCK = 3  # layers of a convolution: itself, normalisation, activation


def cnn9_skip(model: ModelConfig, augment: AugmentConfig, classes: int) -> Plan:
    """Nine convolutions of 32 to 512 filters and one skip; PReLU where the settings say so.

    That much is published (2nd of 146 on the competition's private board, 0.941). Guessed are the rest: which convolutions have which
    filters, 3×3 kernels with zeros around the maps, batch normalisation before each activation, max pooling between the groups, the
    skip past the last two convolutions of 256 filters, the mean of each map and one dense layer at the end.
    """
    layers: list[Layer] = [*aug.on_input(augment), Rescaling()]
    for group in GROUPS:
        for filters in group:
            conv = Conv2D(scaled_filters(filters, model.width), activation="linear")
            layers += [conv, BatchNormalization(model.bn_momentum), activation_layer(model.activation)]
        layers += [Add(SKIPPED * BLOCK + 1)] if len(group) > SKIPPED else []
        layers += [MaxPooling2D()] if group != GROUPS[-1] else [GlobalAveragePooling2D()]
    return (*layers, Dropout(model.dense_dropout), Dense(classes, "softmax"))
