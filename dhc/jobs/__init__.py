"""Background work: launch, stop and queue runs; make data sets. Never imports Keras."""
