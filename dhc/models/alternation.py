"""Pictures mirrored by turns instead of at random: each form comes once before any comes again. No Keras.

Jordan 2024, https://arxiv.org/abs/2404.00498, section 3.6: half of the pictures, drawn at random, are mirrored in the first epoch, the
others in the second, and so on, so that any two epochs show both sides of every picture. Two flips make four forms and four epochs.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from dhc.config import AugmentConfig

Form = tuple[bool, bool]  # whether it is upside down, and whether left and right are exchanged
FORMS: Mapping[str, tuple[Form, ...]] = {
    "horizontal": ((False, False), (False, True)),
    "vertical": ((False, False), (True, False)),
    "horizontal_and_vertical": ((False, False), (False, True), (True, True), (True, False)),
}
STREAM = 240400498  # keeps these draws apart from those of other things by the same seed


class Alternation:
    """The forms of a run's pictures, epoch by epoch; `flip` is a key of FORMS."""

    def __init__(self, flip: str, pictures: int, seed: int) -> None:
        self._forms = FORMS[flip]
        self._first = np.random.default_rng([seed, STREAM]).integers(len(self._forms), size=pictures)

    def mirrored(self, x: np.ndarray, rows: np.ndarray, epoch: int) -> np.ndarray:
        """The pictures x (B, H, W, C), which are those of `rows` (B,), as the epoch, from 0, shows them."""
        numbers = (self._first[rows] + epoch) % len(self._forms)
        out = np.array(x)
        for number, (is_down, is_across) in enumerate(self._forms[1:], 1):
            chosen = numbers == number
            out[chosen] = x[chosen][:, :: -1 if is_down else 1, :: -1 if is_across else 1]
        return out


def alternates(augment: AugmentConfig) -> bool:
    """Whether pictures are mirrored by turns, not at random within the network."""
    return augment.where == "input" and augment.alternate and augment.flip != "none"


def alternation(augment: AugmentConfig, pictures: int, seed: int) -> Alternation | None:
    """How so many pictures alternate; None where they do not."""
    return Alternation(augment.flip, pictures, seed) if alternates(augment) else None
