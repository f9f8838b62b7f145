"""The panels of the Runs page: what can be seen of the runs that were selected there."""
