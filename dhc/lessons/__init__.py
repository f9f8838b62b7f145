"""The ideas behind a network, computed step by step: NumPy alone, written to be read."""
