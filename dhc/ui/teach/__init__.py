"""Teach: a teacher's classes."""
