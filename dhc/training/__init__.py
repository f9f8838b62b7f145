"""The writer side: one door, `dhc.training.loop.train_and_evaluate(config, run_dir)`; ``python -m dhc.training RUN_DIR``."""
