"""The numbers that stand in the lessons' texts, each computed, by group of lessons."""
