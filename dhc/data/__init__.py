"""Pictures in: Kaggle folders → tables (layout) → pixels (decode, cache), their faults (health), and a stand-in set (generate)."""
