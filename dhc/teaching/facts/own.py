"""The numbers in the lessons that only one's own runs can give."""

from __future__ import annotations
