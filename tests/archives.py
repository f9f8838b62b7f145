"""Whole archives as runs write them, made in milliseconds and without Keras: to be damaged by tests."""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from dhc.runs import rundir
from dhc.runs.states import RECORD, STATE, Spec

CLASSES = ("amber ring", "blue ring", "blue star")
SPECS: tuple[Spec, ...] = (((3, 4), "float32"), ((4,), "float32"), ((), "int64"), ((2,), "uint32"))
SIDE = 16  # pixels to which the small network shrinks a picture


def zip_of(members: Mapping[str, bytes], packing: int = zipfile.ZIP_STORED) -> bytes:
    """A zip archive of those members."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", packing) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def tar_of(members: Mapping[str, bytes], packing: str = "") -> bytes:
    """A tar archive of those members, packed by gz, bz2, xz or not at all."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=f"w:{packing}") as archive:  # type: ignore[call-overload]
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def npz_of(**arrays: Any) -> bytes:
    """What ``numpy.savez`` writes of those arrays."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def prediction_arrays(epochs: int = 3, pictures: int = 9, best_epoch: int = 2) -> dict[str, Any]:
    """The arrays of a sound predictions.npz."""
    rng = np.random.default_rng(epochs)
    shares = rng.random((pictures, len(CLASSES))) + 0.1
    return {
        "ids": np.array([f"val_images/{number:05d}.png" for number in range(pictures)]),
        "y_true": np.arange(pictures, dtype=np.uint16) % len(CLASSES),
        "classes": np.array(CLASSES),
        "y_pred": rng.integers(0, len(CLASSES), (epochs, pictures)).astype(np.uint16),
        "best_epoch": np.int64(best_epoch),
        "probabilities": (shares / shares.sum(axis=1, keepdims=True)).astype(np.float32),
    }


def predictions(**options: int) -> bytes:
    """A sound predictions.npz."""
    return npz_of(**prediction_arrays(**options))


def record(epoch: int) -> dict[str, Any]:
    """What the observers save after an epoch, with numbers that no JSON has of its own among them."""
    counters = [{"best": float("inf"), "wait": 1, "cooldown_counter": 0}, {"best": 0.5, "wait": 0, "best_epoch": 1}]
    best = {"best": 0.625, "best_epoch": min(2, epoch), "rate": 0.001, "seconds": 12.5}
    return {"epoch": epoch, "speeds": [float("nan")] * epoch, "curve": [0.5] * epoch, "counters": counters, **best}


def state(epoch: int, /, **changes: Any) -> bytes:
    """A sound state.npz of variables of SPECS, but for the changes of its record."""
    values = {f"v{number}": np.ones(shape, dtype) for number, (shape, dtype) in enumerate(SPECS)}
    return npz_of(**values, **{RECORD: np.array(json.dumps(record(epoch) | changes))})


def write_state(folder: Path, epoch: int, /, **changes: Any) -> Path:
    """A sound state to go on from in ``folder/epoch-…``, but for the changes of its record."""
    place = folder / f"epoch-{epoch:05d}"
    place.mkdir(parents=True)
    (place / STATE).write_bytes(state(epoch, **changes))
    (place / rundir.BEST).write_bytes(network())
    (place / rundir.PREDICTIONS).write_bytes(predictions(epochs=epoch, best_epoch=min(2, epoch)))
    return place


def network_config(**changes: Any) -> dict[str, Any]:
    """The config.json of a small network, as far as it is read; a change is written ``Dense__units=7``."""
    layers: list[tuple[str, dict[str, Any]]] = [
        ("InputLayer", {"batch_shape": [None, 64, 64, 3], "dtype": "uint8"}),
        ("Rescaling", {"scale": 1 / 255, "offset": 0.0}),
        ("Resizing", {"height": SIDE, "width": SIDE}),
        ("Conv2D", {"filters": 2, "kernel_size": [3, 3], "strides": [1, 1], "padding": "same", "activation": "relu"}),
        ("BatchNormalization", {"momentum": 0.99}),
        ("MaxPooling2D", {"pool_size": [2, 2], "strides": [2, 2]}),
        ("Dropout", {"rate": 0.5}),
        ("GlobalAveragePooling2D", {}),
        ("Dense", {"units": len(CLASSES), "activation": "softmax"}),
    ]
    policy = {"module": "keras", "class_name": "DTypePolicy", "config": {"name": "float32"}, "registered_name": None}
    parts = []
    for name, values in layers:
        new = {key.removeprefix(f"{name}__"): value for key, value in changes.items() if key.startswith(f"{name}__")}
        values = {"dtype": policy, **values, **new}
        parts.append({"module": "keras.layers", "class_name": name, "config": values, "registered_name": None})
    module = "keras.src.models.functional"
    return {"module": module, "class_name": "Functional", "config": {"layers": parts}, "registered_name": "Functional"}


def network_weights(conv: np.ndarray | None = None, dense: np.ndarray | None = None) -> bytes:
    """The model.weights.h5 of the same network, or of one with these weights of its two layers."""
    conv = np.full((3, 3, 3, 2), 0.5) if conv is None else conv
    dense = np.full((2, len(CLASSES)), 0.5) if dense is None else dense
    filters, classes = conv.shape[-1], dense.shape[-1]
    arrays = {
        "conv2d": [conv, np.zeros(filters)],
        "batch_normalization": [np.ones(filters), np.zeros(filters), np.zeros(filters), np.ones(filters)],
        "dense": [dense, np.zeros(classes)],
    }
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file.create_group("vars")
        for layer, values in arrays.items():
            for number, value in enumerate(values):
                file.create_dataset(f"layers/{layer}/vars/{number}", data=value.astype(np.float32))
    return buffer.getvalue()


def edge_network(classes: int) -> bytes:
    """A best.keras whose features are a picture's mean colours and how rough it is, and whose answers are drawn by a seed."""
    conv = np.zeros((3, 3, 3, 5))
    for channel in range(3):
        conv[1, 1, channel, channel] = 1
    conv[1, 1, 1, 3:] = 8
    conv[1, 2, 1, 3] = conv[2, 1, 1, 4] = -8
    dense = np.random.default_rng(classes).normal(0, 1, (5, classes))
    config = network_config(Conv2D__filters=5, Dense__units=classes)
    return network(config__json=json.dumps(config).encode(), model__weights__h5=network_weights(conv, dense))


