"""A figure in a report: its JSON, and what it shows in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dhc.figures import embed


@dataclass(frozen=True)
class Chart:
    """A figure as JSON (`figures.embed`), what it shows in words, its height in CSS pixels."""

    title: str
    alt: str
    height: int
    figure: str


def chart(title: str, alt: str, height: int, figure: Any) -> Chart:
    """The figure in the report's own letters and colours."""
    figure.update_layout(font={"family": "system-ui, sans-serif", "size": 12, "color": "#24222f"})
    return Chart(title, alt, height, embed.to_json(figure))
