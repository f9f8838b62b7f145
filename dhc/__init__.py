"""Deep Hallucination Classification: train, watch and compare image classifiers."""

__version__ = "0.1.0"
