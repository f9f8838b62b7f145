"""The writer side; its one door is `dhc.training.loop.train_and_evaluate(config, run_dir)`.

The process of a run is ``python -m dhc.training RUN_DIR``.
"""
