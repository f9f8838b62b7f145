"""Clocks and means for the telemetry. No Keras."""

from __future__ import annotations

import math
import time


class Clock:
    """Says when something is due again."""

    def __init__(self) -> None:
        self._last = time.perf_counter()

    def due(self, seconds: float) -> bool:
        """Whether so many seconds went by since it last said yes."""
        now = time.perf_counter()
        if now - self._last < seconds:
            return False
        self._last = now
        return True


class Pace:
    """Pictures a second, over an epoch and lately.

    A run's first batch, in which the backend compiles, does not count.
    """

    def __init__(self) -> None:
        self._compiled = False
        self.begin()

    def begin(self) -> None:
        """An epoch begins."""
        self._start = self._last = time.perf_counter()
        self._skipped = self._last_count = 0

    def batch(self, count: int) -> None:
        """A batch ended, `count` pictures into the epoch."""
        if not self._compiled:
            self._compiled = True
            self.begin()
            self._skipped = self._last_count = count

    def lately(self, count: int) -> float:
        """Pictures a second since the last call; NaN when none counted."""
        now = time.perf_counter()
        rate = _ratio(count - self._last_count, now - self._last)
        self._last, self._last_count = now, count
        return rate

    def epoch(self, count: int) -> float:
        """Pictures a second since the epoch began; NaN when none counted."""
        return _ratio(count - self._skipped, time.perf_counter() - self._start)


class IntervalMean:
    """Turns Keras's running means over an epoch into means since the last call."""

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """An epoch begins."""
        self.count, self._loss, self._accuracy = 0, 0.0, 0.0

    def since_last(self, count: int, loss: float, accuracy: float) -> tuple[float, float]:
        """Mean loss and accuracy since the last call, from the means over all `count` pictures."""
        pictures = count - self.count
        means = ((loss * count - self._loss) / pictures, (accuracy * count - self._accuracy) / pictures)
        self.count, self._loss, self._accuracy = count, loss * count, accuracy * count
        return max(0.0, means[0]) if math.isfinite(means[0]) else means[0], min(1.0, max(0.0, means[1]))


def seconds_left(pictures: int, speed: float, validations: int, validation_seconds: float) -> float:
    """Seconds for so many pictures at `speed` a second and so many passes over val."""
    return pictures / speed + validations * validation_seconds


def _ratio(pictures: int, seconds: float) -> float:
    return pictures / seconds if pictures > 0 and seconds > 0 else math.nan
