"""The report's networks before VGG16: three, five and seven convolutions (section 3)."""

from __future__ import annotations

from dhc.config import AugmentConfig, ModelConfig
from dhc.models import augment as aug
from dhc.models.plan import (
    BatchNormalization,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePooling2D,
    Layer,
    MaxPooling2D,
    Padding,
    Plan,
    Rescaling,
    Resizing,
    activated,
    scaled_filters,
    scaled_units,
)

SMALL = 32  # the side of the first networks' input
HIDDEN3 = (3000, 1000)
HIDDEN7 = (3000, 1000, 512, 512, 256)


def cnn3_linear(model: ModelConfig, augment: AugmentConfig, classes: int) -> Plan:
    """Three convolutions of 32 filters and the output layer right after them.

    The report prints no code for it; it says that pooling was added later, so there is none here.
    """
    convolutions = activated(Conv2D(scaled_filters(32, model.width), padding="valid"), model.activation) * 3
    return (*aug.on_input(augment), Resizing(SMALL), Rescaling(), *convolutions, Flatten(), Dense(classes, "softmax"))


def cnn3(model: ModelConfig, augment: AugmentConfig, classes: int) -> Plan:
    """Convolutions of 16, 32, 64 filters with batch normalisation and pooling; dense 3000, 1000."""
    return _three(model, augment, classes, [])


def cnn3_dropout(model: ModelConfig, augment: AugmentConfig, classes: int) -> Plan:
    """`cnn3` with dropout after each pooling.

    The report found 0.3 good, 0.1 without effect and 0.5 worse.
    """
    return _three(model, augment, classes, [Dropout(model.conv_dropout)])


def cnn5(model: ModelConfig, augment: AugmentConfig, classes: int) -> Plan:
    """Convolutions of 64, 128, 128, 256, 256 filters on the 64×64 pictures; dense 3000, 1000.
    The report's table names the first four; the fifth, the padding and the dropout are those of its seven-layer network.
    """
    layers: list[Layer] = [*aug.on_input(augment), Rescaling()]
    for number, filters in enumerate((64, 128, 128, 256, 256)):
        padding: Padding = "valid" if number < 3 else "same"
        conv = activated(Conv2D(scaled_filters(filters, model.width), padding=padding), model.activation)
        layers += [*conv, BatchNormalization(model.bn_momentum), MaxPooling2D(), Dropout(model.conv_dropout)]
    return (*layers, Flatten(), *_dense(HIDDEN3, model), Dense(classes, "softmax"))


def cnn7(model: ModelConfig, augment: AugmentConfig, classes: int) -> Plan:
    """The seven convolutions of the report, layer for layer: shrinking kernels, growing strides.
    With ``augment.where == "features"`` a rotation stands after the second block and a flip after the fourth, as printed
    (there it is a vertical one).
    """
    bn = BatchNormalization(model.bn_momentum)
    halve, skip = MaxPooling2D(), MaxPooling2D(pool=1, strides=2)
    blocks: tuple[tuple[int, int, int, Padding, Layer], ...] = (  # filters, kernel, strides, padding, what pools
        (64, 3, 1, "valid", halve),
        (128, 3, 1, "valid", halve),
        (128, 3, 1, "valid", halve),
        (256, 2, 1, "same", halve),
        (256, 2, 1, "same", halve),
        (256, 1, 2, "same", skip),
        (512, 1, 2, "same", GlobalAveragePooling2D()),
    )
    after = {2: aug.rotation_of_features(augment), 4: aug.flip_of_features(augment)}
    layers: list[Layer] = [*aug.on_input(augment), Rescaling()]
    for number, (filters, kernel, strides, padding, pool) in enumerate(blocks, 1):
        conv = activated(Conv2D(scaled_filters(filters, model.width), kernel, strides, padding), model.activation)
        layers += [*conv, bn, pool, bn, Dropout(model.conv_dropout), *after.get(number, ())]
    layers += [*_dense(HIDDEN7, model), bn, Dropout(model.dense_dropout)]
    return (*layers, Dense(classes, "softmax"))


def _three(model: ModelConfig, augment: AugmentConfig, classes: int, after_pool: list[Dropout]) -> Plan:
    layers: list[Layer] = [*aug.on_input(augment), Resizing(SMALL), Rescaling()]
    for filters in (16, 32, 64):
        conv = activated(Conv2D(scaled_filters(filters, model.width), padding="valid"), model.activation)
        layers += [*conv, BatchNormalization(model.bn_momentum), MaxPooling2D(), *after_pool]
    return (*layers, Flatten(), *_dense(HIDDEN3, model), Dense(classes, "softmax"))


def _dense(units: tuple[int, ...], model: ModelConfig) -> list[Layer]:
    return [
        layer for number in units for layer in activated(Dense(scaled_units(number, model.width)), model.activation)
    ]
