"""A network that takes an execution's batches in one call of compiled code: for JAX on a GPU. Imports Keras.

Keras hands JAX one batch at a time, whatever its ``steps_per_execution``. To hand over a network's few hundred arrays takes the host about as
long as a GPU needs for a batch.
"""

from __future__ import annotations

import importlib
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras

Step = Callable[[Any, Any], tuple[Any, Any]]  # (state, batch) → (logs, state)


class Executions(keras.Model):  # type: ignore[misc]
    """Keras's model; with JAX on a GPU an execution's batches are one loop of compiled code. What it computes is the same."""

    train_function: Any

    def make_train_function(self, force: bool = False) -> None:
        """Set ``train_function``, unless there is one, as Keras does or to one that loops."""
        is_new = force or self.train_function is None
        super().make_train_function(force)
        is_compiled = self.jit_compile and not self.run_eagerly
        if is_new and is_compiled and self.steps_per_execution > 1 and loops_are_fast():
            self.train_function = _execution(self.train_step, self.steps_per_execution)


def loops_are_fast() -> bool:
    """Whether a compiled loop is as fast as its body: in JAX on a GPU. On a CPU, XLA gives convolutions in a loop one core."""
    if keras.backend.backend() != "jax":
        return False
    return bool(importlib.import_module("jax").default_backend() != "cpu")


def _execution(step: Step, steps: int) -> Callable[[Any, Iterator[Any]], tuple[Any, Any]]:
    """A training function of the state and an iterator, from which it takes so many batches, fewer at an epoch's end."""
    jax = importlib.import_module("jax")
    one, several = (jax.jit(function, donate_argnums=0) for function in (step, _loop(step)))

    def execution(state: Any, batches: Iterator[Any]) -> tuple[Any, Any]:
        taken = [next(batches), *itertools.islice(batches, steps - 1)]
        if len(taken) == steps and len({len(batch[0]) for batch in taken}) == 1:
            return several(state, taken)  # type: ignore[no-any-return]
        for batch in taken:
            logs, state = one(state, batch)
        return logs, state

    return execution


def _loop(step: Step) -> Callable[[Any, Sequence[Any]], tuple[Any, Any]]:
    """`step` over all batches, which are of one size; the logs are the last one's.

    How many there are is known to the compiler: else the host would look after each whether the loop is over, and could not
    prepare the next ones meanwhile.
    """
    jax = importlib.import_module("jax")

    def loop(state: Any, batches: Sequence[Any]) -> tuple[Any, Any]:
        def body(state: Any, batch: Any) -> tuple[Any, Any]:
            logs, after = step(state, batch)
            return jax.tree.map(lambda new, old: new.astype(old.dtype), after, state), logs

        state, logs = jax.lax.scan(body, state, jax.tree.map(lambda *parts: jax.numpy.stack(parts), *batches))
        return jax.tree.map(lambda each: each[-1], logs), state

    return loop
