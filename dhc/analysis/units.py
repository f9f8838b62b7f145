"""What each unit of a network responds to most: gathered batch by batch, so that only a few pictures of each unit are held."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

NINE = 9  # pictures of each unit


@dataclass(frozen=True, eq=False)
class Strongest:
    """The pictures in which the units of a layer are most active, strongest first.

    values   (units, NINE) float32; -inf where there are no more pictures
    rows     (units, NINE) int64: which picture; -1 where there is none
    places   (units, NINE) int64: where in the map, ``row · width + column``
    """

    values: np.ndarray
    rows: np.ndarray
    places: np.ndarray

    @property
    def dead(self) -> np.ndarray:
        """The units, rising, that no picture made active: whose largest value of all is 0 or less."""
        return np.flatnonzero(~(self.values[:, 0] > 0))

    def of(self, unit: int) -> list[tuple[int, float, int]]:
        """Row, value and place of the pictures that make a unit active, strongest first."""
        columns = (self.rows[unit].tolist(), self.values[unit].tolist(), self.places[unit].tolist())
        return [one for one in zip(*columns, strict=True) if one[1] > 0]

    def part(self, first: int, count: int) -> Strongest:
        """Those of `count` units from `first` on."""
        end = first + count
        return Strongest(self.values[first:end], self.rows[first:end], self.places[first:end])


def none_yet(units: int) -> Strongest:
    """What is known of so many units before the first picture."""
    shape = (units, NINE)
    return Strongest(np.full(shape, -np.inf, np.float32), np.full(shape, -1, np.int64), np.zeros(shape, np.int64))


def with_more(before: Strongest, rows: np.ndarray, peaks: np.ndarray, places: np.ndarray) -> Strongest:
    """The strongest of those before and of further pictures: their rows (N,), and their units' peaks and places (N, units).

    Of equal ones the earlier stands first.
    """
    values = np.concatenate([before.values, peaks.T], axis=1)
    order = np.argsort(-values, axis=1, kind="stable")[:, :NINE]
    every_row = np.concatenate([before.rows, np.broadcast_to(rows, peaks.T.shape)], axis=1)
    every_place = np.concatenate([before.places, places.T], axis=1)
    return Strongest(*(np.take_along_axis(each, order, axis=1) for each in (values, every_row, every_place)))
