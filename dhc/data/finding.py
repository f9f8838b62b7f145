"""One thing that a check of a data set reports, and how its sentences name pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from dhc.text import quote

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")  # the gravest first


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong or worth knowing.

    ``severity``: "error" means that a training refuses or its figures cannot be believed, "warning" that they suffer,
    "note" that one should know. ``text`` is whole sentences; ``files`` are those concerned, relative to the root.
    """

    kind: str
    severity: Severity
    text: str
    files: tuple[str, ...] = ()


def some(names: Sequence[str], limit: int = 3) -> str:
    """The first names, quoted, and how many more there are."""
    more = f" and {len(names) - limit:,} more" if len(names) > limit else ""
    return ", ".join(map(quote, names[:limit])) + more
