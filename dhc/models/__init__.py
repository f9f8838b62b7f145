"""Networks out of names: plans (data), their sizes (arithmetic) and their Keras models."""
