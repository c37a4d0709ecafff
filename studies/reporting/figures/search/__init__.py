"""Figures of a search: what it found, its parameters, and when it ran."""
