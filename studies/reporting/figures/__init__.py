"""The figures of the dashboard: an `_info` function has the arithmetic, a `draw_` one has none."""
