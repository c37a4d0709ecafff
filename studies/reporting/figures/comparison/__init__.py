"""Figures that compare arms: means, gains, differences, sensitivity, cost."""
