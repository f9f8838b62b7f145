"""How fast training is, beside the report's loop, a bare `model.fit`, PyTorch and NumPy.

    python -m benchmarks.engine [DATA] [--width 0.25] [--pictures 1500] [--val 120] [--epochs 4] [--rounds 2]
                                [--backend tensorflow] [--device cpu] [--only SIDES] [--torch PYTHON]

Every side trains the same network (the report's final one, of the given width) on the same pictures in one process, in
turn, batch 32. The report's loop is float pictures in `tf.data` with `cache` and `prefetch`, Keras's own layers,
`validation_data`, a checkpoint of the best network and ReduceLROnPlateau. The bare one is our network under a `model.fit`
that keeps and tells nothing. PyTorch is measured where it is installed, or by the Python that `--torch` names;
the report's loop where TensorFlow is. PyTorch also has a row where glibc keeps memory as for our trainings, which is
not what it does by itself. On a GPU: ``--backend jax --device gpu:0 --width 1 --pictures 12000 --val 1000``.

The first epoch of each, in which things are compiled, does not count. Ours looks at its layers after the second and the last one, and
few or short epochs show more of that than a training has. CPU seconds are the steadier measure where other work shares the machine.
The layer bound is what the convolutions alone would take (`benchmarks.torch_bound`).
"""

from __future__ import annotations

import argparse
import importlib.util
import itertools
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import environment
from benchmarks.layer_bound import asked_of_torch
from benchmarks.spread import spread
from dhc.config import RunConfig
from dhc.data.select import RunData, load_for_run, select_rows
from dhc.machine import hardware
from dhc.machine.cores import cores
from dhc.models.cost import cost, gains_from_bfloat16, matrix_rate
from dhc.models.presets import preset_config
from dhc.runs import rundir

Marks = list[tuple[float, float]]  # wall and CPU seconds at the end of each epoch


@dataclass(frozen=True)
class Task:
    """What every side is given."""

    config: RunConfig
    data: RunData
    folder: Path
    torch: str = sys.executable  # the Python that has PyTorch
    keeps_memory: bool = False  # whether PyTorch allocates it as a training of ours


def mark(marks: Marks) -> None:
    """Note the time and the CPU seconds that this process has used so far."""
    marks.append((time.perf_counter(), time.process_time()))


def reports_loop(task: Task) -> Marks:
    """The report's code, with today's names where Keras has changed them."""
    import keras
    import tensorflow as tf

    from dhc.models.build import build
    from dhc.models.ladder import plan_of
    from dhc.models.plan import Rescaling

    keras.config.set_dtype_policy("float32")
    layers = tuple(layer for layer in plan_of(task.config, len(task.data.classes)) if not isinstance(layer, Rescaling))
    inputs = keras.Input((64, 64, 3))
    model = keras.Model(inputs, _on(build(layers, seed=0), inputs))
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    sets = [
        tf.data.Dataset.from_tensor_slices(((np.asarray(side.x) / 255.0).astype(np.float32), side.y))
        .batch(32)
        .cache()
        .prefetch(tf.data.AUTOTUNE)
        for side in (task.data.train, task.data.val)
    ]
    s, marks = task.config.schedule, []
    callbacks = [
        keras.callbacks.ModelCheckpoint(task.folder / "best.keras", "val_accuracy", save_best_only=True, mode="max"),
        keras.callbacks.ReduceLROnPlateau("val_accuracy", factor=s.factor, patience=s.patience, min_lr=s.min_lr),
        keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: mark(marks)),
    ]
    model.fit(sets[0], epochs=task.config.fit.epochs, validation_data=sets[1], callbacks=callbacks, verbose=0)
    return marks


def _on(model: Any, inputs: Any) -> Any:
    """The same layers on float input: `build` reads uint8."""
    from dhc.models import chain

    *_, outputs = chain.outputs(model.layers, inputs, lambda place, taken: model.layers[place](taken))
    return outputs


def bare_fit(task: Task) -> Marks:
    """Our network and kernels under a plain `model.fit`, in float32."""
    import keras

    model = _compiled(replace(task, config=task.config.with_values({"device.precision": "float32"})))
    marks: Marks = []
    clock = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: mark(marks))
    val = (np.asarray(task.data.val.x), task.data.val.y)
    fit = {"batch_size": 32, "epochs": task.config.fit.epochs, "validation_data": val, "callbacks": [clock]}
    model.fit(np.asarray(task.data.train.x), task.data.train.y, verbose=0, **fit)
    return marks


def ours_in_float32(task: Task) -> Marks:
    """`ours` in the report's precision."""
    return ours(replace(task, config=task.config.with_values({"device.precision": "float32"})))


def ours(task: Task) -> Marks:
    """The whole engine: events, predictions of every val picture, best network, saved states."""
    import keras

    from dhc.training import loop

    marks: Marks = []
    clock = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: mark(marks))
    with rundir.RunWriter(rundir.create(task.folder, "vgg16")) as writer:
        loop.fit(task.config, _compiled(task), task.data, writer, lambda: False, callbacks=[clock])
    return marks


def _compiled(task: Task) -> Any:
    """Our network, as training sets it up on the device."""
    from dhc.training import loop

    return loop.compiled(task.config, task.data, task.folder, task.config.device.device)


def _precision(config: RunConfig, classes: int) -> str:
    gains = gains_from_bfloat16(config, classes)
    return hardware.precision(config.device.precision, config.device.device, gains=gains)


def pytorch_in_float32(task: Task) -> Marks:
    """`pytorch` in the report's precision."""
    return pytorch(task, "float32")


