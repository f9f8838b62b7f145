"""Machines: this one and the clusters."""
