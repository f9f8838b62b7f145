"""Colours for many runs: ten that every eye tells apart, and a ramp for more or for ranks."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from plotly.colors import hex_to_rgb, sample_colorscale, unlabel_rgb

from dhc.figures import theme

# Each at least 3 : 1 against the light and the dark page, apart for red-blind and green-blind eyes; tests measure both.
TEN = (
    theme.TRAIN,
    theme.VAL,
    "#bb1188",
    "#666622",
    "#8800ff",
    "#779988",
    "#ee33ff",
    "#dd0033",
    "#7755aa",
    "#996666",
)
LOW_TO_HIGH = ((0.0, theme.TRAIN), (0.5, "#a85fc8"), (1.0, theme.VAL))


def distinct(count: int) -> list[str]:
    """`count` colours for things without an order: of TEN, or along the ramp for more."""
    return list(TEN[:count]) if count <= len(TEN) else ramp(count)


def ramp(count: int) -> list[str]:
    """`count` colours along LOW_TO_HIGH in even steps."""
    if not count:
        return []
    places = [i / (count - 1) for i in range(count)] if count > 1 else [0.5]
    colors: list[str] = sample_colorscale([list(stop) for stop in LOW_TO_HIGH], places)
    return colors


def by_value(values: Sequence[Hashable]) -> list[str]:
    """A colour for each value, equals the same: numbers by rank along the ramp, None in grey."""
    different = {value for value in values if value is not None}
    numeric = all(isinstance(value, int | float) and not isinstance(value, bool) for value in different)
    by_rank = sorted(different) if numeric else sorted(different, key=str)  # type: ignore[type-var]
    colors = ramp(len(by_rank)) if numeric else distinct(len(by_rank))
    color_of: dict[Hashable, str] = dict(zip(by_rank, colors, strict=True))
    return [theme.MUTED if value is None else color_of[value] for value in values]


def faint(color: str, opacity: float = 0.3) -> str:
    """A colour of this module, nearly transparent."""
    red, green, blue = unlabel_rgb(color) if color.startswith("rgb") else hex_to_rgb(color)
    return f"rgba({red:g},{green:g},{blue:g},{opacity:g})"
