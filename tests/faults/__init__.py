"""Faults done for real, and what must be shown of them."""
