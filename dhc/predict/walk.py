"""A picture's walk through a network, as the helper process answers it: every layer's maps, one number's history, dropout's draws."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from dhc.analysis.maps import order_of, silent
from dhc.analysis.network import judged
from dhc.config import RunConfig
from dhc.errors import RunError
from dhc.files.messages import Message
from dhc.models import plan as p
from dhc.models.ladder import plan_of
from dhc.predict.networks import NETWORKS, stamp_of
from dhc.runs.config_file import require_config
from dhc.runs.predictions import read_predictions

MOST_UNITS = 512  # of a layer: those with the largest values
MOST_WALKS = 6  # kept at a time: of the report's largest network 9 MB each
MOST_WEIGHTS = (
    450_000_000  # bytes of other epochs' weights that are kept: three of that network, which take 0.4 s each to read
)
MOST_DRAWS = 100
ZERO, LEVELS = 128, 127  # the byte that stands for 0, and how many there are on each side of it


def walk(question: Message) -> Message:
    """What the network of the run in ``folder`` after the kept ``epoch``, 0 for its best, makes of ``x``, (64, 64, 3) uint8.

    ``part`` says of what: ``maps`` of every layer, the ``number`` at ``layer``, ``unit``, ``row`` and ``column``, or ``draws``
    of its Dropout layers; ``read`` only begins to read its weights, and says whether they are ``there``. All is computed in 32 bits. Raises RunError.
    """
    x, part = question.arrays["x"], str(question.values["part"])
    assert x.shape == (64, 64, 3)
    assert x.dtype == np.uint8
    folder, epoch = Path(question.values["folder"]), int(question.values["epoch"])
    if part == "read":
        return Message({"there": WALKS.read(folder, epoch)})
    model, values = WALKS.of(folder, epoch, x)
    if part == "draws":
        return _draws(model, values, int(question.values["draws"]))
    if part == "number":
        return _number(model, x, values, *(int(question.values[name]) for name in ("layer", "unit", "row", "column")))
    return _maps(model, values)


Epoch = tuple[Path, int, tuple[int, ...]]  # a run's, and the stamp of the file that its network's weights come from


class Walks:
    """The networks that pictures walk through, and every layer's output for the last pictures.

    A run's network is built once for all epochs but the best; the weights of an epoch are put into it when they are asked for.
    """

    def __init__(self, most: int = MOST_WALKS) -> None:
        self._most = most
        self._frame: Any = None
        self._inside: Epoch | None = None  # whose weights are in the frame
        self._weights: OrderedDict[Epoch, list[np.ndarray]] = OrderedDict()
        self._values: OrderedDict[tuple[Any, ...], list[np.ndarray]] = OrderedDict()
        self._reader = ThreadPoolExecutor(1, "weights")
        self._reading: tuple[Epoch, Future[list[np.ndarray]]] | None = None

    def of(self, folder: Path, epoch: int, x: np.ndarray) -> tuple[Any, list[np.ndarray]]:
        """The network, in 32 bits, and every layer's output for the picture, (h, w, C) float32. Raises RunError."""
        model, stamp = self._model(folder, epoch)
        key = (folder, epoch, stamp, hashlib.sha256(x.tobytes()).digest())
        values = self._values.pop(key, None)
        if values is None:
            from dhc.explain.walk import values_of

            values = values_of(model, x)
            if not all(np.isfinite(each).all() for each in values):
                raise RunError(
                    f"the network of run {folder.name} gives values that are no finite numbers: choose another epoch or run"
                )
            while len(self._values) >= self._most:
                self._values.popitem(last=False)
        self._values[key] = values
        return model, values

    def read(self, folder: Path, epoch: int) -> bool:
        """Whether the weights of an epoch need not be waited for; else they are read while other questions are answered, one epoch at a time."""
        asked = (folder, epoch, stamp_of(folder, epoch))
        if not epoch or asked == self._inside or asked in self._weights:
            return True
        if self._reading is not None and (self._reading[0] == asked or not self._reading[1].done()):
            return self._reading[0] == asked and self._reading[1].done()
        config, classes = _settings(folder, epoch, asked[2])
        self._reading = asked, self._reader.submit(_read, asked, config, classes)
        return False

    def _model(self, folder: Path, epoch: int) -> tuple[Any, tuple[int, ...]]:
        if not epoch:
            network = NETWORKS.of(folder)
            _require_planned(folder, network.exact)
            return network.exact, network.stamp
        asked = (folder, epoch, stamp_of(folder, epoch))
        if asked != self._inside:
            config, classes = _settings(folder, epoch, asked[2])
            weights = self._weights_of(asked, config, classes)
            self._fill(asked, config, classes, weights)
        return self._frame, asked[2]

    def _weights_of(self, asked: Epoch, config: RunConfig, classes: int) -> list[np.ndarray]:
        weights = self._weights.pop(asked, None)
        if weights is None and self._reading is not None and self._reading[0] == asked:
            reading, self._reading = self._reading[1], None
            weights = reading.result()
        elif weights is None:
            weights = _read(asked, config, classes)
        self._weights[asked] = weights
        while len(self._weights) > 1 and sum(map(_size, self._weights.values())) > MOST_WEIGHTS:
            self._weights.popitem(last=False)
        return weights

    def _fill(self, asked: Epoch, config: RunConfig, classes: int, weights: list[np.ndarray]) -> None:
        from dhc.predict.network import untrained

        inside, self._inside = self._inside, None  # what is half filled is nobody's network
        shapes = [weight.shape for weight in weights]
        if inside is None or inside[0] != asked[0] or [each.shape for each in self._frame.weights] != shapes:
            self._frame = untrained(config, classes)
        self._frame.set_weights(weights)
        self._inside = asked


