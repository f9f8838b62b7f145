"""Train: the form, what to expect of a run, sweeps and bets."""
