"""How long a run will take, by a run that was measured here, else by this machine's speed."""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from dhc.analysis.folders import resolved_path
from dhc.config import RunConfig
from dhc.models import knn
from dhc.models.cost import Cost, cost, cpu_seconds_per_picture
from dhc.runs.store import RunInfo

SLOWEST = 1e-6  # pictures a second; a run that says less was edited
MEASURES = 50  # of the newest runs are looked at for the one most like it
VAL_SHARE = 1 / 3  # a forward pass costs about a third of a training step


@dataclass(frozen=True)
class Estimate:
    """Expected speed and time, None where nothing is known yet; `source` says what they rest on."""

    cost: Cost
    pictures_per_second: float | None
    seconds_per_epoch: float | None
    seconds: float | None
    source: str


def estimate(
    config: RunConfig,
    device: str,
    *,
    classes: int,
    train: int,
    val: int,
    earlier_runs: Iterable[RunInfo],
    matrix_rate: Callable[[], float],
    precision: Callable[[RunConfig], str] = lambda config: config.device.precision,
    cpu_multiplies: Callable[[str], bool] = lambda precision: True,
) -> Estimate:
    """What a run with this config on `device` ("cpu", "gpu:0", …) will cost.

    classes, train and val are counts, of classes and of pictures. `earlier_runs` stand newest first; of those of the same
    device, backend and precision the one whose network is modelled to take most nearly as long, on the same data set if there
    is one, serves as the measure, scaled by the ratio of the two times.
    Without one, a CPU's speed follows from `matrix_rate()` in FLOP/s, where it has instructions for the dtype policy
    (`cpu_multiplies`); a GPU's is not guessed. `precision` says which dtype policy a config's network gets here.
    """
    if not config.trains_network:
        return _of_neighbours(train, val, matrix_rate())
    network = cost(config, classes, precision(config))
    speed, source = _speed_from_runs(config, network, device, earlier_runs, precision)
    if speed is None and device == "cpu" and cpu_multiplies(precision(config)):
        speed, source = 1 / cpu_seconds_per_picture(network, matrix_rate()), "from this CPU's matrix-product rate"
    if speed is None:
        return Estimate(network, None, None, None, "not known before the first run on this device")
    per_epoch = (train + VAL_SHARE * val) / speed
    return Estimate(network, speed, per_epoch, per_epoch * config.fit.epochs, source)


def makespan(seconds: Sequence[float], at_once: int) -> float:
    """Seconds until all runs have ended that take so long each, begun in this order, `at_once` of them side by side."""
    ends = [0.0] * min(at_once, max(1, len(seconds)))
    for one in seconds:
        heapq.heapreplace(ends, ends[0] + one)
    return max(ends)


def _of_neighbours(train: int, val: int, rate: float) -> Estimate:
    seconds = knn.seconds(train, val, rate)
    size = Cost(0, 0.0, 0.0, knn.memory(train))
    return Estimate(size, val / seconds if seconds else None, seconds, seconds, "from this CPU's matrix-product rate")


def _speed_from_runs(
    config: RunConfig,
    network: Cost,
    device: str,
    earlier_runs: Iterable[RunInfo],
    precision: Callable[[RunConfig], str],
) -> tuple[float | None, str]:
    # Only the ratio counts, so any plausible rate will do: 200 GFLOP/s for a CPU, 20 TFLOP/s for a GPU.
    rate, bandwidth = (2e11, 2e10) if device == "cpu" else (2e13, 1e12)
    new = cpu_seconds_per_picture(network, rate, bandwidth)
    place, candidates = resolved_path(config.data.path), []
    for info, before, speed in itertools.islice(_measures(config, device, earlier_runs), MEASURES):
        old = cpu_seconds_per_picture(cost(before, before.data.classes or 96, precision(before)), rate, bandwidth)
        unlikeness = (round(2 * abs(math.log(old / new))), resolved_path(before.data.path) != place)
        candidates.append((unlikeness, speed * old / new, info.id))
    if not candidates:
        return None, ""
    _, speed, run_id = min(candidates, key=lambda candidate: candidate[0])
    return speed, f"from run {run_id}, measured here"


def _measures(
    config: RunConfig, device: str, earlier_runs: Iterable[RunInfo]
) -> Iterator[tuple[RunInfo, RunConfig, float]]:
    """Runs that trained here as this one would, with their settings and speeds; not examples, which another machine measured."""
    for info in earlier_runs:
        before, speed = info.config, info.pictures_per_second
        if before is None or not before.trains_network or info.device != device or info.example:
            continue
        if speed is None or speed < SLOWEST:
            continue
        if (before.device.backend, before.device.precision) == (config.device.backend, config.device.precision):
            yield info, before, speed
