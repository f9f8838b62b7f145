"""This machine: its processor's cores, its GPUs, and what a training process must be told of them."""
