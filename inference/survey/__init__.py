"""Looks over a whole gallery: what in it needs attention, and a map of it."""
