"""The numbers of a lesson's text, and the right answer to its question."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Value = float | int | str


@dataclass(frozen=True)
class Facts:
    """What stands in a lesson's text.

    answer: the right answer to its question: a number, or the place of the right option, from 0. tolerance: how far a number
    may be off, as a share of it. in_percent: the answer is asked for in per cent. values: by the name that the text gives each in braces.
    """

    answer: float
    values: Mapping[str, Value] = field(default_factory=dict)
    tolerance: float = 0.0
    in_percent: bool = False

    def is_right(self, given: float) -> bool:
        """Whether an answer is right."""
        return abs(given - self.answer) <= abs(self.answer) * self.tolerance + 1e-9
