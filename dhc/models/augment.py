"""Where a config's augmentation stands in a network: on the pictures or on feature maps."""

from __future__ import annotations

from dhc.config import AugmentConfig
from dhc.models.alternation import alternates
from dhc.models.plan import Plan, RandomErasing, RandomFlip, RandomRotation, RandomShear, RandomTranslation, RandomZoom


def on_input(augment: AugmentConfig) -> Plan:
    """The random changes of the input pictures, in order; none unless ``where`` is ``input``."""
    if augment.where != "input":
        return ()
    changes = (
        (augment.zoom, RandomZoom),
        (augment.shear, RandomShear),
        (augment.translation, RandomTranslation),
        (augment.erasing, RandomErasing),
    )
    flip = () if alternates(augment) else _flip(augment)
    return (*flip, *_rotation(augment), *(kind(amount) for amount, kind in changes if amount > 0))


def flip_of_features(augment: AugmentConfig) -> Plan:
    """The flip of feature maps, as in the report's code; none unless ``where`` is ``features``."""
    return _flip(augment) if augment.where == "features" else ()


def rotation_of_features(augment: AugmentConfig) -> Plan:
    """The rotation of feature maps, likewise; none unless ``where`` is ``features``."""
    return _rotation(augment) if augment.where == "features" else ()


def _flip(augment: AugmentConfig) -> tuple[RandomFlip, ...]:
    return () if augment.flip == "none" else (RandomFlip(augment.flip),)


def _rotation(augment: AugmentConfig) -> tuple[RandomRotation, ...]:
    return (RandomRotation(augment.rotation / 360),) if augment.rotation > 0 else ()
