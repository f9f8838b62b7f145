"""The run folder's contract."""

from __future__ import annotations

GRACE = 5  # epochs that every run gets
ENOUGH = 3  # runs that must have gone to their end before any is judged by them
