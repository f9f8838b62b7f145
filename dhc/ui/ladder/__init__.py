"""Ladder: the report's table beside what was measured here, and the LR-factor experiment."""
