"""A network that takes an execution's batches in one call of compiled code: for JAX on a GPU, and for TensorFlow. Imports Keras.

Keras hands JAX one batch at a time, whatever its ``steps_per_execution``. To hand over a network's few hundred arrays takes the host about as
long as a GPU needs for a batch. For TensorFlow it has a loop whose step stands within a condition, which takes longer to prepare: a third of
a second of each start.
"""

from __future__ import annotations

import importlib
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras

Step = Callable[[Any, Any], tuple[Any, Any]]  # (state, batch) → (logs, state)


class Executions(keras.Model):  # type: ignore[misc]
    """Keras's model, but for how an execution of several batches is compiled. What it computes is the same."""

    train_function: Any

    def make_train_function(self, force: bool = False) -> None:
        """Set ``train_function``, unless there is one, as Keras does or to one that loops."""
        is_new = force or self.train_function is None
        super().make_train_function(force)
        if not is_new or self.run_eagerly or self.steps_per_execution == 1:
            return
        if keras.backend.backend() == "tensorflow":
            self.train_function = _tensorflow_execution(self.train_step, self.steps_per_execution, self.jit_compile)
        elif self.jit_compile and loops_are_fast():
            self.train_function = _jax_execution(self.train_step, self.steps_per_execution)


def loops_are_fast() -> bool:
    """Whether a compiled loop is as fast as its body: in JAX on a GPU. On a CPU, XLA gives convolutions in a loop one core."""
    if keras.backend.backend() != "jax":
        return False
    return bool(importlib.import_module("jax").default_backend() != "cpu")


def _tensorflow_execution(step: Callable[[Any], Any], steps: int, jit: Any) -> Callable[[Any], Any]:
    """A training function of a pipeline's iterator, from which it takes so many batches, fewer at an epoch's end; the logs are the last one's."""
    tf = importlib.import_module("tensorflow")
    options = {"autograph": False, "reduce_retracing": True}
    one = tf.function(step, jit_compile=jit, **options)

    @tf.function(**options)  # type: ignore[untyped-decorator]
    def several(batches: Any) -> tuple[Any, Any]:
        def is_wanted(taken: Any, logs: Any, batch: Any) -> Any:
            return (taken < steps) & batch.has_value()

        def body(taken: Any, logs: Any, batch: Any) -> tuple[Any, Any, Any]:
            logs = one(batch.get_value())
            return taken + 1, logs, tf.cond(taken + 1 < steps, batches.get_next_as_optional, lambda: batch)

        shapes = one.get_concrete_function(batches.element_spec).structured_outputs
        nothing = tf.nest.map_structure(lambda figure: tf.zeros(figure.shape, figure.dtype), shapes)
        return tf.while_loop(is_wanted, body, (0, nothing, batches.get_next_as_optional()))[:2]  # type: ignore[no-any-return]

    def execution(batches: Any) -> Any:
        taken, logs = several(batches)
        if taken == 0:
            raise StopIteration
        return logs

    return execution


def _jax_execution(step: Step, steps: int) -> Callable[[Any, Iterator[Any]], tuple[Any, Any]]:
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
