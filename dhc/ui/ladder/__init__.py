"""Ladder: the report's table beside what was measured here, and the learning-rate factor's experiment."""
