"""Screens of a run's answers: Mistakes, Confusion, and the large picture that both open."""
