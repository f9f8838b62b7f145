"""Runs as tables, as a report to print, into TensorBoard and MLflow.

Reads run folders, writes elsewhere.
"""
