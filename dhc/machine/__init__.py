"""This machine: its cores, its GPUs, and the environment that a training process needs."""