def network(**members: bytes) -> bytes:
    """A best.keras of a small network, but for the members that are given."""
    whole = {"metadata.json": b"{}", "config.json": json.dumps(network_config()).encode()}
    whole["model.weights.h5"] = network_weights()
    return zip_of(whole | {name.replace("__", "."): data for name, data in members.items()})


def events(epochs: int) -> bytes:
    """An events.jsonl of so many epochs, with events of each kind."""
    figures = {"loss": 1.5, "accuracy": 0.5, "pictures_per_second": 900.0}
    of_epoch = {"val_loss": 1.25, "val_accuracy": 0.5, "learning_rate": 0.001, "seconds": 3.0, "best": True}
    lines: list[dict[str, Any]] = [
        {"t": 1.0, "kind": "phase", "phase": "pictures"},
        {"t": 1.5, "kind": "progress", "phase": "pictures", "split": "train", "done": 3, "total": 9},
        {"t": 2.0, "kind": "start", "device": "cpu", "parameters": 9, "train": 24, "val": 9, "classes": 3, "epochs": 9},
    ]
    for epoch in range(1, epochs + 1):
        lines.append(
            {"t": 3.0, "kind": "batch", "epoch": epoch, "step": 3, "position": epoch - 0.5, "eta": 5.0, **figures}
        )
        lines.append({"t": 4.0, "kind": "epoch", "epoch": epoch, **figures, **of_epoch})
    lines.append({"t": 5.0, "kind": "lr", "epoch": 2, "old": 0.001, "new": 0.0005})
    lines.append({"t": 6.0, "kind": "resume", "epoch": epochs})
    lines.append({"t": 7.0, "kind": "note", "text": "a note"})
    return "".join(json.dumps(line) + "\n" for line in lines).encode()
