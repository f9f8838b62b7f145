"""Lessons: the course, page by page."""
