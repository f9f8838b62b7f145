"""Networks out of names: plans (data), their sizes (arithmetic) and their Keras models (built only by the writer side)."""
