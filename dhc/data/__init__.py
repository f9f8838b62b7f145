"""Pictures in: Kaggle folders become tables (layout), then pixels (decode); faults (health)."""
