"""The report's final network: a VGG16 of 13 convolutions with heavy dropout (section 5)."""

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
    activated,
    scaled_filters,
    scaled_units,
)

GROUPS = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))  # filters, how many convolutions
HIDDEN = (4069, 4069, 512)  # 4069 is the report's own number; its table says 4096


def vgg16(model: ModelConfig, augment: AugmentConfig, classes: int) -> Plan:
    """Layers for 64×64×3 uint8 pictures.

    At width 1 and 96 classes 35,514,947 parameters, as in the report.

    The first convolution is unpadded, as the report's code has it. With ``augment.where == "features"`` the flip stands
    after the first group and the rotation after the last one, where that code has them; with ``"input"`` all come first.
    """
    layers: list[Layer] = [*aug.on_input(augment), Rescaling()]
    for group, (filters, repeats) in enumerate(GROUPS):
        for number in range(repeats):
            padding: Padding = "valid" if group == number == 0 else "same"
            conv = activated(Conv2D(scaled_filters(filters, model.width), padding=padding), model.activation)
            layers += [*conv, BatchNormalization(model.bn_momentum)]
        layers += [MaxPooling2D(), Dropout(model.conv_dropout)]
        layers += aug.flip_of_features(augment) if group == 0 else ()
    layers += aug.rotation_of_features(augment)
    layers += [Flatten() if model.head == "flatten" else GlobalAveragePooling2D()]
    for units in HIDDEN:
        layers += activated(Dense(scaled_units(units, model.width)), model.activation)
    layers += [BatchNormalization(model.bn_momentum), Dropout(model.dense_dropout), Dense(classes, "softmax")]
    return tuple(layers)
