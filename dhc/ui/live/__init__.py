"""Live: one run's curves as they grow, what the coach says of them, and the run's end."""
