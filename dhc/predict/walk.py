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
from dhc.machine.priority import LOWER, give_way_in_thread
from dhc.models import plan as p
from dhc.models.ladder import plan_of
from dhc.predict.networks import settings_of, stamp_of

MOST_UNITS = 512  # of a layer: those with the largest values
MOST_WALKS = 6  # kept at a time: of the report's largest network 9 MB each
MOST_NETWORKS = 4  # of walks at a time: of that one 140 MB each, which take a second to read and to build
MOST_DRAWS = 100
ZERO, LEVELS = 128, 127  # the byte that stands for 0, and how many there are on each side of it


def walk(question: Message) -> Message:
    """What the network of the run in ``folder`` after the kept ``epoch``, 0 for its best, makes of ``x``, (64, 64, 3) uint8.

    ``part`` says of what: ``maps`` of every layer, the ``number`` at ``layer``, ``unit``, ``row`` and ``column``, or ``draws``
    of its Dropout layers; ``read`` only begins to make the network ready, and says whether it is ``there``. All is computed in 32 bits. Raises RunError.
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

    A network is read and built in a thread where that was asked ahead; the one that was not asked for longest takes the new weights.
    """

    def __init__(self, most: int = MOST_WALKS) -> None:
        self._most = most
        self._networks: OrderedDict[Epoch, Any] = OrderedDict()
        self._values: OrderedDict[tuple[Any, ...], list[np.ndarray]] = OrderedDict()
        self._reader = ThreadPoolExecutor(1, "weights", initializer=give_way_in_thread, initargs=(LOWER,))
        self._reading: tuple[Epoch, Future[Any]] | None = None

    def of(self, folder: Path, epoch: int, x: np.ndarray) -> tuple[Any, list[np.ndarray]]:
        """The network, in 32 bits, and every layer's output for the picture, (h, w, C) float32. Raises RunError."""
        asked = (folder, epoch, stamp_of(folder, epoch))
        model = self._model(asked)
        key = (*asked, hashlib.sha256(x.tobytes()).digest())
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
        """Whether the network of an epoch need not be waited for; else it is made while other questions are answered, one at a time."""
        asked = (folder, epoch, stamp_of(folder, epoch))
        if asked in self._networks:
            return True
        if self._reading is not None and (self._reading[0] == asked or not self._reading[1].done()):
            return self._reading[0] == asked and self._reading[1].done()
        self._reading = asked, self._reader.submit(_network_of, asked, *settings_of(*asked), self._spare(folder))
        return False

    def _model(self, asked: Epoch) -> Any:
        model = self._networks.pop(asked, None)
        if model is None and self._reading is not None and self._reading[0] == asked:
            reading, self._reading = self._reading[1], None
            model = reading.result()
        elif model is None:
            model = _network_of(asked, *settings_of(*asked), self._spare(asked[0]))
        self._networks[asked] = model
        return model

    def _spare(self, folder: Path) -> Any:
        """The network that was not asked for longest, given up for one of the same run; None where it cannot be filled anew."""
        spare = None
        while len(self._networks) >= MOST_NETWORKS:
            (other, epoch, _), given_up = self._networks.popitem(last=False)
            spare = given_up if epoch and other == folder else None
        return spare


WALKS = Walks()


def _network_of(asked: Epoch, config: RunConfig, classes: int, spare: Any) -> Any:
    """The network of an epoch: `spare` with other weights where its shapes are the same ones, else a new one. Raises RunError."""
    from dhc.predict.network import load_network, untrained, weights_of_epoch

    folder, epoch, _ = asked
    if not epoch:
        best = load_network(folder, config, classes, exact=True)
        _require_planned(folder, config, best)
        return best
    _, weights = weights_of_epoch(folder, epoch, config, classes)
    fits = spare is not None and [each.shape for each in spare.weights] == [weight.shape for weight in weights]
    model = spare if fits else untrained(config, classes, empty=True)
    model.set_weights(weights)
    return model


def _require_planned(folder: Path, config: RunConfig, model: Any) -> None:
    """Raise RunError where the saved network has other layers than the run's settings describe: its file is of another version."""
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
