"""The networks that the helper process keeps, and what it answers with them: probabilities, features, maps.

Keras is imported with the first network.
"""

from __future__ import annotations

import functools
import os
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dhc.config import DeviceConfig, RunConfig
from dhc.errors import RunError
from dhc.files.messages import Message
from dhc.machine import hardware
from dhc.predict.mirrored import sides
from dhc.runs import rundir
from dhc.runs.config_file import require_config
from dhc.runs.predictions import read_predictions
from dhc.runs.states import STATE, state_place

MOST = 4  # networks kept at a time, as many as Predict sets side by side: the report's largest takes 140 MB
MOST_PICTURES = 512  # of one question
PART = 64  # pictures that are answered at once, where nobody asks for more: a second at full width
MAPS = ("grad_cam", "grad_cam_pp", "occlusion", "saliency")


@dataclass(eq=False)
class Kept:
    """A run's network, and the one that gives its features, too; `stamp` changes with its file."""

    stamp: tuple[int, ...]
    model: Any
    both: Any

    @functools.cached_property
    def exact(self) -> Any:
        """The same network in 32 bits, for maps."""
        from dhc.explain.parts import in_float32

        return in_float32(self.model)

    @functools.cached_property
    def random_twin(self) -> Any:
        """The same network, in 32 bits, with the weights that it might have begun with."""
        from dhc.explain.maps import random_twin

        return random_twin(self.exact)


class Networks:
    """The networks that were asked last, loaded anew when their file has changed."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._networks: OrderedDict[tuple[Path, int], Kept] = OrderedDict()

    def of(self, folder: Path, epoch: int = 0) -> Kept:
        """The best network of the run in `folder`, or that of an epoch whose state was kept. Raises RunError."""
        stamp = stamp_of(folder, epoch)
        network = self._networks.pop((folder, epoch), None)
        if network is None or network.stamp != stamp:
            while len(self._networks) >= self._most:
                self._networks.popitem(last=False)
            network = _load(folder, stamp, epoch)
        self._networks[folder, epoch] = network
        return network


NETWORKS = Networks()


def asked_in_parts(folder: Path, x: np.ndarray, *, mirror: bool = False) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """As `classify` answers, for parts of the pictures (N, 64, 64, 3) uint8 in their order: probabilities, features.

    In this very process, on the CPU: for the command line. Raises RunError.
    """
    os.environ.update(hardware.environment(DeviceConfig(device="cpu"), "cpu"))
    network = _load(folder, stamp_of(folder))
    for start in range(0, len(x), PART):
        yield _answers(network, x[start : start + PART], mirror=mirror)


def classify(question: Message) -> Message:
    """The answers of the run in ``folder`` for the pictures ``x``, (N, 64, 64, 3) uint8.

    ``probabilities`` (N, K) and ``features`` (N, F), the values before the last layer, both float32; ``stamp`` is another
    one where another network answered. With ``mirror`` the probabilities are those of each picture and its mirror image. Raises
    RunError.
    """
    x = _pictures(question)
    network = NETWORKS.of(Path(question.values["folder"]))
    probabilities, features = _answers(network, x, mirror=bool(question.values.get("mirror")))
    return Message({"stamp": list(network.stamp)}, {"probabilities": probabilities, "features": features})


def warm(question: Message) -> Message:
    """Load the network of the run in ``folder`` and let it answer once, so that the next answer is quick. Raises RunError."""
    _answers(NETWORKS.of(Path(question.values["folder"])), np.zeros((1, 64, 64, 3), np.uint8))
    return Message({})


def _answers(network: Kept, x: np.ndarray, *, mirror: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """The probabilities (N, K) and the features (N, F), both float32. Raises RunError."""
    from dhc.predict.network import require_probabilities

    answers = [network.both.predict_on_batch(side) for side in sides(x, mirror)]
    probabilities = np.mean([np.asarray(chances, np.float32) for _, chances in answers], axis=0)
    return require_probabilities(probabilities), np.asarray(answers[0][0], np.float32)


def look(question: Message) -> Message:
    """A ``map`` (N, h, w) float32 of what speaks for ``classes`` (N,) in the pictures ``x``: ``kind`` is one of MAPS.

    ``layer`` is the place of a convolution, from 0, -1 the last one; with ``random`` it is that of the same network with random
    weights. Raises RunError.
    """
    x, kind, layer = _pictures(question), str(question.values["kind"]), int(question.values["layer"])
    network = NETWORKS.of(Path(question.values["folder"]))
    classes = question.arrays["classes"].astype(np.int64)
    from dhc.explain import maps
    from dhc.explain.parts import convolutions

    count = len(convolutions(network.model))
    if not count and kind.startswith("grad_cam"):
        raise RunError("the network has no convolution, of whose maps this one is made: choose occlusion or SmoothGrad")
    if layer >= max(1, count):
        raise RunError("the network has fewer convolutions: choose an earlier one")
    if kind not in MAPS or classes.max() >= network.model.output.shape[-1]:
        raise RunError(f"there is no map {kind[:40]!r} of that class: choose another one")
    model = network.random_twin if question.values["random"] else network.exact
    options = {"layer": layer} if kind.startswith("grad_cam") else {}
    return Message({}, {"map": np.asarray(getattr(maps, kind)(model, x, classes, **options), np.float32)})


def _pictures(question: Message) -> np.ndarray:
    x = question.arrays["x"]
    assert x.dtype == np.uint8
    assert x.shape[1:] == (64, 64, 3)
    assert 1 <= len(x) <= MOST_PICTURES
    return x


def _load(folder: Path, stamp: tuple[int, ...], epoch: int = 0) -> Kept:
    config, classes = settings_of(folder, epoch, stamp)
    from dhc.predict.network import load_network, network_of_epoch, with_features

    model = network_of_epoch(folder, epoch, config, classes) if epoch else load_network(folder, config, classes)
    return Kept(stamp, model, with_features(model))


def settings_of(folder: Path, epoch: int, stamp: tuple[int, ...]) -> tuple[RunConfig, int]:
    """The run's settings, and how many classes its network tells apart. Raises RunError where it has none after that epoch."""
    config = require_config(folder)
    if not config.trains_network or not stamp:
        missing = f"the state of epoch {epoch:,}" if epoch else f"its {rundir.BEST}"
        raise RunError(f"run {folder.name} has no network to ask: {missing} is not there")
    return config, len(read_predictions(folder).classes)


def stamp_of(folder: Path, epoch: int = 0) -> tuple[int, ...]:
    """What changes with the file of a run's best network, or with that of a kept epoch's state; () where there is none."""
    path = state_place(folder, epoch) / STATE if epoch else folder / rundir.BEST
    try:
        stat = path.stat()
    except OSError:
        return ()
    return stat.st_ino, stat.st_size, stat.st_mtime_ns
