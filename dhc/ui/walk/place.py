"""Where on the walk one stands: in the address, or where a step in the browser leads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from dhc.ui.shell import address
from dhc.ui.walk.asked import LayerMaps, Whole
from dhc.ui.walk.stops import Stop

ZOOMS: Final = ("overview", "layer", "unit", "formula")
ZOOM, LAYER, UNIT, PLACE = "zoom", "layer", "unit", "place"  # in the address


@dataclass(frozen=True)
class Place:
    """How near one stands, at which stop, at which unit's number, by row and column. Augmentation has no units."""

    zoom: str
    stop: int
    unit: int = 0
    row: int = 0
    column: int = 0


def of_address(stops: Sequence[Stop], whole: Whole) -> Place:
    """The place in the address; what does not fit there is refused. At first the first convolution, its strongest unit at its peak."""
    names = [stop.name for stop in stops]
    first = next((stop.name for stop in stops if stop.row is not None and stop.row.has_units), names[0])
    stop = names.index(address.choice(LAYER, names, first))
    zoom = address.choice(ZOOM, ZOOMS, ZOOMS[0])
    maps = maps_at(stops[stop], whole)
    if maps is None:
        return Place(min(zoom, "layer", key=ZOOMS.index), stop)
    unit = address.integer(UNIT, low=0, high=int(maps.units[-1]))
    if unit is None or unit not in maps.units:
        unit = maps.strongest
    row, column = address.pair(PLACE, below=max(maps.levels.shape[1:])) or maps.peak(unit)
    if row >= maps.levels.shape[1] or column >= maps.levels.shape[2]:
        row, column = maps.peak(unit)
    return Place(zoom, stop, unit, row, column)


def maps_at(stop: Stop, whole: Whole) -> LayerMaps | None:
    """A stop's maps; None for augmentation, which has none of its own."""
    return None if stop.row is None else whole.layers[stop.row.place]


def go(step: object, stops: Sequence[Stop]) -> None:
    """Write where a step of the browser leads into the address; a step that is none is ignored."""
    if not isinstance(step, Mapping):
        return
    names = [stop.name for stop in stops]
    zoom, layer = step.get("zoom"), step.get("layer")
    if zoom not in ZOOMS or layer not in names:
        return
    unit, row, column = (_whole_number(step.get(name)) for name in ("unit", "row", "column"))
    place = None if row is None or column is None else f"{row},{column}"
    address.put(**{ZOOM: None if zoom == ZOOMS[0] else zoom, LAYER: layer, UNIT: unit, PLACE: place})


def _whole_number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**6 else None
