"""The types of the command line's numbers: each has bounds, and a refusal says why they are there."""

from __future__ import annotations

import math
import re
from typing import Any

import click

from dhc.text import quote


class Whole(click.IntRange):
    """A whole number from `low` to `high`, in at most 18 digits; a refusal says `why` there is a bound."""

    def __init__(self, low: int, high: int, why: str) -> None:
        super().__init__(low, high)
        self.low, self.high, self.why = low, high, why

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number. Raises BadParameter in a sentence, whatever the text is."""
        text = str(value).strip()
        if re.fullmatch(r"[+-]?[0-9]{1,18}", text, re.ASCII) and self.low <= int(text) <= self.high:
            return int(text)
        raise click.BadParameter(
            f"{quote(text, 40)} is no whole number from {self.low:,} to {self.high:,}: {self.why}", ctx, param
        )


class Real(click.FloatRange):
    """A number from `low` to `high`; a refusal says `why` there is a bound."""

    def __init__(self, low: float, high: float, why: str) -> None:
        super().__init__(low, high)
        self.low, self.high, self.why = low, high, why

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number. Raises BadParameter in a sentence, whatever the text is."""
        text = str(value).strip()
        try:
            number = float(text) if len(text) < 100 else math.nan
        except ValueError:
            number = math.nan
        if self.low <= number <= self.high:
            return number
        raise click.BadParameter(
            f"{quote(text, 40)} is no number from {self.low:g} to {self.high:g}: {self.why}", ctx, param
        )
