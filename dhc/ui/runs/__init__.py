"""Runs: the table, its groups, and the panels that compare the selected ones."""
