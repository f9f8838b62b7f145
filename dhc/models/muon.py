"""Muon for a network of convolutions: Keras's optimizer, with the kernels flattened to matrices. Imports Keras.

Muon replaces the momentum of a matrix by the nearest orthogonal one, so that every direction takes a step of the same length (Jordan
2024, https://kellerjordan.github.io/posts/muon/). Keras's own takes AdamW for each variable that is not 2-D: convolutions, here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from dhc.models import fused


class Muon(fused.Averages, fused.FasterBiases, keras.optimizers.Muon):  # type: ignore[misc]
    """Keras's Muon for the variables `hidden`, of 2 or more dimensions; AdamW for all others.

    One learning rate serves both: the orthogonal matrix of m rows and n columns is scaled by 0.2 √max(m, n), after which its entries
    are as large as those of AdamW's steps (Liu 2025, https://arxiv.org/abs/2502.16982). It is computed in `dtype`.
    """

    def __init__(self, *args: Any, hidden: Sequence[keras.Variable], dtype: str = "float32", **options: Any) -> None:
        super().__init__(*args, **options)
        self._hidden, self._dtype_of_products = {variable.path for variable in hidden}, dtype

    def _should_use_adamw(self, variable: keras.Variable) -> bool:
        return variable.path not in self._hidden

    def _muon_update_step(self, gradient: Any, variable: keras.Variable, lr: Any, m: keras.Variable) -> None:
        """One step of one kernel, (…, in, out), as a matrix of one column for each of its outputs."""
        self.assign(m, m * self.momentum + gradient)
        direction = ops.reshape(gradient + self.momentum * m, (-1, variable.shape[-1]))
        step = self.lr_adjust(lr * self.zeropower_via_newtonschulz5(direction, self.ns_steps))
        self.assign_sub(variable, ops.reshape(step, variable.shape))

    def zeropower_via_newtonschulz5(self, x: Any, steps: int) -> Any:
        """Nearly the orthogonal matrix nearest to (m, n) float32, as float32: its singular values are about 1 instead of all sizes."""
        unit = x / (ops.norm(x) + 1e-7)  # before it is rounded: gradients may be too small for 16 bits
        return ops.cast(super().zeropower_via_newtonschulz5(ops.cast(unit, self._dtype_of_products), steps), x.dtype)

    def _adamw_update_step(self, gradient: Any, variable: Any, learning_rate: Any, m: Any, v: Any) -> None:
        if not fused.adam_step(self, gradient, variable, learning_rate, (m, v), (self.adam_beta_1, self.adam_beta_2)):
            super()._adamw_update_step(gradient, variable, learning_rate, m, v)
