"""The run folder: names and writer, derived status, and the read model."""