def pytorch(task: Task, precision: str = "mixed_bfloat16") -> Marks:
    """The same layers in PyTorch, trained by a plain loop in a process of its own.

    NCHW in channels-last memory.
    """
    counts = [str(len(side.ids)) for side in (task.data.train, task.data.val)]
    return [(wall, cpu) for wall, cpu in _asked_of_torch("benchmarks.torch_side", task, *counts, precision)]


def pytorch_with_our_allocation(task: Task) -> Marks:
    """`pytorch` where glibc keeps memory as it does for a training of ours."""
    return pytorch(replace(task, keeps_memory=True))


def layer_bound(task: Task) -> dict[str, float]:
    """By precision: pictures a second of the convolutions alone."""
    rates: dict[str, float] = _asked_of_torch("benchmarks.torch_bound", task, str(len(task.data.classes)))
    return rates


def _asked_of_torch(module: str, task: Task, *arguments: str) -> Any:
    return asked_of_torch(task.torch, module, task.config, task.folder, *arguments, keeps_memory=task.keeps_memory)


SIDES: dict[str, Callable[[Task], Marks]] = {
    "the report's loop": reports_loop,
    "bare model.fit, our kernels, float32": bare_fit,
    "ours, with everything, float32": ours_in_float32,
    "ours, with everything, auto": ours,
    "PyTorch, float32": pytorch_in_float32,
    "PyTorch, bfloat16": pytorch,
    "PyTorch, memory kept, bfloat16": pytorch_with_our_allocation,
}


def main() -> None:
    """Train all sides in turn and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?", default="data/stand-in")
    for name, value in (("pictures", 1500), ("val", 120), ("epochs", 4), ("rounds", 2)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--width", type=float, default=0.25)
    parser.add_argument("--backend", choices=("tensorflow", "jax"), default="tensorflow")
    parser.add_argument("--device", default="cpu")
    parser.add_argument(
        "--only",
        default=";".join(SIDES),
        help="sides, separated by semicolons; the first is what others are compared with",
    )
    parser.add_argument("--torch", help="a Python that has PyTorch; default this one, if it has")
    options = parser.parse_args()
    changes = {"model.width": options.width, "device.backend": options.backend, "device.device": options.device}
    config = preset_config("report").with_values({"data.path": options.data, "fit.epochs": options.epochs, **changes})
    environment.take_on(config.device, options.device)
    available = {
        "the report's loop": options.backend == "tensorflow",
        "PyTorch": bool(options.torch or importlib.util.find_spec("torch")),
    }
    sides = {name: SIDES[name] for name in options.only.split(";") if available.get(name.split(",")[0], True)}
    data = subset(load_for_run(config.data, 0), options.pictures, options.val)
    spans: dict[str, list[tuple[float, float]]] = {name: [] for name in sides}
    rates, bounds = [], []
    with tempfile.TemporaryDirectory() as folder:
        task = Task(config, data, Path(folder), options.torch or sys.executable)
        for _ in range(options.rounds):
            rates.append(matrix_rate(2048, 2.0))
            if available["PyTorch"] and options.device == "cpu":
                bounds.append(layer_bound(task))
            for name, side in sides.items():
                marks = side(task)
                spans[name] += [(b[0] - a[0], b[1] - a[1]) for a, b in itertools.pairwise(marks)]
    bound = {precision: max(each[precision] for each in bounds) for precision in bounds[0]} if bounds else {}
    _print(spans, config, options.pictures, options.val, max(rates), bound)


def subset(data: RunData, train: int, val: int) -> RunData:
    """Only the first so many training and val pictures."""
    parts = {"train": (data.train, train), "val": (data.val, val)}
    return replace(data, **{name: select_rows(side, np.arange(count)) for name, (side, count) in parts.items()})


def _print(
    spans: dict[str, list[tuple[float, float]]],
    config: RunConfig,
    train: int,
    val: int,
    rate: float,
    bound: Mapping[str, float],
) -> None:
    network = cost(config, 96)
    first = next(iter(spans))
    reference = [statistics.median(column) for column in zip(*spans[first], strict=True)]
    print(f"\nwidth {config.model.width:g}, {train} training and {val} val pictures, {cores()} cores,")
    print(f"auto precision here: {_precision(config, 96)}")
    print(f"matrix products {rate / 1e9:.0f} GFLOP/s, {network.step_flops / 1e6:.0f} MFLOP a picture")
    print(
        "layer bound:",
        ", ".join(f"{value:.0f} pictures/s in {name}" for name, value in bound.items()) or "unknown",
        "\n",
    )
    wall_title = "wall s/epoch: median (least–most)"
    print(
        f"| training | {wall_title} | CPU s/epoch | against {first}: wall, CPU | of the matrix rate | of the layer bound |"
    )
    print("|---|---|---|---|---|---|")
    pictures = train + val / 3  # judging is a forward pass, a third of a step
    for name, pairs in spans.items():
        walls, cpus = ([pair[i] for pair in pairs] for i in (0, 1))
        wall, cpu = statistics.median(walls), statistics.median(cpus)
        seconds = f"{spread(walls)} | {cpu:.2f}"
        ratios = f"{reference[0] / wall:.2f}×, {reference[1] / cpu:.2f}×"
        precision = {"auto": _precision(config, 96), "bfloat16": "mixed_bfloat16"}.get(name.split()[-1], "float32")
        of_bound = f"{pictures / wall / bound[precision]:.2f}" if bound else ""
        of_matrices = pictures * network.step_flops / min(walls) / rate
        print(f"| {name} | {seconds} | {ratios} | {of_matrices:.2f} | {of_bound} |")


if __name__ == "__main__":
    main()
