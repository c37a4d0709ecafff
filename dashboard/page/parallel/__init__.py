"""Parallel coordinates that one can brush: a component of its own, since thousands of lines are too
many for a figure of marks."""
