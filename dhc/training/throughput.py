"""Clocks and means of the telemetry: what is due, how fast pictures go by, what the last batches' loss was. No Keras."""

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
    """Pictures a second, over an epoch and lately. A run's first batch, in which the backend compiles, does not count."""

    def __init__(self) -> None:
        self._compiled = False
        self.begin()

    def begin(self) -> None:
        """An epoch begins."""
        self._start = self._mark = time.perf_counter()
        self._skipped = self._marked = 0

    def batch(self, seen: int) -> None:
        """A batch ended, `seen` pictures into the epoch."""
        if not self._compiled:
            self._compiled = True
            self.begin()
            self._skipped = self._marked = seen

    def lately(self, seen: int) -> float:
        """Pictures a second since the last call; NaN when none counted."""
        now = time.perf_counter()
        rate = _ratio(seen - self._marked, now - self._mark)
        self._mark, self._marked = now, seen
        return rate

    def epoch(self, seen: int) -> float:
        """Pictures a second since the epoch began; NaN when none counted."""
        return _ratio(seen - self._skipped, time.perf_counter() - self._start)


class IntervalMean:
    """Keras's running means over an epoch → means over what came since last asked."""

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """An epoch begins."""
        self.seen, self._loss, self._accuracy = 0, 0.0, 0.0

    def since_last(self, seen: int, loss: float, accuracy: float) -> tuple[float, float]:
        """Means of loss and accuracy over the pictures since the last call, from the means over all `seen` so far."""
        new = seen - self.seen
        means = ((loss * seen - self._loss) / new, (accuracy * seen - self._accuracy) / new)
        self.seen, self._loss, self._accuracy = seen, loss * seen, accuracy * seen
        return max(0.0, means[0]) if math.isfinite(means[0]) else means[0], min(1.0, max(0.0, means[1]))


def _ratio(pictures: int, seconds: float) -> float:
    return pictures / seconds if pictures > 0 and seconds > 0 else math.nan
