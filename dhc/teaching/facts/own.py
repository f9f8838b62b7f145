"""The numbers in the lessons that only one's own runs can give."""

from __future__ import annotations

from dhc.runs.contract import RateSearch
from dhc.teaching.fact import Facts, Value
from dhc.teaching.facts import report
from dhc.text import rate_text

Values = dict[str, Value]


def blow_up() -> Facts:
    """How a search goes, and with which rate the report began; the right option is the second."""
    search, settings = RateSearch(), report.config()
    values: Values = {"batches": search.batches, "low": rate_text(search.low), "high": rate_text(search.high)}
    return Facts(1, {**values, "rate": settings.optimizer.learning_rate, "factor": settings.schedule.factor})
