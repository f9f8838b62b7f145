"""Questions about a network's layers that the helper process answers: maps, filters, units, times. Keras with the first of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from dhc.analysis.network import NetworkLayer, network_layers
from dhc.config import RunConfig
from dhc.errors import RunError
from dhc.files.messages import Message
from dhc.machine.cores import cores
from dhc.models.ladder import plan_of
from dhc.predict.networks import NETWORKS

TIMED, REPEATS = 16, 5  # pictures of the batch that is timed, and how often
MOST_PICTURES = 64  # whose units' peaks are asked at once, so that others get their turn soon
MOST_PARAMETERS = 200_000_000  # of a network that is built only to be timed


def layer_maps(question: Message) -> Message:
    """``values`` of the layer at ``place`` for the picture ``x``, (1, 64, 64, 3) uint8: (h, w, C) or (C,) float32.

    Of the network of the run in ``folder`` after the kept ``epoch``, 0 for its best one. Raises RunError.
    """
    x, place = question.arrays["x"], int(question.values["place"])
    assert x.shape == (1, 64, 64, 3)
    assert x.dtype == np.uint8
    model = _network(question)
    if not 0 <= place < len(model.layers) - 1:
        raise RunError("the network has fewer layers: choose an earlier one")
    from dhc.explain.layers import layer_values

    return Message({}, {"values": layer_values(model, x, place)[0]})


def first_filters(question: Message) -> Message:
    """The ``filters`` of the first convolution, (h, w, 3, F) float32, of the same network. Raises RunError."""
    from dhc.explain import layers

    return Message({}, {"filters": layers.first_filters(_network(question))})


def unit_peaks(question: Message) -> Message:
    """``peaks`` (N, units) float32 and ``places`` (N, units) int64 of `dhc.explain.layers.peaks` for the pictures ``x``. Raises RunError."""
    x = question.arrays["x"]
    assert x.shape[1:] == (64, 64, 3)
    assert x.dtype == np.uint8
    assert 1 <= len(x) <= MOST_PICTURES
    model = _network(question)
    from dhc.explain.layers import peaks

    highest, places = peaks(model, x)
    return Message({}, {"peaks": highest, "places": places})


def layer_times(question: Message) -> Message:
    """``seconds`` (layers,) float32 that each layer takes for a batch of ``pictures``, and on what: ``device``, ``repeats``.

    Of a network of the ``settings`` (a whole config) for ``classes``, with random weights, which take as long. Raises ConfigError.
    """
    config, classes = RunConfig().with_values(question.values["settings"]), int(question.values["classes"])
    seconds = measure_times(config, classes)
    return Message({"pictures": TIMED, "repeats": REPEATS, "device": device_text()}, {"seconds": seconds})


def measure_times(config: RunConfig, classes: int) -> np.ndarray:
    """(layers,) float32: seconds of each layer of the config's network for TIMED pictures, in this very process. Raises RunError."""
    rows = network_layers(plan_of(config, classes))
    if sum(row.parameters for row in rows) > MOST_PARAMETERS:
        raise RunError(f"the network has more than {MOST_PARAMETERS:,} parameters, too many to time it beside others")
    from dhc.explain.layers import times
    from dhc.predict.network import untrained

    x = np.random.default_rng(0).integers(0, 256, (TIMED, 64, 64, 3)).astype(np.uint8)
    return times(untrained(config, classes), x, REPEATS)


def device_text() -> str:
    """What the helper computes on."""
    return f"the CPU, {cores()} cores, float32"


def unit_layers(rows: tuple[NetworkLayer, ...]) -> tuple[NetworkLayer, ...]:
    """Those layers whose units `unit_peaks` answers for, in its order."""
    return tuple(row for row in rows if row.has_units)


def _network(question: Message) -> Any:
    return NETWORKS.of(Path(question.values["folder"]), int(question.values["epoch"])).model
