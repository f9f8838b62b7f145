"""What following the training pictures costs: CPU seconds of gathering and writing an epoch's answers, beside the epoch's own.

    python -m benchmarks.dynamics [--model vgg16] [--width 0.25] [--pictures 6000 18000] [--rounds 20] [--backend tensorflow]

CPU seconds, which other work on the machine stretches little. The gathering is timed by itself, compiled as in a training step, which
counts all that it costs. As a check, two networks of the same settings, one with `Answers` and one without, take turns, some batches
each, round by round; the median of their differences, with its middle half, is what really shows. The pictures are noise.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from dhc.config import RunConfig

CLASSES, WARM_UP, UPDATES = 96, 3, 50


def cpu_seconds(action: Callable[[], object]) -> float:
    """The CPU seconds that an action takes."""
    start = time.process_time()
    action()
    return time.process_time() - start


def main() -> None:
    """Print a row for each number of pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="vgg16")
    parser.add_argument("--width", type=float, default=0.25)
    parser.add_argument("--pictures", type=int, nargs="+", default=[6000, 18_000])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--batches", type=int, default=30, help="of a round, for each of the two")
    parser.add_argument("--backend", default="tensorflow")
    options = parser.parse_args()
    os.environ["KERAS_BACKEND"] = options.backend
    config = RunConfig().with_values({"model.name": options.model, "model.width": options.width})
    print(f"{options.model}, width {options.width:g}, {options.backend}; differences of {options.rounds} rounds")
    print("| pictures | an epoch, CPU s | gathering | writing | cost | with less without, middle half |")
    print("|---|---|---|---|---|---|")
    for pictures in options.pictures:
        bare, differences = measure(config, pictures, options.rounds, options.batches)
        steps = -(-pictures // config.fit.batch_size)
        gathering, writing = gathered(config.fit.batch_size, pictures) * steps, written(pictures)
        low, middle, high = np.quantile(differences, [0.25, 0.5, 0.75]) / bare
        print(
            f"| {pictures:,} | {bare * steps:.1f} | {gathering:.3f} s | {writing:.4f} s "
            f"| {(gathering + writing) / (bare * steps):.2%} | {middle:+.2%} ({low:+.2%} to {high:+.2%}) |",
            flush=True,
        )


def measure(config: RunConfig, pictures: int, rounds: int, batches: int) -> tuple[float, list[float]]:
    """CPU seconds of a batch that is not followed, and how much more each round took that was; of `fit`, as the loop calls it."""
    from dhc.models.build import compiled_model
    from dhc.models.pipeline import of_batches
    from dhc.training.batches import Batches
    from dhc.training.dynamics import Answers

    rng = np.random.default_rng(0)
    size = config.fit.batch_size * batches
    x, y = rng.integers(0, 256, (size, 64, 64, 3), dtype=np.uint8), rng.integers(0, CLASSES, size)
    models = (compiled_model(config, CLASSES), compiled_model(config, CLASSES, metrics=[Answers(pictures)]))

    def some(model: Any) -> None:
        model.fit(of_batches(Batches(x, y, config.fit.batch_size, seed=0)), verbose=0, shuffle=False)

    for model in models * WARM_UP:
        some(model)
    bare, differences = [], []
    for number in range(rounds):
        order = models if number % 2 else models[::-1]
        spent = {id(model): cpu_seconds(lambda model=model: some(model)) / batches for model in order}  # type: ignore[misc]
        bare.append(spent[id(models[0])])
        differences.append(spent[id(models[1])] - spent[id(models[0])])
    return statistics.median(bare), differences


def gathered(size: int, pictures: int) -> float:
    """CPU seconds of gathering the answers of a batch of so many pictures, by itself."""
    import keras

    from dhc.training.dynamics import Answers

    rng = np.random.default_rng(0)
    p = keras.ops.softmax(keras.ops.convert_to_tensor(rng.normal(size=(size, CLASSES)).astype(np.float32)))
    y = keras.ops.convert_to_tensor(rng.integers(0, CLASSES, size))
    answers = Answers(pictures)
    updates = _compiled(answers)

    def some() -> None:
        state = [keras.ops.copy(variable) for variable in answers.variables]
        keras.ops.convert_to_numpy(updates(state, y, p)[0])  # until all are done

    spent = []
    for _ in range(WARM_UP + 20):
        answers.reset_state()
        spent.append(cpu_seconds(some) / UPDATES)
    return statistics.median(spent[WARM_UP:])


def _compiled(answers: Any) -> Callable[..., Any]:
    """UPDATES updates in one function of state, labels and probabilities, compiled as in a training step."""
    import keras

    def of_state(state: Any, y: Any, p: Any) -> Any:
        for _ in range(UPDATES):
            state = answers.stateless_update_state(state, y, p)
        return state

    if keras.backend.backend() == "jax":
        import jax

        return jax.jit(of_state, donate_argnums=0)  # type: ignore[no-any-return]
    import tensorflow as tf

    def of_variables(state: Any, y: Any, p: Any) -> Any:
        for _ in range(UPDATES):
            answers.update_state(y, p)
        return state

    return tf.function(of_variables, autograph=False)  # type: ignore[no-any-return]


def written(pictures: int) -> float:
    """CPU seconds of writing the record of an epoch."""
    from dhc.runs.dynamics import write_epoch

    values = np.random.default_rng(0).random((pictures, 2), dtype=np.float32)
    with tempfile.TemporaryDirectory() as folder:
        spent = [cpu_seconds(lambda: write_epoch(Path(folder), epoch, values)) for epoch in range(1, 22)]  # noqa: B023
    return statistics.median(spent)


if __name__ == "__main__":
    main()