WALKS = Walks()


def _settings(folder: Path, epoch: int, stamp: tuple[int, ...]) -> tuple[RunConfig, int]:
    """The run's settings, and how many classes its network tells apart. Raises RunError where the epoch has no network."""
    config = require_config(folder)
    if not config.trains_network or not stamp:
        raise RunError(f"the state of epoch {epoch:,} of run {folder.name} is not there: choose another epoch")
    return config, len(read_predictions(folder).classes)


def _read(asked: Epoch, config: RunConfig, classes: int) -> list[np.ndarray]:
    from dhc.predict.network import weights_of_epoch

    return weights_of_epoch(asked[0], asked[1], config, classes)[1]


def _size(weights: list[np.ndarray]) -> int:
    return sum(weight.nbytes for weight in weights)


def _require_planned(folder: Path, model: Any) -> None:
    """Raise RunError where the saved network has other layers than the run's settings describe: its file is of another version."""
    config = require_config(folder)
    rows = p.measure(judged(plan_of(config, model.output.shape[-1])))
    if [tuple(layer.output.shape[1:]) for layer in model.layers[1:]] != [row.shape for row in rows]:
        raise RunError(
            f"the network of run {folder.name} has other layers than its settings describe: choose another run"
        )


def _maps(model: Any, values: list[np.ndarray]) -> Message:
    """Every layer's maps, one after the other, as bytes; of a layer with very many those with the largest values.

    ``bytes`` uint8, of each map its rows; ``steps`` float32, the value of a byte in each map; ``units`` int64, each map's unit; ``counts`` and
    ``silent`` int64, how many maps of each layer there are here, and how many of all its maps are 0 everywhere; ``probabilities``
    and ``logits`` (K,) float32.
    """
    from dhc.explain.walk import logits
    from dhc.predict.network import require_probabilities

    probabilities = require_probabilities(values[-1].reshape(1, -1))[0]
    units = [np.sort(order_of(maps, "strength")[:MOST_UNITS]) for maps in values]
    packed = [_packed(maps[..., chosen]) for maps, chosen in zip(values, units, strict=True)]
    arrays = {
        "bytes": np.concatenate([levels for levels, _ in packed]),
        "steps": np.concatenate([steps for _, steps in packed]),
        "units": np.concatenate(units).astype(np.int64),
        "counts": np.array([len(chosen) for chosen in units], np.int64),
        "silent": np.array([silent(maps) for maps in values], np.int64),
        "probabilities": probabilities,
        "logits": logits(model.layers[-1], values[-2]),
    }
    return Message({}, arrays)


def _packed(maps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Maps (h, w, C) as bytes, map by map, and the value of one step of each, (C,) float32."""
    steps = (np.abs(maps).max(axis=(0, 1)) / LEVELS).astype(np.float32)
    levels = np.rint(maps / np.where(steps, steps, 1)) + ZERO
    return levels.transpose(2, 0, 1).astype(np.uint8).reshape(-1), steps


def _number(
    model: Any, x: np.ndarray, values: list[np.ndarray], layer: int, unit: int, row: int, column: int
) -> Message:
    """How one number came about: `dhc.explain.walk.Number`; and ``then``, what the layers up to the next weights make of it. Raises RunError."""
    from dhc.explain.walk import number, then
    from dhc.models.chain import skips

    if not 0 <= layer < len(values):
        raise RunError("the network has fewer layers: choose an earlier one")
    height, width, units = values[layer].shape
    if not (0 <= row < height and 0 <= column < width and 0 <= unit < units):
        raise RunError("the layer has no number at that place: choose another one")
    before = values[layer - 1] if layer else x.astype(np.float32)
    source = skips(model.layers).get(layer + 1)
    skipped = None if source is None else values[source - 1]
    history = number(model.layers[layer + 1], before, values[layer], unit, row, column, skipped)
    following = then(model.layers[1:], values, layer, unit, row, column)
    return Message({**history.values, "then": following}, dict(history.arrays))


def _draws(model: Any, values: list[np.ndarray], draws: int) -> Message:
    """``draws`` (draws, K) float32: the answer under so many draws of the Dropout layers."""
    assert 1 <= draws <= MOST_DRAWS
    from dhc.explain.walk import dropout_draws

    return Message({}, {"draws": dropout_draws(model, values, draws)})
