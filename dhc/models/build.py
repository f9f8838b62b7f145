"""Plan → Keras model. Imports Keras: for the writer side only."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import layers as kl

from dhc.config import OptimizerConfig, RunConfig
from dhc.models import fused, initial
from dhc.models import plan as p
from dhc.models.affine import RandomAffine, first_changes
from dhc.models.cost import orthogonal_kernels
from dhc.models.execution import Executions
from dhc.models.ladder import plan_of
from dhc.models.losses import accuracy_of, loss_of
from dhc.models.muon import Muon
from dhc.models.sharpness import SharpnessAware


def build(
    plan: p.Plan,
    *,
    seed: int,
    input_shape: p.Shape = (64, 64, 3),
    name: str = "network",
    fast: bool = False,
    kind: type[keras.Model] = keras.Model,
    empty: bool = False,
) -> keras.Model:
    """A Keras model: input (B, 64, 64, 3) uint8 in 0–255, output (B, K) float32 probabilities.
    Every random layer gets its own seed derived from `seed`, so that two builds behave alike. A `fast` one trains with our
    fused layers and cannot be saved for others to load. `kind` is its class. An `empty` one begins
    with zeros, for weights that come from elsewhere: to draw 35 million takes half a second.
    """
    inputs = x = keras.Input(input_shape, dtype="uint8", name="pictures")
    outputs: list[Any] = []
    moves = first_changes(plan) if fast else ()
    if len(moves) > 1:
        x = RandomAffine(moves, seed)(x)
        outputs += [x] * len(moves)
    for number, layer in enumerate(plan[len(outputs) :], len(outputs)):
        taken = [x, outputs[number - layer.back]] if isinstance(layer, p.Add) else x
        made = _keras_layer(layer, seed + number, fast, len(x.shape))
        if empty and isinstance(layer, p.Conv2D | p.Dense):
            made.kernel_initializer = keras.initializers.Zeros()
        x = made(taken)
        if isinstance(layer, p.Conv2D) and layer.whitened:
            made.kernel.trainable = False
        outputs.append(x)
    return kind(inputs, x, name=name)


def network(config: RunConfig, classes: int, *, empty: bool = False) -> keras.Model:
    """The network that is judged and saved: Keras's own layers only, without augmentation.

    To be filled by `copy_weights`. `empty` as for `build`.
    """
    plan = tuple(layer for layer in plan_of(config, classes) if not isinstance(layer, p.RANDOM))
    return build(plan, seed=config.fit.seed, name=config.model.name, empty=empty)


def compiled_model(
    config: RunConfig,
    classes: int,
    *,
    precision: str = "float32",
    steps: int = 1,
    metrics: Sequence[keras.metrics.Metric] = (),
    again: bool = False,
) -> keras.Model:
    """The config's network, ready for ``fit``: crossentropy and accuracy, as in the report.
    `precision` is a dtype policy's name and `steps` the batches per execution, both resolved by the caller. `metrics` see each
    training batch besides. One that is built `again` in a process leaves the backend's own seed alone, whose change would have
    TensorFlow prepare the graphs of other networks anew; it has the same weights.
    """
    if again:
        random.seed(config.fit.seed)  # all that Keras's initializers draw on
    else:
        keras.utils.set_random_seed(config.fit.seed)
    keras.config.set_dtype_policy(precision)
    kind = SharpnessAware if config.optimizer.sam else Executions
    model = build(plan_of(config, classes), seed=config.fit.seed, name=config.model.name, fast=True, kind=kind)
    if config.optimizer.sam:
        model.radius = config.optimizer.sam
    if config.model.initialization == "dirac":
        initial.pass_on(model)
    model.compile(
        optimizer=_optimizer(config, model),
        loss=loss_of(config, classes),
        metrics=[accuracy_of(config), *metrics],
        steps_per_execution=steps,
        jit_compile={"auto": "auto", "on": True, "off": False}[config.device.jit],
    )
    # Variables that the first batch had to create would have its graph traced twice, and slowly: seconds of every start.
    model.optimizer.build(model.trainable_variables)
    return model


def copy_weights(source: keras.Model, target: keras.Model) -> None:
    """Copy a training model's weights into the network of the same plan.

    The averaged ones where the optimizer keeps them.
    """
    running = ema_weights(source.optimizer)
    for new, old in zip(target.weights, source.weights, strict=True):
        # a copy, since JAX would share the array and give it up when predicting
        new.assign(keras.ops.copy(running.get(id(old), old)))


def inner_optimizer(optimizer: keras.optimizers.Optimizer) -> keras.optimizers.Optimizer:
    """The optimizer itself where a LossScaleOptimizer wraps it, as under mixed_float16."""
    return getattr(optimizer, "inner_optimizer", optimizer)


def ema_weights(optimizer: keras.optimizers.Optimizer) -> dict[int, Any]:
    """id of each trainable variable → its running average; empty without weight averaging."""
    inner = inner_optimizer(optimizer)
    if not inner.use_ema:
        return {}
    return {
        id(variable): average
        for variable, average in zip(inner._trainable_variables, inner._model_variables_moving_average, strict=True)
    }


def _optimizer(config: RunConfig, model: keras.Model) -> keras.optimizers.Optimizer:
    o = config.optimizer
    options: dict[str, Any] = {"use_ema": True, "ema_momentum": o.ema_momentum} if o.ema_momentum else {}
    if o.lookahead:
        options["ema_overwrite_frequency"] = o.lookahead
    optimizer = _of_name(o, model, options)
    optimizer.bias_rate = o.bias_rate
    return optimizer


def _of_name(o: OptimizerConfig, model: keras.Model, options: Mapping[str, Any]) -> keras.optimizers.Optimizer:
    match o.name:
        case "adam":
            return fused.Adam(o.learning_rate, **options)
        case "sgd":
            return fused.SGD(o.learning_rate, momentum=0.9, nesterov=True, **options)
        case "muon":
            kernels = [layer.kernel for layer in model.layers if hasattr(layer, "kernel")]
            hidden = [kernels[number] for number in orthogonal_kernels([tuple(kernel.shape) for kernel in kernels])]
            own = {"hidden": hidden, "dtype": model.compute_dtype, "adam_weight_decay": o.weight_decay}
            optimizer = Muon(o.learning_rate, weight_decay=o.weight_decay, **own, **options)
        case _:
            optimizer = fused.AdamW(o.learning_rate, weight_decay=o.weight_decay, **options)
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta", "alpha"])
    return optimizer


def _keras_layer(layer: p.Layer, seed: int, fast: bool, axes: int) -> Any:
    """The layer for inputs of so many axes, the batch among them."""
    match layer:
        case p.Rescaling(scale):
            return kl.Rescaling(scale)
        case p.Resizing(side):
            return kl.Resizing(side, side)
        case p.Conv2D(filters, kernel, strides, padding, activation):
            kind = (fused if fast else kl).Conv2D
            return kind(filters, kernel, strides=strides, padding=padding, activation=activation)
        case p.Dense(units, "softmax"):
            return kl.Dense(units, activation="softmax", dtype="float32")  # probabilities lose too much in 16 bits
        case p.Dense(units, activation):
            return kl.Dense(units, activation=activation)
        case p.ReLU(negative_slope):
            return kl.ReLU(negative_slope=negative_slope)
        case p.PReLU():
            return kl.PReLU(keras.initializers.Constant(p.SLOPE), shared_axes=list(range(1, axes - 1)) or None)
        case p.Add():
            return kl.Add()
        case p.BatchNormalization(momentum):
            return (fused if fast else kl).BatchNormalization(momentum=momentum)
        case p.MaxPooling2D(pool, strides):
            return (fused if fast else kl).MaxPooling2D(pool, strides=strides or None)
        case p.Dropout(rate):
            return (fused if fast else kl).Dropout(rate, seed=seed)
        case p.Flatten():
            return kl.Flatten()
        case p.GlobalAveragePooling2D():
            return kl.GlobalAveragePooling2D()
        case _:
            return _augmentation(layer, seed, fast)


def _augmentation(layer: p.Layer, seed: int, fast: bool) -> Any:
    # in 16 bits TensorFlow lacks a kernel for erasing, and coordinates blur
    common = {"seed": seed, "dtype": "float32"}
    match layer:
        case p.RandomFlip(mode):
            augmentation = (fused if fast else kl).RandomFlip(mode, seed=seed)
        case p.RandomRotation(factor):
            augmentation = kl.RandomRotation(factor, **common)
        case p.RandomZoom(factor):
            augmentation = kl.RandomZoom(factor, **common)
        case p.RandomShear(factor):
            augmentation = kl.RandomShear(factor, 0.0, **common)
        case p.RandomTranslation(factor):
            augmentation = kl.RandomTranslation(factor, factor, **common)
        case p.RandomErasing(probability):
            augmentation = kl.RandomErasing(probability, **common)
    # Keras marks rotation, zoom, shear and shift as not compilable, which only TensorFlow's kernel for them is.
    augmentation.supports_jit = keras.backend.backend() != "tensorflow"
    return augmentation
