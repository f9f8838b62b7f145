"""The same runs on many machines: engines (Ray, Slurm) run what the queue hands out to them."""
