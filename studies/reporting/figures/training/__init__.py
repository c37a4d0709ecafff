"""Figures of trainings: learning curves, overfitting, learning rates, single trials."""
