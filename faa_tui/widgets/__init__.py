"""Widgets, one for each file."""
